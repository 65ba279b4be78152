// This is `executor.module(url)`: the functions of a module that is loaded where jobs run, typed as that module.

import { moduleUrl } from "../shipping/moduleurl.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import type { Calls } from "./calls.ts";
import type { Job } from "./job.ts";
import type { CallOptions } from "./options.ts";

/** The functions of a module `M`, each returning a Job of what it returns there. */
export type RemoteModule<M> = {
  readonly [K in keyof M as M[K] extends AnyFunction ? K : never]: RemoteFunction<M[K]>;
};

/**
 * A function as its pool runs it. TypeScript cannot keep type parameters while it replaces a result: a generic async
 * function keeps its own type, with the Promise that a Job is; a generic sync one gets `unknown` for its parameters.
 */
export type RemoteFunction<F> = F extends AnyFunction
  ? ((...args: Parameters<F>) => ReturnType<F>) extends F
    ? (...args: Parameters<F>) => Job<Awaited<ReturnType<F>>>
    : ReturnType<F> extends PromiseLike<unknown>
      ? F
      : RemoteOverloads<F>
  : never;

/** Up to four overloads. */
type RemoteOverloads<F> = F extends {
  (...args: infer A1): infer R1;
  (...args: infer A2): infer R2;
  (...args: infer A3): infer R3;
  (...args: infer A4): infer R4;
}
  ? ((...args: A1) => Job<Awaited<R1>>) &
      ((...args: A2) => Job<Awaited<R2>>) &
      ((...args: A3) => Job<Awaited<R3>>) &
      ((...args: A4) => Job<Awaited<R4>>)
  : never;

/** The module at `url` as those have it who run the calls. */
export function remoteModule<M>(
  calls: () => Calls,
  url: string | URL,
  options: CallOptions | null,
): RemoteModule<M> {
  const href = moduleUrl(url);
  const functions = new Map<string, AnyFunction>();
  const functionFor = (name: string): AnyFunction => {
    const fn = calls().exportOf(href, name);
    const call = (...args: unknown[]): unknown => calls().submit(fn, args, options);
    functions.set(name, call);
    return call;
  };
  // Awaiting the module itself must not look like calling its function `then`.
  const get = (_: object, name: string | symbol): unknown =>
    typeof name === "symbol" || name === "then" ? undefined : (functions.get(name) ?? functionFor(name));
  return new Proxy({}, { get }) as RemoteModule<M>;
}
