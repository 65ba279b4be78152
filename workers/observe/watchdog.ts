// This looks now and then whether the loops of a pool's workers turn, and reports a thread that does not, once.
//
// A thread that has jobs is asked now and then; one that leaves the question open is stuck. Shared memory tells which
// job's code has it since when, unless that is a step of a coroutine behind its first await.

import { channel } from "node:diagnostics_channel";
import { clearInterval, setInterval } from "node:timers";
import { emitWarning, inRootContext, monotonicTime } from "../../src/core.ts";
import type { Host } from "../host/host.ts";
import type { ThreadScheduler } from "../pool/threadworkers.ts";
import { CURRENT } from "../wire/memory.ts";
import { stackOf } from "./stackof.ts";

/** Of the channel `threadloop:worker:blocked`: a thread whose loop does not turn. */
export interface WorkerBlocked {
  readonly pool: string;
  readonly thread: number;
  /** The job that keeps the loop from turning; null when it is one of `jobs`, and it cannot be told which. */
  readonly job: string | null;
  /** Every job that the thread has started and not ended. */
  readonly jobs: readonly string[];
  /** For how many milliseconds. */
  readonly blockedFor: number;
  /** What the thread was doing at the moment of the report, innermost frame first; empty where that cannot be told. */
  readonly stack: readonly string[];
}

const blocked = channel("threadloop:worker:blocked");

/** Looks per threshold, and the least and most milliseconds between two. */
const LOOKS = 4;
const LEAST = 5;
const MOST = 1000;

/** What is known of one worker. */
interface Watched {
  /** When it was asked the question that is open, null without one. */
  askedAt: number | null;
  /** When the question was asked that was open at the last report. */
  reported: number;
}

export class Watchdog {
  readonly #scheduler: ThreadScheduler;
  readonly #threshold: number;
  readonly #watched = new WeakMap<Host, Watched>();
  #timer: NodeJS.Timeout | null = null;

  constructor(scheduler: ThreadScheduler, threshold: number) {
    this.#scheduler = scheduler;
    this.#threshold = threshold;
  }

  /** A worker has something to do: watches until none has. */
  wake(): void {
    if (this.#timer !== null || this.#threshold === Number.POSITIVE_INFINITY) return;
    const every = Math.min(MOST, Math.max(LEAST, this.#threshold / LOOKS));
    this.#timer = inRootContext(() => setInterval(() => this.#look(), every).unref());
  }

  #look(): void {
    const live = this.#scheduler.source.hosts.filter((host) => host.isLive);
    for (const host of live) if (host.session?.isReady) this.#lookAt(host);
    if (live.length > 0) return;
    clearInterval(this.#timer ?? undefined);
    this.#timer = null;
  }

  #lookAt(host: Host): void {
    const watched = this.#watched.get(host) ?? { askedAt: null, reported: 0 };
    this.#watched.set(host, watched);
    const { askedAt } = watched;
    if (askedAt === null && host.jobs > 0) this.#ask(host, watched);
    if (askedAt === null || askedAt === watched.reported || monotonicTime() - askedAt < this.#threshold)
      return;
    watched.reported = askedAt;
    void this.#report(host, askedAt);
  }

  #ask(host: Host, watched: Watched): void {
    watched.askedAt = monotonicTime();
    void host
      .open()
      .ask({ about: "ping" })
      .then(() => {
        watched.askedAt = null;
      });
  }

  async #report(host: Host, askedAt: number): Promise<void> {
    const { words, meter } = host.table;
    const slot = words[CURRENT] as number;
    const current = host.table.at(slot);
    const job = current?.name ?? null;
    const since = current === undefined ? askedAt : (meter.begun[slot] as number);
    const thread = host.threadId;
    const jobs = host.postedJobs.filter((one) => one.running()).map((one) => one.name);
    const stack = await stackOf(thread);
    const blockedFor = monotonicTime() - since;
    const report = { pool: this.#scheduler.name, thread, job, jobs, blockedFor, stack };
    if (blocked.hasSubscribers) blocked.publish(report satisfies WorkerBlocked);
    else emitWarning("THREADLOOP_BLOCKED", describe(report));
  }
}

function describe({ pool, thread, job, jobs, blockedFor, stack }: WorkerBlocked): string {
  const where = `thread ${thread} of pool "${pool}"`;
  const duration = `${(blockedFor / 1000).toFixed(1)} s`;
  const what =
    job === null
      ? `The loop of ${where} has not turned for ${duration}; its jobs are ${list(jobs)}`
      : `Job \`${job}\` has kept the loop of ${where} from turning for ${duration}${others(jobs)}`;
  return [what, ...stack.map((frame) => `    ${frame}`)].join("\n");
}

function others(jobs: readonly string[]): string {
  return jobs.length > 1 ? `; ${jobs.length} jobs are in progress there: ${list(jobs)}` : "";
}

function list(jobs: readonly string[]): string {
  const named = jobs.slice(0, 10).map((name) => `\`${name}\``);
  return named.join(", ") + (jobs.length > 10 ? ` and ${jobs.length - 10} more` : "");
}
