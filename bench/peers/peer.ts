// This is what a contender is to a question: threads that run a named job with one argument. One file beside this
// one for each contender, and nothing in a question knows which one it drives.

/** A module of jobs: the functions, for a contender that takes functions, and where it lies, for the others. */
export interface Workload {
  readonly url: URL;
  readonly functions: object;
}

/** Open threads of a contender. */
export interface Threads {
  /** Runs one job; the buffers in `transfer` are handed over instead of copied. */
  run(job: string, input: unknown, transfer?: readonly ArrayBuffer[]): PromiseLike<unknown>;
  /** Runs a job once for each input; absent where that is no more than `run` for each. */
  runAll?(job: string, inputs: readonly unknown[]): Promise<unknown[]>;
  /** Waits for all of several calls; absent where users write Promise.all. */
  all?(calls: readonly PromiseLike<unknown>[]): Promise<unknown[]>;
  close(): Promise<unknown>;
}

export interface Peer {
  readonly name: string;
  /** `limit`: what no pool can beat, shown to measure against. */
  readonly kind: "ours" | "limit" | "peer";
  open(workload: Workload, size: number): Promise<Threads> | Threads;
  /** Runs a measurement where users of this contender would call it; absent: anywhere. */
  inside?<T>(body: () => Promise<T>): Promise<T>;
}

/** Runs a job once for each input, all in flight at once. */
export function runAll(threads: Threads, job: string, inputs: readonly unknown[]): Promise<unknown[]> {
  if (threads.runAll !== undefined) return threads.runAll(job, inputs);
  return waitForAll(
    threads,
    inputs.map((input) => threads.run(job, input)),
  );
}

export function waitForAll(threads: Threads, calls: readonly PromiseLike<unknown>[]): Promise<unknown[]> {
  return threads.all === undefined ? Promise.all(calls) : threads.all(calls);
}

/** A module's functions under their names, for the contenders that look a job up. */
export async function loadJobs(url: string): Promise<Record<string, (input: unknown) => unknown>> {
  return await import(url);
}
