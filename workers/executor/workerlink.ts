// This is the seam below the policy of a pool: what it needs of a worker to decide which job goes there, and what a
// worker tells it. Behind it a thread is reached over a port and shared memory (`host/`); in tests a worker is
// simulated on a virtual clock. Policy counts, compares and moves jobs by this interface, and knows neither ports
// nor slots.
//
//     pool                            worker
//       open -------------------------->  starts                         unless it runs
//       post(job)* -------------------->
//         <-- ready -------------------   set up: it begins what was posted
//       takeBack(n), stop(job) -------->  jobs that have not started are the pool's again at once
//         <-- end(job, how, value)* ---   each posted job that was not taken back: once, or in `returned` or `died`
//         <-- available ---------------   after each batch of ends, and whenever it may take more
//         <-- retires(unstarted) ------   takes no more; its thread will be replaced
//         <-- replaced ----------------   that one has gone: it may start anew
//         <-- died(started, unstarted)    has no job any more; it may start anew
//       close ------------------------->  lets go, and resolves
//
// Whatever else happens comes in one of `WorkerEvent`. The two calls that come with every batch of jobs are methods of
// their own, so that nothing is made for them.

import type { End, Job, JobPlace } from "./job.ts";
import type { Time } from "./time.ts";

/** One worker, as the policy of a pool sees it. Numbers may change between two looks, as the worker goes on meanwhile. */
export interface WorkerLink extends JobPlace {
  /** Another one has its place among the workers: it takes no more jobs, until it has that of a third. */
  isAway: boolean;
  /** Things beside jobs that need it to go on: actors. */
  pins: number;
  /** Whether it runs, is being started, or is ending. */
  readonly hasSession: boolean;
  /** Whether it runs or is being started. */
  readonly isLive: boolean;
  /** Whether it is set up: it would start a job at once if it were idle. */
  readonly isReady: boolean;
  /** Whether a job can be posted now. */
  readonly isOpen: boolean;
  /** Whether it has nothing to do, as far as can be seen. */
  readonly isIdle: boolean;
  /** Whether it is to be replaced, and ends what it has. */
  readonly isRetiring: boolean;

  /** Jobs posted and not settled. */
  readonly jobs: number;
  /** The same without those suspended at an await. */
  readonly load: number;
  /** Jobs posted and not started. */
  readonly unstarted: number;
  /** The same without the one that it begins at once; -1 when it would begin one. */
  readonly backlog: number;
  /** Whether it would begin the next job at once. */
  readonly hasPlace: boolean;

  /** How many jobs it may have ahead, and how many more may be posted now. */
  readonly window: number;
  readonly room: number;
  /** How many jobs that cannot be taken back may be posted. */
  readonly roomForGood: number;
  /** Whether calls of the job's function have been short there. */
  isKnownShort(job: Job): boolean;

  /** Whether jobs wait and none was started since the last look; it takes no clock to say so. */
  readonly standsStill: boolean;
  /** Whether the worker has started nothing for long although jobs wait: it is in a long job. */
  isStuck(now: number): boolean;
  /** Ends the jobs whose results can be had though the worker is in another job; true when it is to be looked at again. */
  fetchWhenStill(): boolean;

  /** Has it start, unless it runs. */
  open(): void;
  post(job: Job): void;
  /** Takes back up to `most` jobs that have not started and could run elsewhere, the newest ones; the oldest comes first. */
  takeBack(most: number): Job[];
  /** The same for all of a lower priority. */
  takeBackBelow(priority: number): Job[];
  /** The job that it starts next and that could move, if there is one. */
  readonly nextMovable: Job | undefined;
  /** Takes back this job; false when it has started. */
  takeBackOne(job: Job): boolean;
  /** The jobs posted and not settled, in that order. */
  readonly postedJobs: Job[];
  /** Ends every job with an error of its own, and the worker with those that run; returns them. */
  drop(errorOf: (job: Job) => Error): Job[];
  /** No job has the function of this number any more. */
  forget(code: number): void;
  /** The pool closes, and has waited for a while. */
  hurry(): void;
  /** Ends it; resolves when it has let go. All its jobs must be settled. */
  close(): Promise<void>;
}

/** What a worker that died leaves behind. */
export interface ThreadDeath {
  readonly cause: Error;
  /** The thread, and the code it ended with; null when there was none. */
  readonly threadId: number | null;
  readonly exitCode: number | null;
  /** Whether the worker had been set up. */
  readonly wasReady: boolean;
  /** The job that ended it, where that is known. */
  readonly culprit: Job | null;
  /** Jobs that had started, in the order of posting. */
  readonly started: readonly Job[];
  /** Jobs that had not; they are as good as new. */
  readonly unstarted: readonly Job[];
}

/** What a worker tells its pool. */
export type WorkerEvent =
  /** It is set up. */
  | { readonly is: "ready" }
  /** It cannot be set up: its initializer or a preload failed there, or a broadcast cannot be loaded. */
  | { readonly is: "broken"; readonly error: unknown }
  /** It cannot load the job's function. */
  | { readonly is: "unloadable"; readonly job: Job; readonly error: unknown }
  /** Jobs that were posted did not arrive. */
  | { readonly is: "returned"; readonly jobs: readonly Job[] }
  /** An error that no open job can be charged with. */
  | { readonly is: "stray"; readonly error: unknown }
  /** It is to be replaced; `unstarted` are to run elsewhere. */
  | { readonly is: "retires"; readonly unstarted: readonly Job[] }
  /** What was to be replaced has gone; it may have thrown in its teardown. */
  | { readonly is: "replaced" }
  | { readonly is: "died"; readonly death: ThreadDeath };

/** Whom a worker tells. */
export interface LinkOwner {
  /** The job has ended. */
  end(job: Job, how: End, value: unknown): void;
  /** Jobs of it have ended, or it may take jobs again. */
  available(worker: WorkerLink): void;
  tell(worker: WorkerLink, event: WorkerEvent): void;
}

/** Where the workers of a pool come from, and what they have in common. */
export interface WorkerSource {
  /** The clock by which they are judged, and on which the limits of their jobs are counted. */
  readonly time: Time;
  /** Whether a loop has to wait for their jobs as for something outside it. */
  readonly isOutside: boolean;
  /** Makes a worker that does not run yet. */
  link(owner: LinkOwner): WorkerLink;
  /** Those that run, and as many others as there are idle threads that wait to be theirs. */
  withThreads(): readonly WorkerLink[];
  /** So many beyond the pool's size may run for the moment: they are about to go. */
  allowMore(leaving: number): void;
  /** They could not be set up: true when that was for the way a function was shipped, and there is another. */
  reship(cause: unknown): boolean;
  /** Whether the end of a job has to wait until what it has printed is out; `end` is called then. */
  defers(job: Job, end: () => void): boolean;
  /** The jobs whose ends wait. */
  readonly deferred: readonly Job[];
  /** Ends what is left of them; their teardown is run first where they were set up, and what they printed is out by then. */
  end(options: { readonly areSetUp: boolean; readonly patience: number }): Promise<void>;
}
