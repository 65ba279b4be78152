/** Captured at load, so that fake timers of a test runner stop nothing. */
const { hrtime, uptime } = process;

const systemTime = (): number => {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
};

/** When the process began. A fake clock that is there already when this is loaded has begun later than the process. */
const origin: number = systemTime() - uptime() * 1e3;
const isFaked = origin < -1;

/**
 * Monotonic time, which never goes back, in milliseconds since the process began; in all threads the same, to some
 * microseconds. `performance.now()` takes as long, and ten of Node's modules that a thread has to load for it; nobody fakes
 * `uptime`, which takes twice as long.
 */
export function monotonicTime(): number {
  return isFaked ? uptime() * 1e3 : systemTime() - origin;
}
