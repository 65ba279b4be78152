// What piscina has for node:worker_threads in a program that was bundled: its threads are made of text.
import { setEnvironmentData, type Worker, type WorkerOptions } from "node:worker_threads";
import { code, THREAD_CODE } from "./threadcode.ts";

type Threads = typeof import("node:worker_threads");

const node: Threads = process.getBuiltinModule("node:worker_threads");
setEnvironmentData(THREAD_CODE, code);

/** A thread, whatever file it is to run. */
class InlineWorker extends node.Worker {
  constructor(_file: string | URL, options?: WorkerOptions) {
    super(code, { ...options, eval: true });
  }
}

/** Can be changed, as Node's own module. */
export const threads: Threads & { Worker: typeof Worker } = { ...node, Worker: InlineWorker };
