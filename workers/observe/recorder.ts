// This is what this thread does, recorded while somebody traces it: a slice for each step of a task, each callback,
// and each job of synchronous code.

import { inspect } from "node:util";
import {
  type EventLoop,
  Handle,
  monotonicTime,
  type Runnable,
  runningLoopOrNull,
  type StepObserver,
  Task,
} from "../../src/core.ts";
import { jobOf, type RunningJob } from "../executor/currentjob.ts";

/** Something the thread did without interruption, in milliseconds of the common clock. */
export interface Slice {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
  /** The job that it was done for, 0 without one. */
  readonly job: number;
}

/** What was recorded, and how much more there was than is kept. */
export interface Recording {
  readonly slices: readonly Slice[];
  readonly dropped: number;
}

const MOST_SLICES = 200_000;

let slices: Slice[] | null = null;
let dropped = 0;
/** When the step that runs has begun, as far as it is recorded. */
let began = 0;
let observed: EventLoop | null = null;
const numbers = new WeakMap<RunningJob, number>();

export function isRecording(): boolean {
  return slices !== null;
}

/** Records from here on; does nothing when it does already. */
export function startRecording(): void {
  if (slices !== null) return;
  slices = [];
  dropped = 0;
  began = monotonicTime();
  observed = runningLoopOrNull() as EventLoop | null;
  observed?._observe(observer);
}

/** Ends the recording and gives what there is. */
export function stopRecording(): Recording {
  const recording = { slices: slices ?? [], dropped };
  slices = null;
  observed?._observe(null);
  observed = null;
  return recording;
}

/** Adds what began at `begin` and is over now. */
export function record(name: string, begin: number, job: number): void {
  if (slices === null) return;
  if (slices.length < MOST_SLICES) slices.push({ name, begin, end: monotonicTime(), job });
  else dropped++;
}

/** What the task of a job does is recorded under this number. */
export function recordJob(running: RunningJob, number: number): void {
  if (slices !== null) numbers.set(running, number);
}

const observer: StepObserver = {
  began: () => {
    began = monotonicTime();
  },
  ended: (entry) => {
    const name = nameOf(entry);
    if (name !== null) record(name, began, numberOf(entry));
  },
};

/** The runtime's own entries, such as a sleeper's, have none and are over at once. */
function nameOf(entry: Runnable): string | null {
  if (entry instanceof Task) return entry.name;
  return entry instanceof Handle ? inspect(entry).slice(1, -1) : null;
}

function numberOf(entry: Runnable): number {
  const job = entry instanceof Task ? jobOf(entry) : null;
  return job === null ? 0 : (numbers.get(job) ?? 0);
}
