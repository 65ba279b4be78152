// These are the workers of a pool as threads: each is a host, their threads are kept by piscina (`host/threads`),
// and what they print goes one way. Policy knows this by `WorkerSource` only.

import type { MessagePort } from "node:worker_threads";
import type { Job } from "../executor/job.ts";
import { type Settings, threadOptionsOf } from "../executor/options.ts";
import { realTime, type Time } from "../executor/time.ts";
import type { LinkOwner, WorkerSource } from "../executor/workerlink.ts";
import { Host, type ThreadSource } from "../host/host.ts";
import { Output } from "../host/output.ts";
import type { MadePiscina } from "../host/piscina.ts";
import { Threads } from "../host/threads.ts";
import { loadParts } from "../shipping/parts.ts";
import type { Scheduler } from "./scheduler.ts";
import { SetUp } from "./setup.ts";

/** The inside of a pool of threads. */
export type ThreadScheduler = Scheduler<ThreadWorkers>;

export class ThreadWorkers implements WorkerSource, ThreadSource {
  readonly time: Time = realTime;
  readonly isOutside = true;
  readonly settings: Settings;
  /** All that were made, in that order. */
  readonly hosts: Host[] = [];
  readonly threads: Threads;
  readonly output: Output;
  /** What is run in each new worker and at its end. */
  readonly setup: SetUp;
  /** Is told when a worker gets something to do. */
  onSession: () => void = () => {};
  readonly #pool: ThreadScheduler;

  constructor(pool: ThreadScheduler, made: MadePiscina | null = null) {
    const { settings } = pool;
    this.settings = settings;
    this.#pool = pool;
    this.setup = new SetUp(settings, (error) => pool.broken(error));
    this.output = new Output(settings, (job, ending) => pool.end(job, "stopped", ending));
    const abandon = (error: Error) => {
      for (const host of this.hosts) host.abandon(error);
    };
    this.threads = new Threads(settings, this.output, abandon, (error) => pool.stray(error), made);
  }

  link(owner: LinkOwner): Host {
    const host = new Host(this, owner);
    this.hosts.push(host);
    return host;
  }

  /** Those of idle threads among them, as far as a host is free to open their session. */
  withThreads(): Host[] {
    const live = this.hosts.filter((host) => host.isLive && !host.isRetiring);
    const free = this.hosts.filter((host) => !host.isLive && host.isOpen);
    return [...live, ...free.slice(0, Math.max(0, this.threads.count - live.length))];
  }

  allowMore(leaving: number): void {
    this.threads.allowMore(leaving);
  }

  reship(cause: unknown): boolean {
    return this.setup.reship(cause);
  }

  async open(port: MessagePort, slots: SharedArrayBuffer): Promise<void> {
    this.onSession();
    const broadcasts = this.#pool.broadcasts.list();
    const loading = loadParts();
    if (loading !== null) await loading;
    const recipes = this.setup.recipes();
    const setup = recipes instanceof Promise ? await recipes : recipes;
    await this.threads.run({
      port,
      slots,
      loader: this.threads.loader,
      options: threadOptionsOf(this.settings),
      ...setup,
      broadcasts,
    });
  }

  terminate(threadId: number, busy: string): void {
    this.threads.terminate(threadId, busy);
  }

  defers(job: Job, end: () => void): boolean {
    return this.output.isBehind && this.output.defers(job, end);
  }

  get deferred(): Job[] {
    return this.output.waiting;
  }

  async end({ areSetUp, patience }: { areSetUp: boolean; patience: number }): Promise<void> {
    if (areSetUp) await this.threads.tearDown();
    await this.threads.destroy();
    await this.#untilOut(patience);
    this.output.end();
  }

  /** What was printed leaves this process, as far as a deadline lets it: the reader of a pipe may be slow, or have stopped. */
  async #untilOut(patience: number): Promise<void> {
    let giveUp: () => void = () => {};
    const late = new Promise<void>((resolve) => {
      giveUp = this.time.inBackground(Math.max(0, patience), resolve);
    });
    await Promise.race([this.output.whenOut(), late]);
    giveUp();
  }
}
