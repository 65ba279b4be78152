/** A handle is a scheduled callback and, with a deadline, a timer: what `callSoon`, `callLater` and `callAt` return. */
import { AsyncResource } from "../platform/node/asynccontext.ts";
import { inspect, types } from "../platform/node/inspect.ts";
import { type Context, checkContext, copyContext } from "./context.ts";
import {
  type AbstractEventLoop,
  type ContextRunner,
  currentRunner,
  DONE,
  type Outcome,
  type RunnerContext,
  STEPPED,
  type Timer,
} from "./events.ts";
import { settleWith } from "./thenable.ts";

/** A function that the loop calls with the arguments given beside it. */
export type Callback = (...args: unknown[]) => unknown;

/** How a callback is called. */
export interface CallbackOptions {
  /** The context in which it runs, used as it is; default a copy of the one in which it is scheduled. */
  context: Context;
}

/** The context that options before a callback name; undefined where there are no options. Throws TypeError if it is none. */
export function contextOf(first: unknown, rest: readonly unknown[]): Context | undefined {
  if (typeof first !== "object" || first === null || !("context" in first)) return undefined;
  if (typeof rest[0] !== "function") return undefined;
  checkContext(first.context);
  return first.context;
}

/** Spelled out, as Node is slow to find no options. */
export const RESOURCE = { requireManualDestroy: false };

/**
 * A callback that waits for its turn; it runs in the context in which it was scheduled.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run, sleep } from "threadloop";
 *
 * await run(async () => {
 *   const handle = getRunningLoop().callSoon(() => console.log("never"));
 *   handle.cancel();
 *   await sleep(1);
 *   console.log(handle.cancelled()); // true
 * });
 * ```
 */
export class Handle implements ContextRunner {
  /** @internal */
  _callback: Callback | null;
  /** @internal */
  _args: readonly unknown[];
  /** @internal */
  readonly _context: RunnerContext;
  /** @internal */
  readonly _loop: AbstractEventLoop;
  /** @internal */
  _off = false;
  readonly #resource: AsyncResource;
  /** Whether hooks were told that it is over; the handle of a signal runs several times. */
  #isOver = false;

  /** @internal */
  constructor(
    loop: AbstractEventLoop,
    callback: Callback,
    args: readonly unknown[],
    context?: RunnerContext,
  ) {
    this._loop = loop;
    this._callback = callback;
    this._args = args;
    this._context = context ?? copyContext();
    this.#resource = new AsyncResource("Handle", RESOURCE);
    if (loop.getDebug()) loop._rememberOrigin(this);
  }

  /** @internal */
  get _isTask(): boolean {
    return false;
  }

  /** Keeps the callback from running, also when its turn has come in this very iteration; later it does nothing. */
  cancel(): void {
    this._drop();
    this._off = true;
    this._callback = null;
    this._args = [];
  }

  /** Tells whether it was cancelled. */
  cancelled(): boolean {
    return this._off;
  }

  /** Returns the context variables with which it runs. */
  getContext(): Context {
    return this._context as Context;
  }

  /** @internal */
  _run(loop: AbstractEventLoop): Outcome {
    if (this._off) return DONE;
    let result: unknown;
    try {
      result = this.#resource.runInAsyncScope(call, undefined, this);
    } catch (error) {
      this.#report(error);
    }
    this._drop();
    return result !== undefined && types.isPromise(result) ? this.#follow(loop, result) : DONE;
  }

  /** @internal */
  _drop(): void {
    if (!this.#isOver) this.#resource.emitDestroy();
    this.#isOver = true;
  }

  /** A callback that goes on in microtasks: the next entry waits for it, at most until they are drained. */
  #follow(loop: AbstractEventLoop, result: Promise<unknown>): Outcome {
    settleWith(
      result,
      () => loop._stepOver(this),
      (error) => {
        this.#report(error);
        loop._stepOver(this);
      },
    );
    loop._stepInto(this);
    return STEPPED;
  }

  #report(exception: unknown): void {
    const context = { message: "Exception in callback", exception, handle: this };
    this._loop._reportOf(this, context);
  }

  [inspect.custom](): string {
    return `<${this.constructor.name} ${this._off ? "cancelled" : this._callback?.name || "anonymous"}>`;
  }
}

function call(handle: Handle): unknown {
  currentRunner.enterWith(handle); // the async scope of the handle ends it
  return (handle._callback as Callback)(...handle._args);
}

/**
 * A callback with a deadline.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run } from "threadloop";
 *
 * await run(async () => {
 *   const loop = getRunningLoop();
 *   const timer = loop.callLater(1000, () => console.log("never"));
 *   console.log(timer.when() > loop.time()); // true
 *   timer.cancel();
 * });
 * ```
 */
export class TimerHandle extends Handle implements Timer {
  readonly #when: number;
  /** @internal */
  _inHeap = false;

  /** @internal */
  constructor(
    loop: AbstractEventLoop,
    when: number,
    callback: Callback,
    args: readonly unknown[],
    context?: RunnerContext,
  ) {
    super(loop, callback, args, context);
    this.#when = when;
  }

  /** Returns the deadline, in milliseconds of the loop's time. */
  when(): number {
    return this.#when;
  }

  override cancel(): void {
    if (!this._off && this._inHeap) this._loop._timerCancelled();
    super.cancel();
  }
}
