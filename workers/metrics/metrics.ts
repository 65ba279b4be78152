// These are metrics as their users see them.

import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { checkOptionNames, got, optionNames } from "../../src/core.ts";
import { livePools } from "../observe/pools.ts";
import { statsOf } from "../observe/stats.ts";
import {
  Collector,
  DELAY_RESOLUTION,
  METRICS,
  type MeasuredPool,
  type MetricFamily,
  type MetricName,
} from "./families.ts";
import { type CollectedMetrics, collectedOf } from "./opentelemetry.ts";
import { metricFor, type PrometheusRegistry, textOf } from "./prometheus.ts";

/** What `Metrics` tells of. */
export interface MetricsOptions {
  /** The pools to tell of; by default all of this thread that are open, those made later as well. */
  readonly pools?: Iterable<MeasuredPool>;
  /** The upper bounds of the histograms' buckets in seconds, rising; by default 16 from 100 µs to 30 s. */
  readonly buckets?: readonly number[];
  /** What each name begins with; `threadloop_` by default. */
  readonly prefix?: string;
}

const METRICS_OPTIONS = optionNames<MetricsOptions>({ pools: true, buckets: true, prefix: true });
const BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30,
] as const;

/**
 * Tells what pools and this thread's loop are doing, to Prometheus and OpenTelemetry.
 *
 * Numbers are read when they are asked for, so jobs pay nothing; the delay of this thread's timers is measured from now
 * on, by one timer of 10 ms that holds no process, until `close()`. Pools of one name are one series. What was counted
 * stays when a pool is gone, but for what it did after the last reading: give long-lived pools, or name them by
 * `pools`. Nothing of prom-client or of OpenTelemetry is loaded. Throws TypeError or RangeError that names the option
 * when one is wrong.
 *
 * @example
 * ```ts
 * import { Metrics } from "threadloop/metrics";
 * import { WorkerPool } from "threadloop/workers";
 *
 * const pool = new WorkerPool({ name: "images", size: 2 });
 * using metrics = new Metrics();
 * await pool.submit(Math.sqrt, 2);
 * const wanted = /^threadloop_pool_jobs_settled_total.*succeeded.*$/m;
 * console.log(wanted.exec(metrics.text())?.[0]); // threadloop_pool_jobs_settled_total{pool="images",outcome="succeeded"} 1
 * await pool.close();
 * ```
 */
export class Metrics {
  /** The content type of `text()`, for the header of a response. */
  readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
  readonly #pools: readonly MeasuredPool[] | null;
  readonly #prefix: string;
  readonly #collector: Collector;
  readonly #delay: IntervalHistogram;
  readonly #start = Date.now();
  /** What was read; a registry asks for each metric by itself, and all shall be of one moment. */
  #families: Map<MetricName, MetricFamily> | null = null;

  constructor(options: MetricsOptions = {}) {
    checkOptionNames("Metrics", options, METRICS_OPTIONS);
    const { pools, buckets = BUCKETS, prefix = "threadloop_" } = options;
    if (typeof prefix !== "string" || !/^[a-zA-Z_:][a-zA-Z0-9_:]*$|^$/.test(prefix)) {
      throw new TypeError(`Expected \`prefix\` to be letters, digits and underlines, got ${got(prefix)}`);
    }
    checkBuckets(buckets);
    this.#pools = pools === undefined ? null : [...pools].map(checkedPool);
    this.#prefix = prefix;
    this.#collector = new Collector([...buckets]);
    this.#delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION });
    this.#delay.enable();
  }

  /** Gives all metrics as data, for a monitoring system that is neither of the two. */
  families(): MetricFamily[] {
    return [...this.#read().values()].map((family) => ({ ...family, name: this.#prefix + family.name }));
  }

  /** Gives all metrics in Prometheus's text format, for the answer to its request; see `contentType`. */
  text(): string {
    return textOf(this.families());
  }

  /**
   * Registers all metrics with a registry of prom-client, beside those of the program; they are read at each scrape.
   * Throws what the registry throws for a name that it has already.
   *
   * @example
   * ```ts
   * import { Registry } from "prom-client";
   * import { Metrics } from "threadloop/metrics";
   *
   * const registry = new Registry();
   * using metrics = new Metrics();
   * metrics.register(registry);
   * console.log((await registry.metrics()).includes("threadloop_loop_delay_seconds_bucket")); // true
   * ```
   */
  register(registry: PrometheusRegistry): void {
    for (const name of Object.keys(METRICS) as MetricName[]) {
      const [type, help] = METRICS[name];
      const full = this.#prefix + name;
      const read = (): MetricFamily => ({ ...(this.#read().get(name) as MetricFamily), name: full });
      registry.registerMetric(metricFor(full, { type, help }, read) as never);
    }
  }

  /**
   * Gives all metrics as a MetricProducer of OpenTelemetry's SDK does: this object is one, for the option
   * `metricProducers` of a reader. Names have dots and no unit: `threadloop.pool.job.run`, in seconds.
   *
   * @example
   * ```ts
   * import { AggregationTemporality, InMemoryMetricExporter } from "@opentelemetry/sdk-metrics";
   * import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
   * import { Metrics } from "threadloop/metrics";
   *
   * using metrics = new Metrics();
   * const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE); // yours is another one
   * const reader = new PeriodicExportingMetricReader({ exporter, metricProducers: [metrics] });
   * const provider = new MeterProvider({ readers: [reader] });
   * await reader.forceFlush();
   * const [exported] = exporter.getMetrics();
   * console.log(exported?.scopeMetrics.find(({ scope }) => scope.name === "threadloop")?.metrics.length); // 17
   * await provider.shutdown();
   * ```
   */
  async collect(): Promise<CollectedMetrics> {
    return collectedOf(this.families(), this.#start, Date.now());
  }

  /** Ends the measuring of delays. What is read afterwards no longer changes in that one metric. */
  close(): void {
    this.#delay.disable();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #read(): Map<MetricName, MetricFamily> {
    if (this.#families !== null) return this.#families;
    queueMicrotask(() => {
      this.#families = null;
    });
    this.#families = this.#collector.collect(this.#sources(), this.#delay);
    return this.#families;
  }

  #sources(): Map<object, MeasuredPool> {
    if (this.#pools !== null) return new Map(this.#pools.map((pool) => [pool, pool]));
    const named = livePools().map((scheduler) => {
      return [scheduler, { name: scheduler.settings.name, stats: () => statsOf(scheduler) }] as const;
    });
    return new Map(named);
  }
}

function checkedPool(pool: MeasuredPool): MeasuredPool {
  if (typeof pool?.stats !== "function" || typeof pool.name !== "string") {
    throw new TypeError(`Expected \`pools\` to hold pools, with a name and stats(), got ${got(pool)}`);
  }
  return pool;
}

function checkBuckets(buckets: readonly number[]): void {
  if (!Array.isArray(buckets))
    throw new TypeError(`Expected \`buckets\` to be an array, got ${got(buckets)}`);
  let last = 0;
  for (const bound of buckets) {
    if (!(bound > last && bound < Number.POSITIVE_INFINITY)) {
      throw new RangeError(
        `Expected \`buckets\` to be rising numbers of seconds above 0, got ${got(bound)} after ${last}`,
      );
    }
    last = bound;
  }
}
