/** This is `threadloop/metrics`: the numbers of pools and of this thread's loop, for Prometheus and OpenTelemetry. */
export type { HistogramSample, MeasuredPool, MetricFamily, MetricSample } from "./families.ts";
export { Metrics, type MetricsOptions } from "./metrics.ts";
export type { CollectedMetric, CollectedMetrics } from "./opentelemetry.ts";
export type { PrometheusRegistry } from "./prometheus.ts";
