// This is the life of a job, told on channels of `node:diagnostics_channel`:
//
//     calling thread   submitted ---- (moved)* ---- started ---------------- settled
//     worker                                        started -- settled
//
// Without a subscriber nothing is made and nothing is sent: each event is one look at `hasSubscribers`. What a
// subscriber of `submitted` puts into `carrier` travels with the job to the worker, where `started` is published around
// the job: stores bound to the channel are those of the job's code.

import { channel } from "node:diagnostics_channel";
import { CANCELLED, FINISHED } from "../../src/core.ts";
import { functionName } from "../wire/describe.ts";
import type { RunningJob } from "./currentjob.ts";
import type { Job } from "./job.ts";

/** What every message says. */
export interface JobEvent {
  /** The job's number in the thread that submitted it. */
  readonly id: number;
  readonly name: string;
  readonly pool: string;
}

/** Of `threadloop:job:submitted`. */
export interface JobSubmitted extends JobEvent {
  /** Goes with the job to its worker; for what must cross threads, such as a trace's headers. */
  readonly carrier: Record<string, string>;
}

/** Of `threadloop:job:moved`: taken back from a worker before it started, to run in another one. */
export interface JobMoved extends JobEvent {
  readonly from: number;
}

/** Of `threadloop:job:started`. */
export interface JobStarted extends JobEvent {
  readonly thread: number;
  /** What was put into it when the job was submitted; in the worker only. */
  readonly carrier?: Readonly<Record<string, string>>;
}

/** Of `threadloop:job:settled`. */
export interface JobSettled extends JobEvent {
  readonly outcome: "succeeded" | "failed" | "cancelled";
  /** What it failed with. */
  readonly error?: unknown;
}

/** What records this thread's work for a trace. It is told of jobs that somebody follows. */
export interface JobRecorder {
  isRecording(): boolean;
  start(): void;
  /** What the task of a job does is recorded under this number. */
  job(running: RunningJob, number: number): void;
  /** Something was done from `begin` until now. */
  slice(name: string, begin: number, job: number): void;
}

let recorder: JobRecorder | null = null;

export function setJobRecorder(one: JobRecorder): void {
  recorder = one;
}

/** The recorder of this thread, where something can be recorded. */
export function jobRecorder(): JobRecorder | null {
  return recorder;
}

export const submitted = channel("threadloop:job:submitted");
export const moved = channel("threadloop:job:moved");
export const started = channel("threadloop:job:started");
export const settled = channel("threadloop:job:settled");

const lives = new WeakMap<Job, JobEvent>();
let lastId = 0;

/** Tells that a job was submitted, and has those told of its start who want to be. */
export function tellSubmitted(job: Job, fn: object, pool: string): void {
  const event = eventOf(job, functionName(fn, ""), pool);
  const carrier: Record<string, string> = {};
  submitted.publish({ ...event, carrier } satisfies JobSubmitted);
  const travels = Object.keys(carrier).length > 0;
  const recorded = recorder?.isRecording() ?? false;
  if (!travels && !started.hasSubscribers && !recorded) return;
  const extra = job._more();
  extra.attached = { ...extra.attached, life: { ...event, carrier, recorded } };
  const { onStarted } = extra;
  extra.onStarted = () => {
    onStarted?.();
    if (started.hasSubscribers)
      started.publish({ ...event, thread: job._place.threadId ?? 0 } satisfies JobStarted);
  };
}

export function tellMoved(job: Job, from: number, pool: string): void {
  moved.publish({ ...eventOf(job, job.name, pool), from } satisfies JobMoved);
}

/** Tells how a job has ended; looking at its error does not count as having seen it. */
export function tellSettled(job: Job, pool: string): void {
  const event = eventOf(job, job.name, pool);
  const outcome = job._state === FINISHED ? "succeeded" : job._state === CANCELLED ? "cancelled" : "failed";
  settled.publish({
    ...event,
    outcome,
    ...(outcome === "failed" ? { error: job._value } : {}),
  } satisfies JobSettled);
}

function eventOf(job: Job, name: string, pool: string): JobEvent {
  const known = lives.get(job);
  if (known !== undefined) return known;
  const event = { id: ++lastId, name: job._extra?.options.name ?? (name || "anonymous"), pool };
  lives.set(job, event);
  return event;
}
