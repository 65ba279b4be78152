// This is Prometheus's text format, version 0.0.4, and metrics as a registry of prom-client asks for them.

import type { MetricFamily, MetricSample } from "./families.ts";

/** A registry of prom-client, as far as it is needed. */
export interface PrometheusRegistry {
  registerMetric(metric: never): void;
}

/** A metric as prom-client's registry has it. */
export interface PrometheusMetric {
  name: string;
  readonly help: string;
  readonly type: MetricFamily["type"];
  readonly aggregator: "sum";
  get(): Promise<{
    name: string;
    help: string;
    type: MetricFamily["type"];
    aggregator: "sum";
    values: PrometheusValue[];
  }>;
  reset(): void;
}

interface PrometheusValue {
  readonly metricName?: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

/** The text that Prometheus reads. */
export function textOf(families: Iterable<MetricFamily>): string {
  let text = "";
  for (const family of families) {
    text += `# HELP ${family.name} ${escaped(family.help, false)}\n# TYPE ${family.name} ${family.type}\n`;
    for (const { metricName = family.name, labels, value } of valuesOf(family)) {
      const pairs = Object.entries(labels).map(([name, label]) => `${name}="${escaped(label, true)}"`);
      text += `${metricName}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numeral(value)}\n`;
    }
  }
  return text;
}

/** A metric whose values are read when the registry asks for them. */
export function metricFor(
  name: string,
  { help, type }: Pick<MetricFamily, "help" | "type">,
  read: () => MetricFamily,
): PrometheusMetric {
  return {
    name,
    help,
    type,
    aggregator: "sum",
    // For OpenMetrics the registry changes the name that a counter has.
    async get() {
      return { name: this.name, help, type, aggregator: "sum", values: valuesOf(read()) };
    },
    reset() {},
  };
}

/** The lines of a family; a histogram has one a bucket, and its sum and its count. */
function valuesOf(family: MetricFamily): PrometheusValue[] {
  if (family.type !== "histogram") {
    return family.samples.map(({ labels, value }: MetricSample) => ({ labels: { ...labels }, value }));
  }
  return family.samples.flatMap(({ labels, buckets, sum, count }) => [
    ...[...buckets, [Number.POSITIVE_INFINITY, count] as const].map(([bound, below]) => ({
      metricName: `${family.name}_bucket`,
      labels: { ...labels, le: numeral(bound) },
      value: below,
    })),
    { metricName: `${family.name}_sum`, labels: { ...labels }, value: sum },
    { metricName: `${family.name}_count`, labels: { ...labels }, value: count },
  ]);
}

function numeral(value: number): string {
  return value === Number.POSITIVE_INFINITY ? "+Inf" : String(value);
}

function escaped(text: string, isLabel: boolean): string {
  const escapedText = text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
  return isLabel ? escapedText.replace(/"/g, '\\"') : escapedText;
}
