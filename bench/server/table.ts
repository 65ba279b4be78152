// These are the figures of both ways side by side, for a terminal.
import type { Figures } from "./figures.ts";
import type { Outcome } from "./outcome.ts";

interface Row {
  readonly label: string;
  readonly key: keyof Figures;
  readonly format: (value: number) => string;
  /** Whether more is better; undefined where neither is. */
  readonly more?: boolean;
}

const WIDTH = 66;

const rows: readonly Row[] = [
  { label: "pages/s", key: "pagesPerSecond", format: (value) => value.toFixed(1), more: true },
  { label: "page p50", key: "pageP50", format: formatMs, more: false },
  { label: "page p99", key: "pageP99", format: formatMs, more: false },
  { label: "ping p50", key: "pingP50", format: formatMs, more: false },
  { label: "ping p99", key: "pingP99", format: formatMs, more: false },
  { label: "ping max", key: "pingMax", format: formatMs, more: false },
  { label: "loop delay p99", key: "loopDelayP99", format: formatMs, more: false },
  { label: "loop utilisation", key: "loopUtilisation", format: formatShare },
  { label: "worker utilisation", key: "workerUtilisation", format: formatShare },
];

/** The table: a row for each figure, a column for each way, and by how much threads are better or worse. */
export function formatTable({ loop, threads }: Outcome): string {
  const lines = rows.map(({ label, key, format, more }) => {
    const [before, after] = [loop.figures[key], threads.figures[key]];
    const change = more === undefined ? "" : formatChange(before, after, more);
    return formatLine(label, format(before), format(after), change);
  });
  const head = formatLine("", "on the loop", "on threads", "");
  return [head, "-".repeat(WIDTH), ...lines].join("\n");
}

/** What the figures are about, and how they came about. */
export function formatSummary({ input, settings, machine, different, loop, threads }: Outcome): string {
  const { connections, workers, pingEvery } = settings;
  return [
    `${input.pages} README files of installed packages, answered ${loop.figures.pages} times on the loop and ${threads.figures.pages} times on ${workers} threads:`,
    `${input.pages - different.length} of ${input.pages} pages byte-identical both ways.`,
    `Load: ${connections} clients, each asking for its next page as soon as it has one; a ping every ${pingEvery} ms.`,
    `Server, threads, clients and probe shared ${machine.cores} cores.`,
  ].join("\n");
}

/** Milliseconds as a person reads them: 0.42 ms, 3.1 ms, 214 ms, 1.2 s. */
export function formatMs(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return `${value.toFixed(value < 1 ? 2 : value < 10 ? 1 : 0)} ms`;
}

/** A factor as a person reads it: 1.4 times, 62 times. */
function formatTimes(factor: number): string {
  return `${factor.toFixed(factor < 10 ? 1 : 0)} times`;
}

function formatShare(value: number): string {
  return `${Math.round(value * 100)} %`;
}

function formatChange(before: number, after: number, more: boolean): string {
  if (more) return `${formatTimes(after / before)} as many`;
  return after <= before ? `${formatTimes(before / after)} lower` : `${formatTimes(after / before)} higher`;
}

function formatLine(label: string, before: string, after: string, change: string): string {
  return `${label.padEnd(18)}  ${before.padStart(12)}  ${after.padStart(12)}  ${change}`.trimEnd();
}
