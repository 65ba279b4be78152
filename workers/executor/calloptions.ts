// Attaches the options of a call to its job: its signal, its time limits, what travels with it.

import { followSignal, printable, TimeoutError } from "../../src/core.ts";
import { extraOf, type Job, type JobExtra, jobTimer } from "./job.ts";
import type { CallOptions } from "./options.ts";

export function attachOptions(job: Job, options: CallOptions): void {
  const extra = extraOf(options);
  job._extra = extra;
  if (options.name !== undefined) extra.details = { ...extra.details, name: printable(options.name) };
  if (options.timeout !== undefined) limitRun(job, extra, options.timeout);
  if (options.queueTimeout !== undefined) limitWait(job, extra, options.queueTimeout);
  if (options.signal !== undefined) follow(job, extra, options.signal);
}

/** The clock of the run starts when the worker says that it has begun. */
function limitRun(job: Job, extra: JobExtra, timeout: number): void {
  extra.details = { ...extra.details, timed: true };
  extra.onStarted = () => {
    const error = () =>
      new TimeoutError(`Job \`${job.name}\` ran for more than its timeout of ${timeout} ms`);
    const { deaths } = extra; // when its thread dies and it runs again, it has all its time again
    jobTimer(extra, timeout, () => {
      if (extra.deaths === deaths) job._place.stop(job, error());
    });
  };
}

function limitWait(job: Job, extra: JobExtra, timeout: number): void {
  const error = () =>
    new TimeoutError(`Job \`${job.name}\` waited for more than its queueTimeout of ${timeout} ms`);
  jobTimer(extra, timeout, () => {
    if (!job.running()) job._place.stop(job, error());
  });
}

function follow(job: Job, extra: JobExtra, signal: AbortSignal): void {
  const leave = followSignal(signal, () => void job.cancel("The job's signal was aborted", signal.reason));
  if (!signal.aborted) extra.cleanups.push(leave);
}
