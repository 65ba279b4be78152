// This is the default executor of a program that Node itself loads: what pools are made of is loaded with the first
// call that needs a thread (see `shipping/latemodule`).
import {
  copyContext,
  type Executor,
  Future,
  follow,
  OutsideFuture,
  runningLoopOrNull,
  setDefaultExecutorFactory,
  stackScripts,
} from "../src/core.ts";
import type * as DefaultExecutor from "./defaultexecutor.ts";
import type * as LateParts from "./lateparts.ts";
import { offerLate } from "./observe/endpoint.ts";
import { LateModule } from "./shipping/latemodule.ts";

type Parts = typeof LateParts;

/** So many functions of the stack are looked at for the caller. */
const FRAMES = 24;

const late = new LateModule<Parts>(
  "workers/lateparts.js",
  (found) => found.Future === Future,
  async () => {
    const parts = await import("./lateparts.ts");
    await parts.importPools();
    return parts;
  },
);

/** `runInExecutor` of `defaultexecutor`. */
export const runInExecutor: typeof DefaultExecutor.runInExecutor = (fn, ...args) =>
  withParts((parts) => parts.runInExecutor(fn, ...args));

/** `toThread` of `defaultexecutor`. */
export const toThread: typeof DefaultExecutor.toThread = (fn, ...args) =>
  withParts((parts) => parts.toThread(fn, ...args));

/** Has loops, and other processes that look in, find what is not loaded yet. */
export function installLateExecutor(): void {
  setDefaultExecutorFactory(() => late.exports?.makeDefaultExecutor() ?? new AwaitedExecutor());
  offerLate(() => late.exports?.poolParts());
  late.expect();
}

/** The default executor of a loop, from a call on that was made before pools are loaded. */
class AwaitedExecutor implements Executor {
  #made: Executor | null = null;

  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    return withParts((parts) => this.#make(parts).submit(fn, ...args));
  }

  async close(): Promise<void> {
    await this.#make(await late.import()).close?.();
  }

  #make(parts: Parts): Executor {
    this.#made ??= parts.makeDefaultExecutor();
    return this.#made;
  }
}

function withParts<T>(use: (parts: Parts) => Future<T>): Future<T> {
  const parts = late.exports;
  return parts === null ? onceThere(use) : use(parts);
}

/** The future of a call that is made once its parts are there, with the caller and the context variables of now. */
function onceThere<T>(use: (parts: Parts) => Future<T>): Future<T> {
  const loop = runningLoopOrNull();
  const context = copyContext();
  const stack = stackScripts(FRAMES);
  const future: Future<T> = loop === null ? new Future() : new OutsideFuture(loop);
  const call = (parts: Parts): void => {
    if (future.done()) return;
    const source = parts.calledFrom(parts.sitesIn(stack), () => context.run(() => use(parts)));
    follow(source, future);
  };
  late
    .import()
    .then(call)
    .catch((error) => {
      if (!future.done()) future.setException(error);
    });
  return future;
}
