import { readFileSync } from "node:fs";
import { createHistogram } from "node:perf_hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { Registry } from "prom-client";
import { createTask, run, sleep } from "threadloop";
import { type MeasuredPool, Metrics, type MetricsOptions } from "threadloop/metrics";
import { type PoolStats, WorkerPool } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import { random } from "../../support/random.ts";

const fail = () => {
  throw new RangeError("no");
};

const SUCCEEDED = "threadloop_pool_jobs_settled_total";

/** The lines of Prometheus's text: each name with its labels, and its value. */
function series(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))] as const;
    }),
  );
}

/** A pool that is nothing but numbers. */
function pretended(name: string, numbers: { jobs?: number; times?: readonly number[] } = {}): MeasuredPool {
  const histogram = createHistogram();
  for (const time of numbers.times ?? []) histogram.record(time);
  const stats: PoolStats = {
    threads: 1,
    lost: 0,
    sessions: 0,
    running: 0,
    queued: 2,
    moved: 0,
    recycled: 0,
    settled: { succeeded: numbers.jobs ?? 0, failed: 0, cancelled: 0 },
    waitTime: histogram,
    runTime: histogram,
    workers: [],
    eventLoop: { active: 0, idle: 0, utilization: 0 },
  };
  return { name, stats: () => stats };
}

describe("Metrics", () => {
  it("tell what the pools of this thread have done, those made later as well", async () => {
    using metrics = new Metrics();
    await using pool = new WorkerPool({ name: "measured", size: 1 });
    await pool.submit(Math.sqrt, 2);
    await pool.submit(fail).then(null, () => {});
    const seen = series(metrics.text());
    expect(seen.get(`${SUCCEEDED}{pool="measured",outcome="succeeded"}`)).toBe(1);
    expect(seen.get(`${SUCCEEDED}{pool="measured",outcome="failed"}`)).toBe(1);
    expect(seen.get('threadloop_pool_job_run_seconds_count{pool="measured"}')).toBe(2);
    expect(seen.get('threadloop_pool_job_run_seconds_bucket{pool="measured",le="+Inf"}')).toBe(2);
    expect(seen.get('threadloop_pool_threads{pool="measured"}')).toBe(1);
    const threads = [...seen.keys()].filter((key) => /worker_active.*"measured"/.test(key));
    expect(threads).toEqual([
      expect.stringMatching(/^threadloop_worker_active_seconds_total\{pool="measured",thread="\d+"\}$/),
    ]);
  });

  it("count each duration in the bucket where it belongs, whatever durations there are", () => {
    const below = random(20);
    const bounds = [1e-6, 1e-4, 1e-3, 0.1, 1];
    for (let round = 0; round < 40; round++) {
      const times = Array.from({ length: 1 + below(300) }, () => 1 + below(10 ** below(10)));
      using metrics = new Metrics({ pools: [pretended("p", { times })], buckets: bounds });
      const seen = series(metrics.text());
      for (const bound of bounds) {
        const told = seen.get(`threadloop_pool_job_run_seconds_bucket{pool="p",le="${bound}"}`);
        // Node's histogram knows a duration to a thousandth.
        const [surely, perhaps] = [0.998, 1.002].map((factor) => {
          return times.filter((time) => time <= bound * 1e9 * factor).length;
        });
        expect(told).toBeGreaterThanOrEqual(surely!);
        expect(told).toBeLessThanOrEqual(perhaps!);
      }
      const sum = times.reduce((sum, time) => sum + time, 0) / 1e9;
      expect(seen.get('threadloop_pool_job_run_seconds_sum{pool="p"}')! / sum).toBeCloseTo(1, 2);
      expect(seen.get('threadloop_pool_job_run_seconds_count{pool="p"}')).toBe(times.length);
    }
  });

  it("make one series of pools that have one name", () => {
    using metrics = new Metrics({ pools: [pretended("twin", { jobs: 2 }), pretended("twin", { jobs: 3 })] });
    const seen = series(metrics.text());
    expect(seen.get(`${SUCCEEDED}{pool="twin",outcome="succeeded"}`)).toBe(5);
    expect(seen.get('threadloop_pool_jobs_queued{pool="twin"}')).toBe(4);
  });

  it("keep what was counted of a pool that is gone", async () => {
    using metrics = new Metrics();
    const settled = () => series(metrics.text()).get(`${SUCCEEDED}{pool="passing",outcome="succeeded"}`);
    for (const expected of [1, 2]) {
      await using pool = new WorkerPool({ name: "passing", size: 1 });
      await pool.submit(Math.sqrt, 2);
      expect(settled()).toBe(expected);
    }
    expect(settled()).toBe(2);
    expect(series(metrics.text()).get('threadloop_pool_threads{pool="passing"}')).toBe(0);
  });

  it("tell of this thread's loop", async () => {
    using metrics = new Metrics();
    await run(async () => {
      const waiting = createTask(() => sleep(60_000));
      while (series(metrics.text()).get("threadloop_loop_delay_seconds_count") === 0) await sleep(5);
      const seen = series(metrics.text());
      expect(seen.get("threadloop_loop_tasks")).toBe(2);
      expect(seen.get("threadloop_loop_active_seconds_total")).toBeGreaterThan(0);
      waiting.cancel();
    });
  });

  it("escape whatever a pool is called", () => {
    using metrics = new Metrics({ pools: [pretended('a"b\\c\nd')] });
    expect(metrics.text()).toContain('threadloop_pool_threads{pool="a\\"b\\\\c\\nd"} 1\n');
  });

  it("are those of the guide, with the same words", () => {
    const guide = readFileSync(new URL("../../../docs/observability.md", import.meta.url), "utf8");
    using metrics = new Metrics({ prefix: "" });
    for (const { name, type, help } of metrics.families()) {
      expect(guide).toContain(`| \`${name}\` | ${type} | ${help} |`);
    }
  });

  it("are what the dashboard asks for", () => {
    const file = new URL("../../../examples/metrics/grafana.json", import.meta.url);
    const asked = [...readFileSync(file, "utf8").matchAll(/threadloop_\w+/g)].map(([name]) => name);
    using metrics = new Metrics({ pools: [pretended("p")] });
    const names = metrics.families().flatMap(({ name }) => [name, `${name}_bucket`, `${name}_sum`]);
    expect(asked.filter((name) => !names.includes(name))).toEqual([]);
    expect(new Set(asked).size).toBeGreaterThan(6);
  });

  it.each<[string, MetricsOptions, string]>([
    ["a name nobody reads", { bucket: [1] } as MetricsOptions, "did you mean `buckets`?"],
    ["buckets that fall", { buckets: [1, 0.5] }, "Expected `buckets` to be rising"],
    ["a bucket of everything", { buckets: [1, Number.POSITIVE_INFINITY] }, "Expected `buckets` to be rising"],
    ["a prefix that Prometheus refuses", { prefix: "thread-loop" }, "Expected `prefix`"],
    ["what is no pool", { pools: [null as never] }, "Expected `pools` to hold pools"],
  ])("refuse %s", (_, options, message) => {
    expect(() => new Metrics(options)).toThrow(message);
  });
});

describe("prom-client", () => {
  const pools = [pretended("p", { jobs: 3, times: [1e6] })];

  it("gives them beside its own", async () => {
    const registry = new Registry();
    using metrics = new Metrics({ pools });
    metrics.register(registry);
    const seen = series(await registry.metrics());
    expect(seen.get(`${SUCCEEDED}{pool="p",outcome="succeeded"}`)).toBe(3);
    expect([...seen.keys()].sort()).toEqual([...series(metrics.text()).keys()].sort());
  });

  it("gives them as OpenMetrics", async () => {
    const registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    using metrics = new Metrics({ pools });
    metrics.register(registry);
    const text = await registry.metrics();
    expect(series(text).get(`${SUCCEEDED}{pool="p",outcome="succeeded"}`)).toBe(3);
    expect(text).toContain("# TYPE threadloop_pool_jobs_settled counter\n");
  });
});

describe("OpenTelemetry", () => {
  it("exports them beside those of the program", async () => {
    const times = [5e4, 2e6, 4e10];
    using metrics = new Metrics({ pools: [pretended("p", { jobs: 3, times })], buckets: [0.001, 1] });
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, metricProducers: [metrics] });
    const provider = new MeterProvider({ readers: [reader] });
    provider.getMeter("program").createCounter("requests").add(1);
    await reader.forceFlush();
    const scopes = exporter.getMetrics()[0]!.scopeMetrics;
    expect(scopes.map(({ scope }) => scope.name)).toEqual(["program", "threadloop"]);
    const byName = new Map(scopes[1]!.metrics.map((metric) => [metric.descriptor.name, metric]));
    expect(byName.get("threadloop.pool.jobs.settled")).toMatchObject({
      isMonotonic: true,
      descriptor: { unit: "1" },
      dataPoints: [{ value: 3, attributes: { pool: "p", outcome: "succeeded" } }, { value: 0 }, { value: 0 }],
    });
    expect(byName.get("threadloop.pool.job.run")).toMatchObject({
      descriptor: { unit: "s" },
      dataPoints: [{ value: { count: 3, buckets: { boundaries: [0.001, 1], counts: [1, 1, 1] } } }],
    });
    await provider.shutdown();
  });
});
