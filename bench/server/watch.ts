// This is what Node itself says about the loop and the threads while pages are asked for.
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Worker } from "node:worker_threads";

export interface Watched {
  /** By how many milliseconds the loop came late: of a hundred times the worst but one. */
  readonly delayP99: number;
  /** The share of the time in which the loop was not idle, 0 to 1. */
  readonly utilisation: number;
  /** The same of each thread there was at the end. */
  readonly threads: readonly number[];
}

export interface Watch extends Disposable {
  /** Watches from now on, until the returned function is called. */
  begin(): () => Watched;
}

const RESOLUTION = 1;

/** Gets to know the threads that are started from now on, whoever starts them. */
export function startWatch(): Watch {
  const threads = new Set<Worker>();
  const onWorker = (worker: Worker) => {
    threads.add(worker);
    worker.once("exit", () => threads.delete(worker));
  };
  process.on("worker", onWorker);
  return { begin: () => begin(threads), [Symbol.dispose]: () => void process.off("worker", onWorker) };
}

function begin(threads: ReadonlySet<Worker>): () => Watched {
  const before = performance.eventLoopUtilization();
  const threadsBefore = new Map([...threads].map((each) => [each, each.performance.eventLoopUtilization()]));
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  delay.enable();
  return () => {
    delay.disable();
    return {
      // Node records the time from one of its timers to the next: what is above the interval is delay.
      delayP99: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION),
      utilisation: performance.eventLoopUtilization(before).utilization,
      threads: [...threads].map(
        (each) => each.performance.eventLoopUtilization(threadsBefore.get(each)).utilization,
      ),
    };
  };
}
