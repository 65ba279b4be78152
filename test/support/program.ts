// Programs in a process of their own, for what ends a process or changes it for everybody.
import { type ChildProcess, spawn } from "node:child_process";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the source of a module, which may import "threadloop", and gives what it printed and how it ended. `onLine` is
 * called with each line it prints, to talk to it.
 */
export function program(
  source: string,
  onLine?: (line: string, child: ChildProcess) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, ["--input-type=module", "--expose-gc", "--eval", source], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  let line = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
    const lines = (line + text).split("\n");
    line = lines.pop() ?? "";
    for (const whole of lines) onLine?.(whole, child);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, ...output }));
  });
}
