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

  /**
   * Makes an object in a thread of one machine, that with the fewest actors for its threads, and returns its handle: calls of
   * its methods run there, in their order, and return Jobs. The class is named as functions are. The object lives until
   * `close()`, or until the executor closes or its process is gone, when the machine disposes of it; a machine that is told to
   * end disposes of it when the calls that it has have ended.
   *
   * When its thread ends, so does the object: its calls fail with WorkerTerminatedError; when its machine is lost, or told
   * to end, with WorkerLostError. Waits for a machine; throws JobRefusedError when none has come within `connectTimeout`
   * milliseconds.
   */
  spawn<T extends object, A extends unknown[]>(Class: ActorClass<T, A>, ...args: A): Promise<Actor<T>> {
    return spawnActor(this.#calls, Class, args);
  }

  /**
   * Runs a function once in every thread of every machine there is now, and gives the results: by machines in the order of
   * `workers()`, and by their threads. Threads that these machines start later run it before their first job, as long
   * as this process is there; machines that come later do not: give those `--preload`. Rejects with the first
   * error, also that of a machine that was lost meanwhile, and then no thread that is started later runs it. Waits for
   * a machine, as `spawn` does.
   *
   * @example
   * ```ts
   * import { ClusterExecutor } from "threadloop/cluster";
   *
   * const cluster = new ClusterExecutor({ url: process.env.REDIS_URL ?? "redis://127.0.0.1:6379" });
   * console.log(await cluster.broadcast(Math.max, 1, 2)); // [ 2 ]
   * await cluster.close();
   * ```
   */
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
