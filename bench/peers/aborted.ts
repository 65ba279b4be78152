// These are the pools that can be asked to stop a running job, and how.
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { Tinypool } from "tinypool";
import pool from "workerpool";
import { synthetic } from "../workloads/index.ts";

/** A pool with a job that lasts, and a signal to stop it. */
export interface Abortable {
  readonly name: string;
  /** Milliseconds after which a job has started, also in a thread that has to be made for it. */
  readonly startsWithin: number;
  /** Starts a job; the promise resolves once the job has failed. */
  start(signal: AbortSignal): Promise<void>;
  close(): Promise<unknown>;
}

const LASTS_MS = 60_000;
const NEW_THREAD_MS = 150;
const filename = fileURLToPath(synthetic.url);

function openPiscina(): Abortable {
  const threads = new Piscina({ filename, minThreads: 1, maxThreads: 1 });
  return {
    name: "piscina, signal (ends the thread)",
    startsWithin: NEW_THREAD_MS,
    start: (signal) => failure(threads.run(LASTS_MS, { name: "spin", signal })),
    close: () => threads.destroy(),
  };
}

function openTinypool(): Abortable {
  const threads = new Tinypool({ filename, minThreads: 1, maxThreads: 1 });
  return {
    name: "tinypool, signal (ends the thread)",
    startsWithin: NEW_THREAD_MS,
    start: (signal) => failure(threads.run(LASTS_MS, { name: "spin", signal })),
    close: () => threads.destroy(),
  };
}

function openWorkerpool(): Abortable {
  const threads = pool.pool(fileURLToPath(new URL("./workerpool.js", import.meta.url)), {
    workerType: "thread",
    minWorkers: 1,
    maxWorkers: 1,
    workerTerminateTimeout: 0,
    workerThreadOpts: { workerData: { workerpool: synthetic.url.href } },
  });
  return {
    name: "workerpool, cancel() (ends the thread)",
    startsWithin: NEW_THREAD_MS,
    start(signal) {
      const job = threads.exec("spin", [LASTS_MS]);
      signal.addEventListener("abort", () => {
        job.cancel(); // a promise, which an EventTarget would report when it rejects
      });
      return failure(job as unknown as PromiseLike<unknown>);
    },
    close: async () => await threads.terminate(true),
  };
}

export const aborted: readonly (() => Abortable)[] = [openPiscina, openTinypool, openWorkerpool];

async function failure(job: PromiseLike<unknown>): Promise<void> {
  try {
    await job;
  } catch {
    return;
  }
  throw new Error("The job was to be stopped, but came to its end");
}
