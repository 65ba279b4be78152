// This is what piscina has for node:worker_threads in a program that was bundled: its threads are made of text.
import type { Worker, WorkerOptions } from "node:worker_threads";
import { texts } from "./threadcode.ts";

type Threads = typeof import("node:worker_threads");

const node: Threads = process.getBuiltinModule("node:worker_threads");

/** A thread, whatever file it is to run. */
class InlineWorker extends node.Worker {
  constructor(_file: string | URL, options?: WorkerOptions) {
    super(texts["./thread.js"] as string, { ...options, eval: true });
  }
}

/** Can be changed, as Node's own module. */
export const threads: Threads & { Worker: typeof Worker } = { ...node, Worker: InlineWorker };
