// This makes piscina, which keeps the threads of a pool.
//
// What piscina 5.3.2 needs: `atomics: "disabled"`, as its default freezes the worker's loop; never `close()`, which
// kills running tasks and can spin for ever: end the sessions, then `destroy()`. A thread that dies before it is ready
// is told by an `error` event, or not at all, and leaves its session pending.

import type { WorkerOptions } from "node:worker_threads";
import type { Piscina, TaskQueue } from "piscina";
import { inRootContext } from "../../src/core.ts";
import type { Settings } from "../executor/options.ts";
import { LONGEST } from "../executor/time.ts";
import { refresh } from "../shared/processmemory.ts";
import { records } from "../shared/records.ts";
import { type ThreadLoader, threadLoader } from "../shipping/loader.ts";
import { modulesLoading } from "../shipping/loading.ts";
import { isForeignRealm } from "../shipping/native.ts";
import { loadParts, parts, threadFile } from "../shipping/parts.ts";

type Task = Parameters<TaskQueue["push"]>[0];

/** Piscina's tasks that wait for a thread. */
export class SessionQueue implements TaskQueue {
  readonly #tasks: Task[] = [];
  #latest: Task | null = null;

  get size(): number {
    return this.#tasks.length;
  }

  push(task: Task): void {
    this.#latest = task;
    this.#tasks.push(task);
  }

  unshift(task: Task): void {
    this.#latest = task;
    this.#tasks.unshift(task);
  }

  shift(): Task | null {
    return this.#tasks.shift() ?? null;
  }

  remove(task: Task): void {
    const at = this.#tasks.indexOf(task);
    if (at >= 0) this.#tasks.splice(at, 1);
  }

  /** Takes out what came last. */
  withdraw(): void {
    if (this.#latest !== null) this.remove(this.#latest);
  }
}

export interface MadePiscina {
  readonly piscina: Piscina;
  readonly queue: SessionQueue;
  readonly loader: ThreadLoader;
}

/**
 * Starts the first thread of a pool whose inside is loaded meanwhile; null where that would change more than when it
 * starts (Jest tells of handles that a test itself makes), or cannot be done: what stands in the way is told by the call.
 */
export function startFirstThread(settings: Settings): MadePiscina | null {
  if (settings.teardown !== undefined || isForeignRealm) return null;
  if (modulesLoading > 0 || loadParts() !== null) return null;
  const { minThreads } = settings;
  try {
    const made = inRootContext(() => makePiscina(settings, threadLoader(), Math.max(1, minThreads)));
    Object.assign(made.piscina.options, { minThreads });
    return made;
  } catch {
    return null;
  }
}

/** Loads piscina at first use, so that importing threadloop stays cheap, and at once: the thread starts the sooner. */
export function makePiscina(
  settings: Settings,
  loader: ThreadLoader,
  minThreads: number = settings.minThreads,
): MadePiscina {
  refresh(records); // what threads wait in is there before the first one, which inherits it
  const { Piscina } = parts().piscina;
  const { size, idleTimeout, teardown, resourceLimits, env, argv, workerData, threadName } = settings;
  const execArgv = settings.execArgv ?? loader.execArgv;
  const queue = new SessionQueue();
  const make = () =>
    new Piscina({
      filename: threadFile(),
      minThreads,
      maxThreads: size,
      idleTimeout: teardown === undefined && idleTimeout <= LONGEST ? idleTimeout : Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      atomics: "disabled",
      stricterFIFO: true,
      recordTiming: false,
      taskQueue: queue,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
      ...(env === undefined ? {} : { env }),
      ...(argv === undefined ? {} : { argv: argv.map(String) }),
      ...(workerData === undefined ? {} : { workerData }),
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
    });
  const piscina = threadName === undefined ? make() : named(threadName, make);
  piscina.emitDestroy(); // an async resource for ever, which Jest takes for an open handle: it keeps nothing open
  return { piscina, queue, loader };
}

/**
 * Makes a Piscina whose threads have a name. Piscina passes none on, so `Worker` is another class in the moments in which
 * it makes threads: in its constructor, and later from when it reads an option that it reads for that only.
 */
function named(name: string, make: () => Piscina): Piscina {
  const node = parts().threads;
  const { Worker: Original } = node;
  class Named extends Original {
    constructor(filename: string | URL, options?: WorkerOptions) {
      super(filename, { ...options, name });
    }
  }
  class NamedOnce extends Named {
    constructor(filename: string | URL, options?: WorkerOptions) {
      node.Worker = Original;
      super(filename, options);
    }
  }
  node.Worker = Named;
  try {
    const piscina = make();
    const trackUnmanagedFds = () => {
      node.Worker = NamedOnce;
      return true;
    };
    Object.defineProperty(piscina.options, "trackUnmanagedFds", { get: trackUnmanagedFds });
    return piscina;
  } finally {
    node.Worker = Original;
  }
}
