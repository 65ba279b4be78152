// This is one timeline of what several threads have recorded, each for itself and for the workers of its pools.

import type { TraceEvent } from "../workers/observe/chrometrace.ts";

/** Joins traces: a lane for each thread, everything else in the order of time. An event a line. */
export function merged(traces: readonly string[]): { json: string; events: number } {
  const all = traces.flatMap((json) => (JSON.parse(json) as { traceEvents: TraceEvent[] }).traceEvents);
  const events = all.filter(({ ph }) => ph !== "M").sort((a, b) => (a.ts as number) - (b.ts as number));
  const lines = [...lanes(all), ...events].map((event) => JSON.stringify(event));
  return {
    json: `{"displayTimeUnit":"ms","traceEvents":[\n${lines.join(",\n")}\n]}\n`,
    events: events.length,
  };
}

/** A worker is named by the thread whose pool it is in, and again by itself: the first name is kept. */
function lanes(all: readonly TraceEvent[]): TraceEvent[] {
  const seen = new Map<string, TraceEvent>();
  for (const event of all) {
    const key = `${event.name} ${event.tid}`;
    if (event.ph === "M" && !seen.has(key)) seen.set(key, event);
  }
  const byThread = [...seen.values()].sort((a, b) => a.tid - b.tid);
  return byThread.map((event) =>
    event.name === "thread_sort_index" ? { ...event, args: { sort_index: event.tid } } : event,
  );
}
