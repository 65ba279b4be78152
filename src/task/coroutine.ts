/**
 * This is asyncio's spelling of a call that has not started: `createTask(sayAfter(1000, "hello"))`. An async
 * function of JavaScript runs as soon as it is called, so what the runtime takes is a thunk or a Coroutine, never a
 * promise.
 *
 * One that was made and never started is a forgotten `await`. As CPython does, each is reported once: when it is
 * collected, and in debug mode at the latest when the loop closes that ran when it was made.
 */

import { got, RuntimeError } from "../errors/errors.ts";
import { printable } from "../errors/printable.ts";
import { inspect } from "../platform/node/inspect.ts";
import { originOf, rememberOrigin, warn } from "../scheduling/debug.ts";
import { type AbstractEventLoop, runningLoopOrNull } from "../scheduling/events.ts";
import { LazyCall, setNeverRuns } from "./startable.ts";

/** What is taken where asyncio takes a coroutine: a function to call, or the lazy call made by `coroutine(fn)`. */
export type Startable<T> = Coroutine<T> | (() => PromiseLike<T> | T);

/**
 * What the compiler says of a promise where the function itself is wanted: the promise has started already. No value
 * has this type.
 */
export interface NoPromise {
  then: unknown;
  catch: unknown;
  finally: unknown;
  "a promise has started already: pass the function, as in createTask(() => work())": never;
}

/** What is kept of a coroutine until it starts; not the coroutine, which could then not be collected. */
interface Unstarted {
  readonly name: string;
  readonly place: string;
  /** In debug mode: all that were made while the same loop ran and have not started. */
  readonly siblings: Set<Unstarted> | null;
  reported: boolean;
}

/** The functions that `coroutine()` made: nobody would start what they return. */
const lazyFunctions = new WeakSet<object>();
const collected = new FinalizationRegistry<Unstarted>(report);
const madeWhileRunning = new WeakMap<AbstractEventLoop, Set<Unstarted>>();

/**
 * A call that has not started. It runs once: when a task is made of it, or when it is awaited.
 *
 * @example
 * ```ts
 * import { type Coroutine, coroutine, run } from "threadloop";
 *
 * const double = coroutine(async (n: number) => n * 2);
 * await run(async () => {
 *   const call: Coroutine<number> = double(2); // has not started yet
 *   console.log(await call); // 4
 * });
 * ```
 */
export class Coroutine<T> extends LazyCall<T> implements PromiseLike<T> {
  #start: (() => PromiseLike<T> | T) | null;
  readonly #name: string;
  readonly #unstarted: Unstarted;

  /** @internal */
  constructor(start: () => PromiseLike<T> | T, name: string) {
    super();
    this.#start = start;
    this.#name = name;
    this.#unstarted = watch(this, name, runningLoopOrNull());
  }

  /** The name of the function. */
  override get name(): string {
    return this.#name;
  }

  /** @internal Starts it; throws RuntimeError the second time. */
  override _start(): PromiseLike<T> | T {
    const start = this.#start;
    if (start === null) {
      throw new RuntimeError(
        `Cannot start coroutine '${printable(this.#name)}' twice: call the function again for another one`,
      );
    }
    this.close();
    return start();
  }

  /** Gives it up without starting it, so that no warning comes. */
  override close(): void {
    this.#start = null;
    unwatch(this.#unstarted);
  }

  /** Starts it in the current task: is called by `await`. */
  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    return (async () => this._start())().then(onFulfilled, onRejected);
  }

  [inspect.custom](): string {
    return `<Coroutine ${printable(this.#name)}${this.#start === null ? " started" : ""}>`;
  }
}

/**
 * Wraps an async function so that calling it does not start it, as in Python.
 *
 * The call it returns can be given to `createTask` and the like, or awaited, once. One that is dropped without either
 * is reported by a RuntimeWarning when it is collected, in debug mode at the latest when the loop closes.
 *
 * @example
 * ```ts
 * import { coroutine, createTask, run, sleep } from "threadloop";
 *
 * const sayAfter = coroutine(async (delay: number, what: string) => {
 *   await sleep(delay);
 *   console.log(what);
 * });
 *
 * await run(async () => {
 *   const task = createTask(sayAfter(10, "world"));
 *   await sayAfter(5, "hello");
 *   await task;
 * });
 * ```
 */
export function coroutine<A extends unknown[], R>(
  fn: (...args: A) => PromiseLike<R> | R,
): (...args: A) => Coroutine<Awaited<R>> {
  if (typeof fn !== "function") throw new TypeError(`Expected \`fn\` to be a function, got ${got(fn)}`);
  const call = (...args: A) =>
    new Coroutine<Awaited<R>>(() => fn(...args) as Awaited<R>, fn.name || "anonymous");
  lazyFunctions.add(call);
  setNeverRuns(neverRuns);
  return Object.defineProperty(call, "name", { value: fn.name });
}

/** Why a callback would never run. */
function neverRuns(callback: unknown): string {
  if (callback instanceof LazyCall) return ": a coroutine goes to createTask()";
  if (typeof callback !== "function" || !lazyFunctions.has(callback)) return "";
  return " made by coroutine(), whose call nobody would start: pass () => createTask(fn()), or the async function itself";
}

/**
 * Tells whether a value is a call made by `coroutine(fn)`.
 *
 * @example
 * ```ts
 * import { coroutine, isCoroutine } from "threadloop";
 *
 * const double = coroutine(async (n: number) => n * 2);
 * console.log(isCoroutine(double(2)), isCoroutine(Promise.resolve(4))); // true false
 * ```
 */
export function isCoroutine(value: unknown): value is Coroutine<unknown> {
  return value instanceof Coroutine;
}

const AsyncFunction = (async () => {}).constructor;

/**
 * Tells whether a function is an async function, or was made by `coroutine(fn)`.
 *
 * @example
 * ```ts
 * import { isCoroutineFunction } from "threadloop";
 *
 * console.log(isCoroutineFunction(async () => 1), isCoroutineFunction(() => 1)); // true false
 * ```
 */
export function isCoroutineFunction(value: unknown): boolean {
  return typeof value === "function" && (value instanceof AsyncFunction || lazyFunctions.has(value));
}

/** Watches a coroutine from its making on; `loop` is the running one. */
function watch(coroutine: object, name: string, loop: AbstractEventLoop | null): Unstarted {
  const siblings = loop?.getDebug() ? siblingsOf(loop) : null;
  if (siblings !== null) rememberOrigin(coroutine);
  const unstarted = { name, place: originOf(coroutine), siblings, reported: false };
  siblings?.add(unstarted);
  collected.register(coroutine, unstarted, unstarted);
  return unstarted;
}

/** Is told when the coroutine starts, or is given up. */
function unwatch(unstarted: Unstarted): void {
  collected.unregister(unstarted);
  unstarted.siblings?.delete(unstarted);
}

function siblingsOf(loop: AbstractEventLoop): Set<Unstarted> {
  const known = madeWhileRunning.get(loop);
  if (known !== undefined) return known;
  const siblings = new Set<Unstarted>();
  madeWhileRunning.set(loop, siblings);
  loop._atClose.add(() => {
    for (const unstarted of siblings) report(unstarted);
  });
  return siblings;
}

function report(unstarted: Unstarted): void {
  if (unstarted.reported) return;
  unstarted.reported = true;
  unwatch(unstarted);
  warn(
    "THREADLOOP_NEVER_AWAITED",
    `coroutine '${printable(unstarted.name)}' was never awaited`,
    unstarted.place,
  );
}
