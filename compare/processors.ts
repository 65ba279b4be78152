// This says how many processors a pool really gets: others on the machine, or a limit of its container, may leave it
// fewer.

import type { WorkerPool } from "../workers/index.ts";

/** Milliseconds of work that each thread is given to tell. */
const SPIN = 50;

/**
 * Processor time over time while every thread has work. It counts two hardware threads of one core as two, as the
 * system does: that they are slower together is no crowd.
 */
export async function processorsGiven(pool: WorkerPool, threads: number): Promise<number> {
  await Promise.all(Array.from({ length: threads }, () => pool.submit(spin, 1))); // they are there
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: threads }, () => pool.submit(spin, SPIN)));
  const lasted = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return Math.min(threads, (user + system) / 1000 / lasted);
}

function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
