// This is a job that stands for others, which are made a little later: it ends as they do, and a cancel goes to those
// there are.

import { CancelledError, FAILED, FINISHED, isInstance } from "../../src/core.ts";
import { Job, type JobPlace } from "../../workers/executor/job.ts";

/** Tells which jobs do the work, as soon as there are some. */
export type Began = (jobs: readonly Job[]) => void;

/** A job of that name for what `work` does. */
export function standingJob(name: string, work: (began: Began) => Promise<unknown>): Job {
  let jobs: readonly Job[] = [];
  let ending: Error | null = null;
  const cancel = (): void => {
    for (const job of jobs) job.cancel(ending?.message);
  };
  const place: JobPlace = {
    label: "running",
    isRunning: () => jobs.some((job) => job.running()),
    stop: (_, why) => {
      ending = why;
      cancel();
    },
  };
  const standing = new Job(null, [], place, { isOutside: false });
  standing._more().attached = { name };
  const began: Began = (begun) => {
    jobs = begun;
    if (ending !== null) cancel();
  };
  work(began).then(
    (value) => standing._settle(FINISHED, value),
    (error) => {
      if (isInstance(error, CancelledError)) standing._settleCancelled(error);
      else standing._settle(FAILED, error);
    },
  );
  return standing;
}
