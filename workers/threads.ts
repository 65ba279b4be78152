// The threads of a pool, kept by piscina. One piscina task is one session: it gives a worker a port of ours and lasts
// until that port closes, so piscina's own limits and idle timeout scale the threads, a rejected session is the sign
// that its thread died, and a pool without sessions holds nothing open.
//
// What piscina 5.3.2 needs: `atomics: "disabled"`, as its default freezes the worker's loop; never `close()`, which
// kills running tasks and can spin for ever: end the sessions, then `destroy()`. A thread that dies before it is ready
// is told by an `error` event, or not at all, and leaves its session pending: hence `onStillborn`.

import { fileURLToPath } from "node:url";
import type { MessagePort, Worker } from "node:worker_threads";
import type { Piscina } from "piscina";
import { packed } from "./carrier.ts";
import type { Settings } from "./options.ts";
import type { SessionSetup } from "./protocol.ts";
import { type ThreadLoader, threadLoader } from "./shipping/loader.ts";

const ENTRY = fileURLToPath(new URL("./worker.js", import.meta.url));

export class Threads {
  /** What threads need to load what this one can. */
  readonly loader: ThreadLoader = threadLoader();
  readonly #settings: Settings;
  /** No thread can be started: nothing will come of the sessions that wait for one. */
  readonly #onStillborn: (error: Error) => void;
  /** Piscina is loaded at first use, so that importing threadloop stays cheap. */
  #keeper: Promise<Piscina> | null = null;
  #piscina: Piscina | null = null;

  constructor(settings: Settings, onStillborn: (error: Error) => void) {
    this.#settings = settings;
    this.#onStillborn = onStillborn;
  }

  /** Runs a session in a thread that has none; settles when the session or its thread ends. */
  async run(setup: SessionSetup): Promise<void> {
    const piscina = this.#piscina ?? (await this.#start());
    await piscina.run(packed(setup), { transferList: [setup.port as MessagePort] });
  }

  /** How many threads there are. */
  get count(): number {
    return this.#piscina?.threads.length ?? 0;
  }

  get all(): readonly Worker[] {
    return this.#piscina?.threads ?? [];
  }

  find(threadId: number): Worker | undefined {
    return this.all.find((worker) => worker.threadId === threadId);
  }

  /** Terminates the threads. */
  async destroy(): Promise<void> {
    await (await this.#keeper)?.destroy();
  }

  async #start(): Promise<Piscina> {
    this.#keeper ??= this.#load();
    this.#piscina = await this.#keeper;
    return this.#piscina;
  }

  async #load(): Promise<Piscina> {
    // Threads inherit the memory of shared objects from the thread that starts them.
    const [{ Piscina }] = await Promise.all([import("piscina"), import("./shared/index.ts")]);
    const { size, minThreads, idleTimeout, resourceLimits, env } = this.#settings;
    const execArgv = this.#settings.execArgv ?? this.loader.execArgv;
    const piscina = new Piscina({
      filename: ENTRY,
      minThreads,
      maxThreads: size,
      idleTimeout,
      concurrentTasksPerWorker: 1,
      atomics: "disabled",
      stricterFIFO: true,
      recordTiming: false,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
      ...(env === undefined ? {} : { env }),
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
    });
    piscina.on("error", this.#onStillborn);
    return piscina;
  }
}
