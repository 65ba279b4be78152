// This is what happened between two readings of a process's threads.

import type { PoolNumbers, ThreadNumbers, WorkerNumbers } from "../workers/observe/poolwatch.ts";

/** A pool, with how many of its jobs ended each second. */
export interface PoolRates {
  readonly name: string;
  readonly threads: number;
  readonly lost: number;
  readonly running: number;
  readonly queued: number;
  /** Jobs a second. */
  readonly rate: number;
  /** Of those the ones that did not succeed. */
  readonly unsuccessful: number;
}

/** A thread, with which share of the time its loop was busy. */
export interface ThreadRates {
  readonly thread: number;
  readonly pool: string | null;
  readonly name: string | null;
  readonly busy: number;
  readonly running: number;
  readonly waiting: number;
}

/** A function, with how many threads it had on average, and for how long the longest call has had one. */
export interface FunctionRates {
  readonly name: string;
  readonly threads: number;
  readonly longest: number;
}

export interface Rates {
  readonly pools: readonly PoolRates[];
  readonly threads: readonly ThreadRates[];
  readonly functions: readonly FunctionRates[];
}

/** One reading: what each copy of the package in each thread told, by a name that stays; the main thread first. */
export type Reading = ReadonlyMap<string, ThreadNumbers>;

interface Pair {
  readonly numbers: ThreadNumbers;
  readonly before: ThreadNumbers | undefined;
}

/** The rates between two readings; what is new counts from its start. */
export function ratesBetween(before: Reading, now: Reading): Rates {
  const pairs = [...now].map(([name, numbers]): Pair => ({ numbers, before: before.get(name) }));
  const [main] = pairs;
  const pools = pairs.flatMap(({ numbers, before }) => {
    const seconds = Math.max(1e-3, (numbers.at - (before?.at ?? 0)) / 1e3);
    return numbers.pools.map((pool, i) => ({ pool, old: before?.pools[i], seconds }));
  });
  const workers = pools.flatMap(({ pool, old }) =>
    pool.workers.map((worker) => workerRates(pool, worker, old)),
  );
  return {
    pools: pools.map(({ pool, old, seconds }) => poolRates(pool, old, seconds)),
    threads: main === undefined ? workers : [mainRates(main), ...workers],
    functions: functionRates(pairs),
  };
}

function poolRates(pool: PoolNumbers, old: PoolNumbers | undefined, seconds: number): PoolRates {
  const since = (count: (pool: PoolNumbers) => number): number =>
    Math.max(0, count(pool) - (old === undefined ? 0 : count(old))) / seconds;
  return {
    name: pool.name,
    threads: pool.workers.length,
    lost: pool.lost,
    running: pool.running,
    queued: pool.queued,
    rate: since(({ succeeded, failed, cancelled }) => succeeded + failed + cancelled),
    unsuccessful: since(({ failed, cancelled }) => failed + cancelled),
  };
}

interface Times {
  readonly active: number;
  readonly idle: number;
}

function mainRates({ numbers, before }: Pair): ThreadRates {
  const { thread } = numbers;
  return { thread, pool: null, name: null, busy: busyShare(numbers, before), running: 0, waiting: 0 };
}

function workerRates(pool: PoolNumbers, worker: WorkerNumbers, old: PoolNumbers | undefined): ThreadRates {
  const { thread, name, running, waiting } = worker;
  const before = old?.workers.find((one) => one.thread === thread);
  return { thread, pool: pool.name, name, busy: busyShare(worker, before), running, waiting };
}

function busyShare(now: Times, before: Times | undefined): number {
  const active = now.active - (before?.active ?? 0);
  const idle = now.idle - (before?.idle ?? 0);
  return active + idle <= 0 ? 0 : Math.min(1, Math.max(0, active / (active + idle)));
}

function functionRates(pairs: readonly Pair[]): FunctionRates[] {
  const rates = new Map<string, { threads: number; longest: number }>();
  for (const { numbers, before } of pairs) {
    const looks = Math.max(1, numbers.looks - (before?.looks ?? 0));
    const seenBefore = new Map(before?.functions.map(({ name, seen }) => [name, seen]));
    for (const { name, seen, longest } of numbers.functions) {
      const sum = rates.get(name) ?? { threads: 0, longest: 0 };
      const threads = Math.max(0, seen - (seenBefore.get(name) ?? 0)) / looks;
      rates.set(name, { threads: sum.threads + threads, longest: Math.max(sum.longest, longest) });
    }
  }
  return [...rates].map(([name, rate]) => ({ name, ...rate }));
}
