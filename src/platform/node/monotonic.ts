/** Captured at load, so that fake timers of a test runner stop nothing. */
const hrtime = process.hrtime;

/**
 * Monotonic time, which never goes back, in milliseconds; it is the same in all threads of a process. `performance.now()`
 * takes as long, and ten of Node's modules that a thread has to load for it.
 */
export function monotonicTime(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
