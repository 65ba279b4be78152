// These are the threads of a pool, kept by piscina (`piscina`). One piscina task is one session: it gives a worker a
// port of ours and lasts until that port closes, so piscina's own limits and idle timeout scale the threads, a rejected
// session is the sign that its thread died, and a pool without sessions holds nothing open.

import type { Readable } from "node:stream";
import type { MessagePort, Worker } from "node:worker_threads";
import type { Piscina } from "piscina";
import type { Settings } from "../executor/options.ts";
import { type ThreadLoader, threadLoader } from "../shipping/loader.ts";
import { packed } from "../wire/message.ts";
import type { SessionSetup } from "../wire/protocol.ts";
import { Leaving } from "./leaving.ts";
import { LostThreads } from "./lostthreads.ts";
import type { Output } from "./output.ts";
import { type MadePiscina, makePiscina } from "./piscina.ts";

export class Threads {
  /** What threads need to load what this one can. */
  readonly loader: ThreadLoader;
  readonly #settings: Settings;
  readonly #output: Output;
  /** Threads whose output was taken over. */
  readonly #adopted = new WeakSet<Worker>();
  /** No thread can be started: nothing will come of the sessions that wait for one. */
  readonly #onStillborn: (error: Error) => void;
  #made: MadePiscina | null;
  #piscina: Piscina | null = null;
  /** Where there is a teardown. */
  #leaving: Leaving | null = null;
  /** Threads that were terminated and go on. */
  readonly lost: LostThreads;
  readonly #onTeardownFailure: (error: unknown) => void;

  constructor(
    settings: Settings,
    output: Output,
    onStillborn: (error: Error) => void,
    onTeardownFailure: (error: unknown) => void,
    made: MadePiscina | null,
  ) {
    this.#made = made;
    this.loader = made?.loader ?? threadLoader();
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
      this.#made?.queue.withdraw();
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
    this.#made ??= makePiscina(this.#settings, this.loader);
    this.#piscina ??= this.#listen(this.#made);
    return this.#piscina;
  }

  #listen({ piscina }: MadePiscina): Piscina {
    piscina.on("error", this.#onStillborn);
    piscina.on("workerCreate", this.#adopt);
    if (this.#settings.teardown !== undefined) {
      this.#leaving = new Leaving(piscina, this.#settings, this.#output, this.#onTeardownFailure);
    }
    return piscina;
  }
}

/** Waits until what is left in the stream of a thread that has ended was read. */
async function whenRead(stream: Readable): Promise<void> {
  if (stream.readableLength > 0) await new Promise((resolve) => stream.once("close", resolve));
}
