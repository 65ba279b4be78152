// This checks what Perfetto relies on in Chrome's trace event format.

export interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly id?: number;
  readonly bp?: string;
  readonly args?: { readonly name?: string };
}

/** Parses a trace; throws when an event lacks what its kind needs, or an arrow's end lies in no slice. */
export function checkTrace(json: string): TraceEvent[] {
  const { traceEvents: events } = JSON.parse(json) as { traceEvents: TraceEvent[] };
  for (const event of events) checkEvent(event);
  for (const arrow of events.filter(({ ph }) => ph === "s" || ph === "f")) {
    const isInside = (slice: TraceEvent) =>
      slice.ph === "X" && slice.tid === arrow.tid && covers(slice, arrow.ts as number);
    if (!events.some(isInside)) throw new Error(`The arrow is bound to no slice: ${JSON.stringify(arrow)}`);
  }
  return events;
}

function checkEvent(event: TraceEvent): void {
  const { ph, ts, dur, pid, tid, name } = event;
  const isNumber = (value: unknown) => typeof value === "number" && Number.isFinite(value) && value >= 0;
  const isComplete =
    typeof name === "string" &&
    isNumber(pid) &&
    isNumber(tid) &&
    (ph === "M" || isNumber(ts)) &&
    (ph !== "X" || isNumber(dur)) &&
    ((ph !== "s" && ph !== "f") || isNumber(event.id)) &&
    (ph !== "f" || event.bp === "e");
  if (!isComplete || !["M", "X", "s", "f"].includes(ph))
    throw new Error(`Not an event: ${JSON.stringify(event)}`);
}

function covers({ ts, dur }: TraceEvent, time: number): boolean {
  return (ts as number) <= time && time <= (ts as number) + (dur as number);
}
