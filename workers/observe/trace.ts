// This records what the calling thread and the workers of some pools do, until it is stopped.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { threadId } from "node:worker_threads";
import { monotonicTime, RuntimeError } from "../../src/core.ts";
import type { JobSubmitted } from "../executor/jobevents.ts";
import type { ThreadScheduler } from "../pool/threadworkers.ts";
import { askAll } from "./ask.ts";
import { type Lane, type Submission, traceEvents } from "./chrometrace.ts";
import { isRecording, type Recording, startRecording, stopRecording } from "./recorder.ts";

/** How long a worker may take to hand over what it has recorded; one that is stuck does not. */
const PATIENCE = 5000;

/** A recording under way. */
export interface Tracing {
  /** Ends it, and returns the trace as JSON. */
  stop(): Promise<string>;
}

/** Starts to record. Throws RuntimeError when this thread is being recorded already. */
export function startTracing(
  schedulers: () => readonly ThreadScheduler[],
  only: string | null = null,
): Tracing {
  if (isRecording()) throw new RuntimeError("This thread is being traced already: stop that trace first");
  const submissions: Submission[] = [];
  const listen = (message: unknown) => {
    const { id, name, pool } = message as JobSubmitted;
    if (only === null || pool === only) submissions.push({ id, name, at: monotonicTime() });
  };
  subscribe("threadloop:job:submitted", listen);
  startRecording();
  return {
    stop: async () => {
      unsubscribe("threadloop:job:submitted", listen);
      const own: Lane = { thread: threadId, pool: null, ...stopRecording() };
      const workers = await Promise.all(schedulers().map(lanesOf));
      return toJson([own, ...workers.flat().sort((a, b) => a.thread - b.thread)], submissions);
    },
  };
}

async function lanesOf(scheduler: ThreadScheduler): Promise<Lane[]> {
  const answers = await askAll(scheduler, { about: "events" }, PATIENCE);
  return answers.map(({ thread, answer }) => ({ thread, pool: scheduler.name, ...(answer as Recording) }));
}

/** An event a line, so that the file can be read and compared. */
function toJson(lanes: readonly Lane[], submissions: readonly Submission[]): string {
  const events = traceEvents(process.pid, lanes, submissions).map((event) => JSON.stringify(event));
  return `{"displayTimeUnit":"ms","traceEvents":[\n${events.join(",\n")}\n]}\n`;
}

/** A trace that is being recorded; made by `pool.trace(file)`. */
export class PoolTrace {
  readonly #tracing: Tracing;
  readonly #file: string | URL;
  #written: Promise<void> | null = null;

  /** @internal */
  constructor(scheduler: ThreadScheduler, file: string | URL) {
    this.#file = file;
    this.#tracing = startTracing(() => [scheduler], scheduler.name);
  }

  /** Ends the recording and writes the file; call it before the pool is closed. Further calls return the same promise. */
  stop(): Promise<void> {
    this.#written ??= this.#write();
    return this.#written;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #write(): Promise<void> {
    const json = await this.#tracing.stop();
    const { writeFile } = await import("node:fs/promises"); // here, as every worker would load it at its start
    await writeFile(this.#file, json);
  }
}
