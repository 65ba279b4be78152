// This is what a comparison tells. It is JSON: `threadloop compare --json` prints it as it is.

/** Whether it pays to run a function in threads, and all that says so. Times are milliseconds. */
export interface Comparison {
  /** The function's name. */
  readonly function: string;
  /** The file it was imported from; null when it was handed over. */
  readonly file: string | null;
  /** The version of Node, as in `process.version`. */
  readonly node: string;
  /** Threads of the pool. */
  readonly threads: number;
  /** Processors that the threads really got, while all of them had work: less when other processes take them. */
  readonly processors: number;
  /** Whether others took so many of the processors that "not faster" cannot be told from "not let". */
  readonly isCrowded: boolean;
  readonly inputs: readonly ComparedInput[];
  /** Length from which on a call leaves the loop more free in a thread than it keeps it busy: twice what the loop keeps. */
  readonly breakEven: number;
  /** Whether threads pay for any of the inputs; null when that cannot be told. */
  readonly pays: boolean | null;
}

/** One list of arguments, measured. */
export interface ComparedInput {
  readonly loop: LoopTime;
  readonly thread: ThreadTime;
  /** The first call in a new pool, from nothing to its result: starting a thread, loading the module, running it. */
  readonly cold: number;
  /**
   * For how long a call in a thread keeps the loop busy: sending the arguments, taking the result. The least of the
   * amounts of `atOnce`, as calls that are made together share their messages.
   */
  readonly loopKeeps: number;
  /** What is sent, and what that costs whoever sends it; null when Node alone cannot serialize it. */
  readonly copy: { readonly out: CopyCost; readonly back: CopyCost } | null;
  /** Calls at once, in threads against on the loop. */
  readonly atOnce: readonly AtOnce[];
  /** Calls in one message of `pool.map`; null where that is no question: a call is long, or has not one argument. */
  readonly chunks: readonly ChunkSize[] | null;
  /** Whether loop and thread gave equal results; null when two calls on the loop did not either. */
  readonly isSame: true | null;
  /** Whether the function changes its arguments, so that each call on the loop got a copy of its own. */
  readonly changesArguments: boolean;
  readonly verdict: InputVerdict;
}

/** One call on the loop. */
export interface LoopTime {
  readonly ms: number;
  /** Half the distance between the quartiles, as a share of the median. */
  readonly spread: number;
  /** For how much of that the loop stood still: all of it, unless the function is async. */
  readonly busy: number;
}

/** One call in a thread, sent and answered. */
export interface ThreadTime {
  readonly ms: number;
  readonly spread: number;
}

/** Something that is sent. */
export interface CopyCost {
  readonly bytes: number;
  /** What the loop spends on it: writing the arguments, reading the result. */
  readonly ms: number;
}

/** So many calls at once. */
export interface AtOnce {
  readonly amount: number;
  /** How many times as fast as on the loop: the median over the rounds, of pairs. */
  readonly speedUp: number;
  readonly spread: number;
}

/** So many calls in a message. */
export interface ChunkSize {
  readonly chunkSize: number;
  readonly speedUp: number;
  readonly spread: number;
}

/** What the figures of one input say. null stands for "cannot be told". */
export interface InputVerdict {
  /** A call keeps the loop for a millisecond or more, and in a thread for at most half of that. */
  readonly frees: boolean | null;
  /** From some amount of calls at once on, threads are faster for good: 1.15 times at least. */
  readonly faster: boolean | null;
  /** That amount; null when there is none. */
  readonly fasterFrom: number | null;
  /** Calls that are put together are faster in threads. */
  readonly inChunks: boolean | null;
  /** The chunk size that is the fastest one; null when none is faster than the loop. */
  readonly chunkSize: number | null;
  readonly pays: boolean | null;
}
