// These are the threads of a pool, kept by piscina. One piscina task is one session: it gives a worker a port of
// ours and lasts until that port closes, so piscina's own limits and idle timeout scale the threads, a rejected
// session is the sign that its thread died, and a pool without sessions holds nothing open.
//
// What piscina 5.3.2 needs: `atomics: "disabled"`, as its default freezes the worker's loop; never `close()`, which
// kills running tasks and can spin for ever: end the sessions, then `destroy()`. A thread that dies before it is ready
// is told by an `error` event, or not at all, and leaves its session pending: hence `onStillborn`.

import type { Readable } from "node:stream";
import type { MessagePort, Worker, WorkerOptions } from "node:worker_threads";
import type { Piscina, TaskQueue } from "piscina";
import type { Settings } from "../executor/options.ts";
import { LONGEST } from "../executor/time.ts";
import { refresh } from "../shared/processmemory.ts";
import { records } from "../shared/records.ts";
import { type ThreadLoader, threadLoader } from "../shipping/loader.ts";
import { parts, threadFile } from "../shipping/parts.ts";
import { packed } from "../wire/message.ts";
import type { SessionSetup } from "../wire/protocol.ts";
import { Leaving } from "./leaving.ts";
import { LostThreads } from "./lostthreads.ts";
import type { Output } from "./output.ts";

type Task = Parameters<TaskQueue["push"]>[0];

/** Piscina's tasks that wait for a thread. */
class SessionQueue implements TaskQueue {
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

export class Threads {
  /** What threads need to load what this one can. */
  readonly loader: ThreadLoader = threadLoader();
  readonly #settings: Settings;
  readonly #output: Output;
  /** Threads whose output was taken over. */
  readonly #adopted = new WeakSet<Worker>();
  /** No thread can be started: nothing will come of the sessions that wait for one. */
  readonly #onStillborn: (error: Error) => void;
  #piscina: Piscina | null = null;
  /** Where there is a teardown. */
  #leaving: Leaving | null = null;
  /** Threads that were terminated and go on. */
  readonly lost: LostThreads;
  readonly #onTeardownFailure: (error: unknown) => void;
  readonly #queue: SessionQueue = new SessionQueue();

  constructor(
    settings: Settings,
    output: Output,
    onStillborn: (error: Error) => void,
    onTeardownFailure: (error: unknown) => void,
  ) {
    this.#settings = settings;
    this.lost = new LostThreads(settings.name);
    this.#output = output;
    this.#onStillborn = onStillborn;
    this.#onTeardownFailure = onTeardownFailure;
  }

  /**
   * Runs a session in a thread that has none; settles when the session or its thread ends. Where a thread is to be
   * started, that has happened when this returns.
   */
  async run(setup: SessionSetup): Promise<void> {
    const piscina = this.#start();
    const leaving = this.#leaving;
    if (leaving !== null) await leaving.room();
    const session = this.#give(piscina, setup);
    this.#adopt();
    leaving?.look();
    await (leaving === null ? session : session.finally(() => leaving.look()));
  }

  /** Piscina throws when it cannot start a thread, and keeps the task, whose promise nobody has: it would reject at the end. */
  #give(piscina: Piscina, setup: SessionSetup): Promise<void> {
    try {
      return piscina.run(packed(setup), { transferList: [setup.port as MessagePort] });
    } catch (error) {
      this.#queue.withdraw();
      throw error;
    }
  }

  /** So many threads beyond `size` may be there for the moment: they are about to go. */
  allowMore(leaving: number): void {
    if (this.#piscina === null) return;
    Object.assign(this.#piscina.options, { maxThreads: this.#settings.size + leaving });
  }

  /** How many threads there are, without those that are about to leave. */
  get count(): number {
    return this.all.length - (this.#leaving?.count ?? 0);
  }

  get all(): readonly Worker[] {
    return this.#piscina?.threads ?? [];
  }

  find(threadId: number): Worker | undefined {
    return this.all.find((worker) => worker.threadId === threadId);
  }

  /** Has every thread run its teardown. */
  async tearDown(): Promise<void> {
    await this.#leaving?.all();
  }

  /** Terminates a thread; `busy` is what it is doing. */
  terminate(threadId: number, busy: string): void {
    const worker = this.find(threadId);
    if (worker !== undefined) this.lost.terminate(worker, busy);
  }

  /** Terminates the threads; resolves when what they had printed has been read. */
  async destroy(): Promise<void> {
    const workers = [...this.all];
    for (const worker of workers) this.lost.watch(worker, "code that a job left behind");
    await this.#piscina?.destroy();
    const ended = workers.filter((worker) => !this.lost.has(worker));
    await Promise.all(ended.flatMap((worker) => [whenRead(worker.stdout), whenRead(worker.stderr)]));
  }

  /** Takes over what new threads print. */
  #adopt = (): void => {
    for (const worker of this.all) {
      if (this.#adopted.has(worker)) continue;
      this.#adopted.add(worker);
      this.#output.adopt(worker);
    }
  };

  #start(): Piscina {
    this.#piscina ??= this.#load();
    return this.#piscina;
  }

  /** Loads piscina at first use, so that importing threadloop stays cheap, and at once: the thread starts the sooner. */
  #load(): Piscina {
    refresh(records); // what threads wait in is there before the first one, which inherits it
    const { Piscina } = parts().piscina;
    const { size, minThreads, idleTimeout, teardown, resourceLimits, env, argv, workerData, threadName } =
      this.#settings;
    const execArgv = this.#settings.execArgv ?? this.loader.execArgv;
    const make = () =>
      new Piscina({
        filename: threadFile(),
        minThreads,
        maxThreads: size,
        idleTimeout:
          teardown === undefined && idleTimeout <= LONGEST ? idleTimeout : Number.POSITIVE_INFINITY,
        concurrentTasksPerWorker: 1,
        atomics: "disabled",
        stricterFIFO: true,
        recordTiming: false,
        taskQueue: this.#queue,
        ...(resourceLimits === undefined ? {} : { resourceLimits }),
        ...(env === undefined ? {} : { env }),
        ...(argv === undefined ? {} : { argv: argv.map(String) }),
        ...(workerData === undefined ? {} : { workerData }),
        ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
      });
    const piscina = threadName === undefined ? make() : named(threadName, make);
    piscina.emitDestroy(); // an async resource for ever, which Jest takes for an open handle: it keeps nothing open
    piscina.on("error", this.#onStillborn);
    piscina.on("workerCreate", this.#adopt);
    if (teardown !== undefined) {
      this.#leaving = new Leaving(piscina, this.#settings, this.#output, this.#onTeardownFailure);
    }
    return piscina;
  }
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

/** Waits until what is left in the stream of a thread that has ended was read. */
async function whenRead(stream: Readable): Promise<void> {
  if (stream.readableLength > 0) await new Promise((resolve) => stream.once("close", resolve));
}
