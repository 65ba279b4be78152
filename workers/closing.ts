// How a pool ends: no new jobs, the old ones finished (or dropped at the deadline), sessions ended, threads too.

import { setTimeout as wait } from "node:timers/promises";
import type { Engine } from "./engine.ts";
import { BrokenPoolError, PoolClosedError } from "./errors.ts";
import { type Job, LONGEST } from "./job.ts";

/** How a pool is closed. */
export interface CloseOptions {
  /** Milliseconds to wait for the jobs; what is not done by then fails with PoolClosedError. Default: no limit. */
  readonly deadline?: number;
  /** Cancels the jobs that have not started, as Python's `cancel_futures`. Default false. */
  readonly cancelFutures?: boolean;
}

/** What a closed pool left undone. */
export interface CloseReport {
  /** The names of the jobs that the deadline cut off. */
  readonly dropped: readonly string[];
}

/** How long a thread without jobs may take to let go of its session, before it is terminated all the same. */
const LET_GO_WITHIN = 1000;

export async function closeEngine(
  engine: Engine,
  { deadline, cancelFutures }: CloseOptions,
): Promise<CloseReport> {
  const { name } = engine.settings;
  engine.refuse(
    new PoolClosedError(`Pool "${name}" is closed: it takes no more jobs. Make another WorkerPool`),
  );
  if (cancelFutures === true) engine.cancelUnstarted(`Pool "${name}" was closed`);
  const dropped = await settle(engine, deadline);
  await endThreads(engine);
  return { dropped: dropped.map((job) => job.name) };
}

/** Waits for the open jobs; drops those that are left at the deadline and returns them. */
async function settle(engine: Engine, deadline: number | undefined): Promise<readonly Job[]> {
  const settled = engine.settled();
  if (deadline === undefined || deadline > LONGEST) {
    await settled;
    return [];
  }
  const timer = new AbortController();
  const late = wait(deadline, true, { signal: timer.signal }).catch(() => false);
  const isLate = await Promise.race([settled, late]);
  timer.abort();
  if (isLate !== true) return [];
  const dropped = engine.drop((job) => {
    return new PoolClosedError(`Job \`${job.name}\` was not done at the deadline of close(), ${deadline} ms`);
  });
  await settled;
  return dropped;
}

async function endThreads(engine: Engine): Promise<void> {
  const sessions = engine.dispatcher.hosts.map((host) => host.close());
  await Promise.race([Promise.all(sessions), wait(LET_GO_WITHIN, undefined, { ref: false })]);
  if (!(engine.refusal instanceof BrokenPoolError)) await engine.threads.tearDown();
  await engine.threads.destroy();
}
