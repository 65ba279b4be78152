/**
 * This is what has not started yet, as those see it who start it or refuse it. Coroutines themselves lie above: a
 * program without them takes no more of them than this.
 */
import { got } from "../errors/errors.ts";

/** A call that has not started; a Coroutine is one. */
export abstract class LazyCall<T> {
  abstract readonly name: string;
  abstract _start(): PromiseLike<T> | T;
  abstract close(): void;
}

/** Says why what is given as a callback would never run, or nothing; null until the program has made a coroutine. */
let neverRuns: ((callback: unknown) => string) | null = null;

/** Says what tells coroutines, and the functions that make them, from callbacks. */
export function setNeverRuns(hintOf: (callback: unknown) => string): void {
  neverRuns = hintOf;
}

/** Throws TypeError when a value is no callback: a coroutine would never be started by being called. */
export function checkCallback(callback: unknown, taker: string): void {
  const hint = neverRuns === null ? "" : neverRuns(callback);
  if (typeof callback !== "function" || hint !== "")
    throw new TypeError(`Expected ${taker} to get a function, got ${got(callback)}${hint}`);
}

/** Closes a coroutine that is refused: its caller hears an error, and not also that it was never awaited. */
export function discard(startable: unknown): void {
  if (startable instanceof LazyCall) startable.close();
}

/** Throws TypeError when what is to run inside a block is no function, and names the fix where it has started already. */
export function checkBody(body: unknown, taker: string): void {
  if (typeof body === "function") return;
  discard(body);
  if (typeof (body as PromiseLike<unknown> | null | undefined)?.then !== "function")
    throw new TypeError(`Expected ${taker} to get a function as its body, got ${got(body)}`);
  throw new TypeError(
    `${taker} got a promise or coroutine as its body: pass the function that makes it, () => work(x) instead of work(x)`,
  );
}

/** Calls what is to make a task of it; gives it up when that throws. */
export function discardOnError<T>(startable: unknown, make: () => T): T {
  try {
    return make();
  } catch (error) {
    discard(startable);
    throw error;
  }
}

/** Returns the function that starts a Startable; throws TypeError on anything else and names the fix. */
export function starterOf<T>(
  startable: LazyCall<T> | (() => PromiseLike<T> | T),
  taker: string,
): () => PromiseLike<T> | T {
  if (typeof startable === "function") return startable;
  if (startable instanceof LazyCall) return () => startable._start();
  if (typeof (startable as { then?: unknown } | null)?.then === "function") {
    throw new TypeError(
      `${taker} got a promise, which has started already and cannot be cancelled: pass the function, not its result: ` +
        `${taker}(() => work(x)) instead of ${taker}(work(x))`,
    );
  }
  throw new TypeError(`Expected ${taker} to get an async function or a Coroutine, got ${got(startable)}`);
}
