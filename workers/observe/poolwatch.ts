// These are numbers for somebody who looks on, as `threadloop top` does: what pools have done so far, of which
// whoever asks twice makes rates, and which functions have the threads. That is sampled out of shared memory while
// somebody asks: no job is told of, none pays, and a short function is seen as often as its share of the time says.

import { clearTimeout, setInterval, setTimeout } from "node:timers";
import { threadId } from "node:worker_threads";
import { inRootContext, monotonicTime } from "../../src/core.ts";
import type { ThreadScheduler } from "../pool/threadworkers.ts";
import { currentJobs } from "./snapshot.ts";
import { statsOf } from "./stats.ts";

/** A thread of a pool: its jobs, and for how many milliseconds its loop has been busy and idle since its start. */
export interface WorkerNumbers {
  readonly thread: number;
  readonly name: string | null;
  readonly running: number;
  readonly waiting: number;
  readonly active: number;
  readonly idle: number;
}

/** A pool: what it has now, and what it has done since its start. */
export interface PoolNumbers {
  readonly name: string;
  readonly running: number;
  readonly queued: number;
  readonly lost: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly workers: readonly WorkerNumbers[];
}

/** How often the code of a job was found to have a thread, and since when at most, in milliseconds. */
export interface FunctionNumbers {
  readonly name: string;
  readonly seen: number;
  readonly longest: number;
}

/** This thread and its pools. */
export interface ThreadNumbers {
  readonly thread: number;
  /** When this was, in milliseconds of some clock. */
  readonly at: number;
  readonly active: number;
  readonly idle: number;
  readonly pools: readonly PoolNumbers[];
  /** Since somebody began to ask: how often it was looked, and what was found. */
  readonly looks: number;
  readonly functions: readonly FunctionNumbers[];
}

/** Milliseconds between two looks at what the threads run. */
const LOOK_EVERY = 50;
/** More functions than these are not told apart. */
const MOST_FUNCTIONS = 500;
/** What further functions are counted as. */
const OTHERS = "(others)";

/** Looks at the pools while it is asked; `pools` gives those there are. */
export class PoolWatch {
  readonly #pools: () => readonly ThreadScheduler[];
  #functions = new Map<string, { seen: number; longest: number }>();
  #looks = 0;
  #timer: NodeJS.Timeout | null = null;
  #ending: NodeJS.Timeout | undefined;

  constructor(pools: () => readonly ThreadScheduler[]) {
    this.#pools = pools;
  }

  /** Gives the numbers, and goes on looking for so many milliseconds. */
  read(lease: number): ThreadNumbers {
    this.#keep(lease);
    const { active, idle } = process.getBuiltinModule("node:perf_hooks").performance.eventLoopUtilization();
    return {
      thread: threadId,
      at: monotonicTime(),
      active,
      idle,
      pools: this.#pools().map(numbersOf),
      looks: this.#looks,
      functions: [...this.#functions].map(([name, { seen, longest }]) => ({ name, seen, longest })),
    };
  }

  #keep(lease: number): void {
    clearTimeout(this.#ending);
    this.#ending = inRootContext(() => setTimeout(() => this.#end(), lease).unref());
    this.#timer ??= inRootContext(() => setInterval(() => this.#look(), LOOK_EVERY).unref());
  }

  #end(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    this.#functions = new Map();
    this.#looks = 0;
  }

  #look(): void {
    this.#looks += 1;
    for (const scheduler of this.#pools()) {
      for (const { name, since } of currentJobs(scheduler)) this.#count(name, since);
    }
  }

  #count(name: string, since: number): void {
    const isKnown = this.#functions.has(name) || this.#functions.size < MOST_FUNCTIONS;
    const key = isKnown ? name : OTHERS;
    const { seen, longest } = this.#functions.get(key) ?? { seen: 0, longest: 0 };
    this.#functions.set(key, { seen: seen + 1, longest: Math.max(longest, since) });
  }
}

function numbersOf(scheduler: ThreadScheduler): PoolNumbers {
  const { running, queued, lost, settled, workers } = statsOf(scheduler);
  return {
    name: scheduler.settings.name,
    running,
    queued,
    lost,
    ...settled,
    workers: workers.map(({ thread, name, running, waiting, eventLoop: { active, idle } }) => {
      return { thread, name, running, waiting, active, idle };
    }),
  };
}
