// This is what pools and this thread's loop have to tell a monitoring system: families of samples, as Prometheus has
// them. Everything is read when it is asked for; jobs pay nothing. A monitoring system takes a counter that falls
// for one that began anew, so what was counted of a pool stays in the sum of its name when the pool is gone.

import type { EventLoopUtilization, IntervalHistogram, RecordableHistogram } from "node:perf_hooks";
import { performance } from "node:perf_hooks";
import { type EventLoop, runningLoopOrNull } from "../../src/core.ts";
import type { PoolStats } from "../observe/stats.ts";

/** A pool that can be measured: WorkerPool, or anything with its name and its numbers. */
export interface MeasuredPool {
  readonly name: string;
  stats(): PoolStats;
}

/** One number, told apart from its neighbours by its labels. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Durations in seconds: how many there were, how long in all, and how many took at most so long. */
export interface HistogramSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
  readonly sum: number;
  /** For each upper bound, in rising order, how many are not above it. */
  readonly buckets: readonly (readonly [bound: number, count: number])[];
}

interface Described {
  readonly name: string;
  readonly help: string;
}

/** A metric with its samples. */
export type MetricFamily =
  | (Described & { readonly type: "counter" | "gauge"; readonly samples: readonly MetricSample[] })
  | (Described & { readonly type: "histogram"; readonly samples: readonly HistogramSample[] });

/** The metrics there are, without their prefix, with what each says. */
export const METRICS = {
  pool_threads: ["gauge", "Worker threads there are."],
  pool_threads_lost: ["gauge", "Threads that were ended and go on in native code."],
  pool_threads_recycled_total: ["counter", "Threads that were replaced, as `recycle` says."],
  pool_jobs_running: ["gauge", "Jobs that have started and not ended."],
  pool_jobs_queued: ["gauge", "Jobs that have not started."],
  pool_jobs_moved_total: ["counter", "Jobs taken from the thread they waited for and given to another one."],
  pool_jobs_settled_total: ["counter", "Jobs that have ended, by outcome."],
  pool_job_wait_seconds: ["histogram", "From a job's submission to its start."],
  pool_job_run_seconds: ["histogram", "From a job's start to its end."],
  worker_jobs_running: ["gauge", "Jobs that a thread has started and not ended."],
  worker_jobs_waiting: ["gauge", "Jobs that wait in a thread."],
  worker_active_seconds_total: ["counter", "Time for which a thread's event loop was busy."],
  worker_idle_seconds_total: ["counter", "Time for which a thread's event loop waited."],
  loop_active_seconds_total: ["counter", "Time for which the event loop of this thread was busy."],
  loop_idle_seconds_total: ["counter", "Time for which the event loop of this thread waited."],
  loop_delay_seconds: ["histogram", "By how much timers of this thread were late."],
  loop_tasks: ["gauge", "Tasks of this thread's loop that have not ended."],
} as const satisfies Record<string, readonly [MetricFamily["type"], string]>;

export type MetricName = keyof typeof METRICS;

/** What is counted of one pool, or of all pools of a name, and never falls. */
interface Totals {
  readonly recycled: number;
  readonly moved: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly wait: Durations;
  readonly run: Durations;
}

interface Durations {
  readonly count: number;
  readonly sum: number;
  /** For each upper bound how many are not above it. */
  readonly below: readonly number[];
}

/** A pool at this moment. */
interface Reading {
  readonly name: string;
  readonly stats: PoolStats;
  readonly totals: Totals;
}

/** Reads pools again and again; `bounds` are the upper bounds of the histograms' buckets, in seconds. */
export class Collector {
  readonly #bounds: readonly number[];
  /** What was last read of each pool that there was. */
  #last = new Map<object, { readonly name: string; readonly totals: Totals }>();
  /** The sums of pools that are gone, by name. */
  readonly #gone = new Map<string, Totals>();

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  /** Reads everything; `sources` tell by their identity which pool is which. */
  collect(
    sources: ReadonlyMap<object, MeasuredPool>,
    delay: IntervalHistogram,
  ): Map<MetricName, MetricFamily> {
    const readings = [...sources.values()].map((pool) => this.#read(pool));
    this.#keep(sources, readings);
    const families = new Map<MetricName, MetricFamily>();
    this.#addPools(families, readings);
    addWorkers(families, readings);
    this.#addLoop(families, delay);
    return families;
  }

  #read(pool: MeasuredPool): Reading {
    const stats = pool.stats();
    const { recycled, moved, settled } = stats;
    const wait = durationsOf(stats.waitTime, this.#bounds, 0);
    const run = durationsOf(stats.runTime, this.#bounds, 0);
    return { name: pool.name, stats, totals: { recycled, moved, ...settled, wait, run } };
  }

  /** Remembers what was read, and adds up what was read last of pools that are gone. */
  #keep(sources: ReadonlyMap<object, MeasuredPool>, readings: readonly Reading[]): void {
    for (const [source, { name, totals }] of this.#last) {
      if (!sources.has(source)) this.#gone.set(name, plus(this.#gone.get(name), totals));
    }
    this.#last = new Map([...sources.keys()].map((source, i) => [source, readings[i] as Reading]));
  }

  #addPools(families: Map<MetricName, MetricFamily>, readings: readonly Reading[]): void {
    const totals = new Map(this.#gone);
    const gauges = new Map<string, { threads: number; lost: number; running: number; queued: number }>();
    for (const name of totals.keys()) gauges.set(name, { threads: 0, lost: 0, running: 0, queued: 0 });
    for (const { name, stats, totals: own } of readings) {
      totals.set(name, plus(totals.get(name), own));
      const sum = gauges.get(name) ?? { threads: 0, lost: 0, running: 0, queued: 0 };
      gauges.set(name, {
        threads: sum.threads + stats.threads,
        lost: sum.lost + stats.lost,
        running: sum.running + stats.running,
        queued: sum.queued + stats.queued,
      });
    }
    const numbers = <T>(all: ReadonlyMap<string, T>, value: (one: T) => number): MetricSample[] =>
      [...all].map(([pool, one]) => ({ labels: { pool }, value: value(one) }));
    add(
      families,
      "pool_threads",
      numbers(gauges, ({ threads }) => threads),
    );
    add(
      families,
      "pool_threads_lost",
      numbers(gauges, ({ lost }) => lost),
    );
    add(
      families,
      "pool_threads_recycled_total",
      numbers(totals, ({ recycled }) => recycled),
    );
    add(
      families,
      "pool_jobs_running",
      numbers(gauges, ({ running }) => running),
    );
    add(
      families,
      "pool_jobs_queued",
      numbers(gauges, ({ queued }) => queued),
    );
    add(
      families,
      "pool_jobs_moved_total",
      numbers(totals, ({ moved }) => moved),
    );
    const outcomes = ["succeeded", "failed", "cancelled"] as const;
    add(
      families,
      "pool_jobs_settled_total",
      [...totals].flatMap(([pool, sum]) =>
        outcomes.map((outcome) => ({ labels: { pool, outcome }, value: sum[outcome] })),
      ),
    );
    const histograms = (durations: (one: Totals) => Durations): HistogramSample[] =>
      [...totals].map(([pool, one]) => this.#histogram({ pool }, durations(one)));
    addHistogram(
      families,
      "pool_job_wait_seconds",
      histograms(({ wait }) => wait),
    );
    addHistogram(
      families,
      "pool_job_run_seconds",
      histograms(({ run }) => run),
    );
  }

  #addLoop(families: Map<MetricName, MetricFamily>, delay: IntervalHistogram): void {
    const { active, idle } = performance.eventLoopUtilization();
    add(families, "loop_active_seconds_total", [{ labels: {}, value: active / 1e3 }]);
    add(families, "loop_idle_seconds_total", [{ labels: {}, value: idle / 1e3 }]);
    const late = durationsOf(delay, this.#bounds, DELAY_RESOLUTION / 1e3);
    addHistogram(families, "loop_delay_seconds", [this.#histogram({}, late)]);
    const loop = runningLoopOrNull() as EventLoop | null;
    add(families, "loop_tasks", [{ labels: {}, value: loop?.allTasks().length ?? 0 }]);
  }

  #histogram(labels: Readonly<Record<string, string>>, { count, sum, below }: Durations): HistogramSample {
    return { labels, count, sum, buckets: this.#bounds.map((bound, i) => [bound, below[i] as number]) };
  }
}

/** Node's histogram of delays notes the time between two timers that are set for so many milliseconds. */
export const DELAY_RESOLUTION = 10;

function addWorkers(families: Map<MetricName, MetricFamily>, readings: readonly Reading[]): void {
  const workers = readings.flatMap(({ name: pool, stats }) =>
    stats.workers
      .filter(({ machine }) => machine === undefined) // those of other machines are theirs to tell
      .map((worker) => ({ labels: { pool, thread: String(worker.thread) }, worker })),
  );
  type Counted = (worker: PoolStats["workers"][number]) => number;
  const numbers = (value: Counted): MetricSample[] =>
    workers.map(({ labels, worker }) => ({ labels, value: value(worker) }));
  const seconds = (field: keyof EventLoopUtilization): Counted => {
    return ({ eventLoop }) => eventLoop[field] / 1e3;
  };
  add(
    families,
    "worker_jobs_running",
    numbers(({ running }) => running),
  );
  add(
    families,
    "worker_jobs_waiting",
    numbers(({ waiting }) => waiting),
  );
  add(families, "worker_active_seconds_total", numbers(seconds("active")));
  add(families, "worker_idle_seconds_total", numbers(seconds("idle")));
}

type PlainName = { [K in MetricName]: (typeof METRICS)[K][0] extends "histogram" ? never : K }[MetricName];
type HistogramName = Exclude<MetricName, PlainName>;

function add(families: Map<MetricName, MetricFamily>, name: PlainName, samples: MetricSample[]): void {
  const [type, help] = METRICS[name];
  families.set(name, { name, help, type, samples });
}

function addHistogram(
  families: Map<MetricName, MetricFamily>,
  name: HistogramName,
  samples: HistogramSample[],
): void {
  const [type, help] = METRICS[name];
  families.set(name, { name, help, type, samples });
}

function plus(sum: Totals | undefined, one: Totals): Totals {
  if (sum === undefined) return one;
  return {
    recycled: sum.recycled + one.recycled,
    moved: sum.moved + one.moved,
    succeeded: sum.succeeded + one.succeeded,
    failed: sum.failed + one.failed,
    cancelled: sum.cancelled + one.cancelled,
    wait: plusDurations(sum.wait, one.wait),
    run: plusDurations(sum.run, one.run),
  };
}

function plusDurations(sum: Durations, one: Durations): Durations {
  return {
    count: sum.count + one.count,
    sum: sum.sum + one.sum,
    below: sum.below.map((count, i) => count + (one.below[i] as number)),
  };
}

/** What Node's histogram, in nanoseconds, says in seconds; each of its values is `offset` seconds too long. */
function durationsOf(
  histogram: RecordableHistogram | IntervalHistogram,
  bounds: readonly number[],
  offset: number,
): Durations {
  const { count } = histogram;
  if (count === 0) return { count, sum: 0, below: bounds.map(() => 0) };
  let least = 0;
  const below = bounds.map((bound) => {
    least = countUpTo(histogram, (bound + offset) * 1e9, least);
    return least;
  });
  return { count, sum: Math.max(0, histogram.mean / 1e9 - offset) * count, below };
}

/** How many values are not above a bound; it is known that there are `least`. */
function countUpTo(histogram: RecordableHistogram | IntervalHistogram, bound: number, least: number): number {
  const { count } = histogram;
  let low = least;
  let high = count;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (histogram.percentile((100 * middle) / count) <= bound) low = middle;
    else high = middle - 1;
  }
  return low;
}
