// This is the caller's half of a stack. An error from a worker has the worker's frames only; whoever awaits the job
// is known to V8, which walks from a promise to the async functions that wait for it. So when a job fails, and only
// then, an async function is started whose promise leads to the awaiting code, and its own stack is what we want:
// nothing is captured for jobs that succeed.

type Resolve = (value: never) => unknown;

/** Appends the frames of the code that awaits through `resolve`, V8's own resolve function, then calls `done`. */
export function appendCaller(error: Error, resolve: Resolve, done: () => void): void {
  probe(error, done).then(resolve, done);
}

/** Never settles: its promise exists to be walked along. */
async function probe(error: Error, done: () => void): Promise<never> {
  await undefined;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, probe);
  const frames = holder.stack?.split("\n").slice(1) ?? [];
  if (frames.length > 0) addFrames(error, frames);
  done();
  return new Promise<never>(() => {});
}

function addFrames(error: Error, frames: readonly string[]): void {
  const value = [error.stack ?? String(error), "    --- called in another thread by ---", ...frames].join(
    "\n",
  );
  Object.defineProperty(error, "stack", { value, writable: true, enumerable: false, configurable: true });
}
