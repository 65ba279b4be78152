// This is a trace in Chrome's trace event format, which https://ui.perfetto.dev and chrome://tracing open: a lane
// for each thread, and arrows from where a job was submitted to where it starts.

import type { Recording, Slice } from "./recorder.ts";

/** What one thread did. */
export interface Lane extends Recording {
  readonly thread: number;
  /** The pool whose worker it is. */
  readonly pool: string | null;
}

/** A job, when it was submitted. */
export interface Submission {
  readonly id: number;
  readonly name: string;
  readonly at: number;
}

/** An event of the format; times are microseconds. */
export interface TraceEvent {
  readonly ph: "M" | "X" | "s" | "f";
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly id?: number;
  readonly bp?: "e";
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A submission is a moment; this makes it wide enough to be seen. */
const SUBMISSION_MICROSECONDS = 1;

/** Makes the events: lanes first, then everything in the order of time. */
export function traceEvents(
  pid: number,
  lanes: readonly Lane[],
  submissions: readonly Submission[],
): TraceEvent[] {
  const home = lanes[0]?.thread ?? 0;
  const starts = firstSlices(lanes);
  const events = [
    ...lanes.flatMap(({ slices, thread }) => slices.map((slice) => sliceEvent(slice, pid, thread))),
    ...submissions.flatMap((submission) =>
      submissionEvents(submission, pid, home, starts.has(submission.id)),
    ),
    ...arrivals(starts, new Set(submissions.map(({ id }) => id)), pid, home),
  ];
  return [...laneEvents(pid, lanes), ...events.sort((a, b) => (a.ts as number) - (b.ts as number))];
}

function laneEvents(pid: number, lanes: readonly Lane[]): TraceEvent[] {
  const title: TraceEvent = {
    ph: "M",
    name: "process_name",
    pid,
    tid: 0,
    args: { name: `threadloop ${pid}` },
  };
  return [
    title,
    ...lanes.flatMap(({ thread, pool, dropped }, i): TraceEvent[] => {
      const name = `${pool === null ? "loop" : `pool ${pool}`}${dropped > 0 ? ` (${dropped} steps dropped)` : ""}`;
      return [
        {
          ph: "M",
          name: "thread_name",
          pid,
          tid: tidOf(thread),
          args: { name: `thread ${thread}: ${name}` },
        },
        { ph: "M", name: "thread_sort_index", pid, tid: tidOf(thread), args: { sort_index: i } },
      ];
    }),
  ];
}

/** Thread 0 of the format is no thread. */
function tidOf(thread: number): number {
  return thread + 1;
}

function sliceEvent({ name, begin, end, job }: Slice, pid: number, thread: number): TraceEvent {
  const args = job === 0 ? {} : { args: { job } };
  const cat = job === 0 ? "task" : "job";
  return {
    ph: "X",
    name,
    cat,
    pid,
    tid: tidOf(thread),
    ts: micros(begin),
    dur: micros(end - begin),
    ...args,
  };
}

function submissionEvents(
  { id, name, at }: Submission,
  pid: number,
  thread: number,
  ran: boolean,
): TraceEvent[] {
  const ts = micros(at);
  const tid = tidOf(thread);
  const args = { job: id };
  const slice: TraceEvent = {
    ph: "X",
    name: `submit ${name}`,
    cat: "submit",
    pid,
    tid,
    ts,
    dur: SUBMISSION_MICROSECONDS,
    args,
  };
  const arrow = arrowId(thread, id);
  return ran ? [slice, { ph: "s", name: "job", cat: "job", id: arrow, pid, tid, ts }] : [slice];
}

/** Where each job first ran. */
function firstSlices(lanes: readonly Lane[]): Map<number, { slice: Slice; thread: number }> {
  const first = new Map<number, { slice: Slice; thread: number }>();
  for (const { slices, thread } of lanes.slice(1)) {
    for (const slice of slices)
      if (slice.job !== 0 && !first.has(slice.job)) first.set(slice.job, { slice, thread });
  }
  return first;
}

function arrivals(
  starts: ReadonlyMap<number, { slice: Slice; thread: number }>,
  submitted: ReadonlySet<number>,
  pid: number,
  home: number,
): TraceEvent[] {
  const known = [...starts].filter(([id]) => submitted.has(id));
  return known.map(([id, { slice, thread }]) => {
    return {
      ph: "f",
      bp: "e",
      name: "job",
      cat: "job",
      id: arrowId(home, id),
      pid,
      tid: tidOf(thread),
      ts: micros(slice.begin),
    };
  });
}

/** Each thread numbers the jobs it submits. Perfetto takes a number, or digits in hexadecimal. */
function arrowId(thread: number, job: number): number {
  return thread * 2 ** 32 + job;
}

/** Whole nanoseconds of microseconds. */
function micros(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e3;
}
