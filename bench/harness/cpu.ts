// This gives the CPU time of the calling thread alone: what a call costs the main loop, whatever the workers burn.
import { readFileSync } from "node:fs";

type CpuUsage = { user: number; system: number };

// From Node 23.9; before it the kernel is asked (Linux), where the first number is nanoseconds on a CPU.
const { threadCpuUsage } = process as { threadCpuUsage?: () => CpuUsage };

/** Returns the CPU time of this thread so far in milliseconds, or `undefined` where nobody tells. */
export function threadCpu(): number | undefined {
  if (threadCpuUsage !== undefined) {
    const { user, system } = threadCpuUsage.call(process);
    return (user + system) / 1000;
  }
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return undefined;
  }
}
