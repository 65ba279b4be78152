// This is the default executor of a worker thread: each call goes up to the process's default pool (`uplink`), and
// its answer comes down over a port of its own.
//
// A job whose nested call is under way gives its place in the thread up: with `tasksPerWorker` the call, or what it waits
// for, may need that very place.

import { MessageChannel, type MessagePort, type Transferable } from "node:worker_threads";
import { CancelledError, type CarriedVariable, type Executor, Future } from "../../src/core.ts";
import { serveCallbacks, takeCallbacks } from "../executor/callbacks.ts";
import { currentJob, type RunningJob } from "../executor/currentjob.ts";
import { carriedNow } from "../executor/jobcontext.ts";
import { refuseWhileLoading } from "../shipping/loading.ts";
import type { AnyFunction, Recipe } from "../shipping/recipe.ts";
import { giveUp, ship } from "../shipping/shipper.ts";
import { jobError, unreadableError } from "../wire/clone.ts";
import { functionName } from "../wire/describe.ts";
import { WorkerTerminatedError } from "../wire/errors.ts";
import { open } from "../wire/message.ts";
import { decodeThrown, type Encoded } from "../wire/serialize.ts";
import { uplink } from "../wire/uplink.ts";

/** What comes down: the result, or what was thrown. */
export type NestedAnswer = { readonly value: unknown } | { readonly thrown: Encoded };

/** How often a function is shipped another way before its call fails. */
const MOST_RESHIPS = 3;

/** Hands every call up to the process's default pool. */
export class NestedExecutor implements Executor {
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    refuseWhileLoading();
    const nested = new Nested(fn as AnyFunction, args);
    void nested.start();
    return nested as Future<unknown> as Future<Awaited<R>>;
  }
}

/** One such call. It settles when it has really ended, as any job. */
class Nested extends Future<unknown> {
  readonly #fn: AnyFunction;
  readonly #args: readonly unknown[];
  readonly #name: string;
  readonly #job: RunningJob | null = currentJob();
  readonly #variables: readonly CarriedVariable[] | null = carriedNow;
  #recipe: Recipe | null = null;
  #reships = 0;
  /** Once it is on its way. */
  #port: MessagePort | null = null;

  constructor(fn: AnyFunction, args: readonly unknown[]) {
    super();
    this.#fn = fn;
    this.#args = args;
    this.#name = functionName(fn, "anonymous");
  }

  override cancel(message?: string, cause?: unknown): boolean {
    if (this.done()) return false;
    if (this.#port === null) return super.cancel(message, cause);
    this.#port.postMessage(message);
    return true;
  }

  override _what(): string {
    return `job ${this.#name}`;
  }

  async start(): Promise<void> {
    try {
      const shipment = ship(this.#fn, "auto");
      this.#recipe = (shipment instanceof Promise ? await shipment : shipment).recipe;
      if (!this.done()) this.#send(this.#recipe);
    } catch (error) {
      if (!this.done()) this.setException(error);
    }
  }

  #send(recipe: Recipe): void {
    const send = uplink();
    if (send === null) throw noWay(this.#name);
    const { port1, port2 } = new MessageChannel();
    const called = takeCallbacks(this.#args);
    const served = called === null ? null : serveCallbacks(this.#name, called.callbacks);
    const moving: Transferable[] = served === null ? [port2] : [port2, served.details.port];
    const args = called === null ? this.#args : called.rest;
    const call = { slot: this.#job?.slot ?? 0, name: this.#name, recipe, args };
    port1.on("message", (received) => void this.#answered(received));
    port1.once("messageerror", () => {
      this.#port = null;
      port1.close();
      if (!this.done()) this.setException(unreadableError(`The result of job \`${this.#name}\``));
    });
    port1.once("close", () => {
      served?.close();
      this.#job?.leavePlace(-1);
      if (this.done() || this.#port !== port1) return;
      // Nobody over there closes it without an answer, but who cannot read the message that it comes with.
      const isUnread = uplink() === send;
      this.setException(
        isUnread ? unreadableError(`An argument of job \`${this.#name}\``) : noWay(this.#name),
      );
    });
    try {
      send({ ...call, callbacks: served?.details ?? null, variables: this.#variables, port: port2 }, moving);
    } catch (cause) {
      served?.close();
      port1.removeAllListeners();
      port1.close();
      throw jobError(this.#name, args, undefined, cause);
    }
    this.#port = port1;
    this.#job?.leavePlace(1);
  }

  async #answered(received: unknown): Promise<void> {
    const port = this.#port;
    this.#port = null;
    const answer = (await open(received)) as NestedAnswer;
    port?.close();
    if (this.done()) return;
    if ("value" in answer) this.setResult(answer.value);
    else this.#failed(decodeThrown(answer.thrown));
  }

  /** What could not be loaded in another thread is sent another way, where there is one. */
  #failed(error: unknown): void {
    const isLost = this.#reships++ < MOST_RESHIPS && giveUp(this.#recipe as Recipe, error);
    if (isLost) void this.start();
    else if (error instanceof CancelledError) this._settleCancelled(error);
    else this.setException(error);
  }
}

function noWay(name: string): WorkerTerminatedError {
  return new WorkerTerminatedError(
    `Job \`${name}\` was given to the default pool by code whose own thread has no job, or is being ended`,
    {},
  );
}
