// These are metrics as a MetricProducer of OpenTelemetry's SDK gives them: cumulative, read when a reader collects.
// The SDK's enumerations are written as their numbers, so that nothing of it is loaded.

import type { HistogramSample, MetricFamily, MetricSample } from "./families.ts";

type Instant = [seconds: number, nanoseconds: number];

interface Point<T> {
  readonly startTime: Instant;
  readonly endTime: Instant;
  readonly attributes: Record<string, string>;
  readonly value: T;
}

interface Described {
  readonly descriptor: { name: string; description: string; unit: string; valueType: 1 };
  /** Cumulative. */
  readonly aggregationTemporality: 1;
}

interface HistogramValue {
  readonly buckets: { boundaries: number[]; counts: number[] };
  readonly sum: number;
  readonly count: number;
}

/** A metric of OpenTelemetry's SDK: a sum, a gauge or a histogram. */
export type CollectedMetric =
  | (Described & { readonly dataPointType: 3; readonly isMonotonic: true; dataPoints: Point<number>[] })
  | (Described & { readonly dataPointType: 2; dataPoints: Point<number>[] })
  | (Described & { readonly dataPointType: 0; dataPoints: Point<HistogramValue>[] });

interface EmptyResource {
  readonly attributes: Record<string, never>;
  merge<T>(other: T | null): T;
  getRawAttributes(): [];
}

/** What a MetricProducer of OpenTelemetry's SDK gives. */
export interface CollectedMetrics {
  readonly resourceMetrics: {
    readonly resource: EmptyResource;
    readonly scopeMetrics: { scope: { name: string }; metrics: CollectedMetric[] }[];
  };
  readonly errors: [];
}

/** The reader takes the resource of its own program, so there is none here. */
const resource: EmptyResource = {
  attributes: {},
  merge: <T>(other: T | null) => other ?? (resource as T),
  getRawAttributes: () => [],
};

/** Gives the families by OpenTelemetry's names: dots for underlines, the unit apart. `start` is when counting began. */
export function collectedOf(families: Iterable<MetricFamily>, start: number, now: number): CollectedMetrics {
  const times = { startTime: instantOf(start), endTime: instantOf(now) };
  const metrics = [...families].map((family) => metricOf(family, times));
  return {
    resourceMetrics: { resource, scopeMetrics: [{ scope: { name: "threadloop" }, metrics }] },
    errors: [],
  };
}

type Times = Pick<Point<unknown>, "startTime" | "endTime">;

function metricOf(family: MetricFamily, times: Times): CollectedMetric {
  const description: Described = {
    descriptor: {
      name: family.name
        .replace(/_total$/, "")
        .replace(/_seconds$/, "")
        .replaceAll("_", "."),
      description: family.help,
      unit: /_seconds(_total)?$/.test(family.name) ? "s" : "1",
      valueType: 1,
    },
    aggregationTemporality: 1,
  };
  if (family.type === "histogram") {
    const dataPoints = family.samples.map((sample) => pointOf(sample, histogramValue(sample), times));
    return { ...description, dataPointType: 0, dataPoints };
  }
  const dataPoints = family.samples.map((sample: MetricSample) => pointOf(sample, sample.value, times));
  return family.type === "counter"
    ? { ...description, dataPointType: 3, isMonotonic: true, dataPoints }
    : { ...description, dataPointType: 2, dataPoints };
}

function pointOf<T>({ labels }: Pick<MetricSample, "labels">, value: T, times: Times): Point<T> {
  return { ...times, attributes: { ...labels }, value };
}

/** Here a bucket counts what lies between two bounds, and the last one what is above all. */
function histogramValue({ buckets, sum, count }: HistogramSample): HistogramValue {
  const below = [...buckets.map(([, below]) => below), count];
  return {
    buckets: {
      boundaries: buckets.map(([bound]) => bound),
      counts: below.map((upTo, i) => upTo - (i === 0 ? 0 : (below[i - 1] as number))),
    },
    sum,
    count,
  };
}

function instantOf(milliseconds: number): Instant {
  return [Math.floor(milliseconds / 1e3), Math.round((milliseconds % 1e3) * 1e6)];
}
