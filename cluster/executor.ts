// This is a cluster as its users see it.

import { inspect } from "node:util";
import { type Actor, type ActorClass, spawnActor } from "../workers/executor/actor.ts";
import { broadcastJob } from "../workers/executor/broadcast.ts";
import { checkCloseOptions, patienceOf } from "../workers/executor/options.ts";
import { PoolView } from "../workers/executor/view.ts";
import { type ThreadSnapshot, takeSnapshot } from "../workers/observe/snapshot.ts";
import { TaskForest } from "../workers/observe/tasktree.ts";
import type { CloseOptions, CloseReport } from "../workers/pool/closing.ts";
import type { AnyFunction } from "../workers/shipping/recipe.ts";
import { ClusterClosing } from "./closing.ts";
import { ClusterCalls } from "./engine.ts";
import { type ClusterExecutorOptions, clusterSettingsOf } from "./options.ts";
import { type MachineInfo, machinesOf } from "./roster.ts";
import { type ClusterStats, clusterStatsOf } from "./stats.ts";

/**
 * Runs functions on other machines, by the contract of a WorkerPool: what runs on a machine runs in a thread of its pool.
 *
 * Machines are processes that `npx threadloop worker --url ... --modules .` starts; they find each other by way of a
 * Redis or a Valkey, and the name of the queue. A function is an export of a module that both sides have, and is called
 * by name. What is not `idempotent` runs at most once: when its machine is lost, the call fails with WorkerLostError.
 * Memory cannot be shared: a SharedArrayBuffer, a SharedLock or a MessagePort fails its call with CloneError.
 *
 * It connects at once, and keeps the process only while calls are open. Throws RangeError or TypeError that names the
 * option when one is wrong. Calls fail with ConnectionError when Redis is out of reach for longer than `connectTimeout`,
 * in milliseconds.
 *
 * @example
 * ```ts
 * import { ClusterExecutor } from "threadloop/cluster";
 *
 * const cluster = new ClusterExecutor({ url: process.env.REDIS_URL ?? "redis://127.0.0.1:6379" });
 * console.log(await cluster.submit(Math.max, 1, 2)); // 2
 * await cluster.close();
 * ```
 */
export class ClusterExecutor extends PoolView {
  readonly #calls: ClusterCalls;
  #closing: ClusterClosing | null = null;

  constructor(options: ClusterExecutorOptions) {
    const calls = new ClusterCalls(clusterSettingsOf(options));
    super(calls, null);
    this.#calls = calls;
  }

  /** The name given in the options. */
  get name(): string {
    return this.#calls.settings.name;
  }

  /** Resolves when it is connected; rejects with ConnectionError when that takes longer than `connectTimeout`. */
  get ready(): Promise<void> {
    return this.#calls.ready;
  }

  /** @internal */
  spawn<T extends object, A extends unknown[]>(Class: ActorClass<T, A>, ...args: A): Promise<Actor<T>> {
    return spawnActor(this.#calls, Class, args);
  }

  /** @internal */
  broadcast<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<Awaited<R>[]> {
    return broadcastJob(this.#calls, fn as AnyFunction, args) as Promise<Awaited<R>[]>;
  }

  /** Tells what it has done and is doing, in numbers. Nobody is asked. */
  stats(): ClusterStats {
    return clusterStatsOf(this.#calls);
  }

  /** The machines of the queue, as they told of themselves in the last 15 seconds. */
  async workers(): Promise<MachineInfo[]> {
    const calls = this.#calls;
    await calls.ready;
    return calls.keepingProcess(() => machinesOf(calls.connection));
  }

  /**
   * Tells every task of the calling loop, and every job and task of each machine that answers within `patience`
   * milliseconds (default 200). Throws RangeError when `patience` is no time.
   */
  async tasks(options: { readonly patience?: number } = {}): Promise<TaskForest> {
    const patience = patienceOf(options);
    const own = takeSnapshot([]);
    const machines = await this.workers();
    const answers = await this.#calls.ask(
      machines.map(({ id }) => id),
      patience,
    );
    return new TaskForest(
      [own],
      machines.map(({ name }, at) => ({ name, snapshots: (answers[at] ?? []) as readonly ThreadSnapshot[] })),
    );
  }

  /**
   * Takes no more calls, finishes those it has, and disconnects. Further calls return the same promise; a deadline of
   * theirs, or `cancelFutures`, hastens it.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    checkCloseOptions(options);
    if (this.#closing === null) this.#closing = new ClusterClosing(this.#calls, options);
    else this.#closing.hasten(options);
    return this.#closing.report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  override [inspect.custom](): string {
    const { settings, settlement, queue, refusal } = this.#calls;
    return `<ClusterExecutor ${settings.name} ${refusal === null ? "open" : "closed"}, jobs=${settlement.open}, queued=${queue.length}>`;
  }
}
