// These are actors as their callers see them: an object that lives in one place, its methods called by jobs that are
// bound to it.

import { inspect } from "node:util";
import { got } from "../../src/core.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import { functionName } from "../wire/describe.ts";
import type { JobKind } from "../wire/protocol.ts";
import type { ActorHome, Calls } from "./calls.ts";
import type { Job } from "./job.ts";

/** A class whose instance can be an actor. */
export type ActorClass<T extends object, A extends unknown[]> = new (...args: A) => T;

type Methods<T> = {
  [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Job<Awaited<R>>
    : never;
};

/** The handle of an object in a worker: its methods, each returning a Job, and its end. */
export type Actor<T extends object> = Omit<Methods<T>, "close"> & {
  /** Finishes the calls made so far, disposes of the object (`Symbol.asyncDispose` or `Symbol.dispose`) and lets go of it. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

let count = 0;

export async function spawnActor<T extends object, A extends unknown[]>(
  calls: Calls,
  Class: ActorClass<T, A>,
  args: A,
): Promise<Actor<T>> {
  if (!isClass(Class)) {
    const what = typeof Class === "function" ? `, which \`new\` cannot be used with` : "";
    throw new TypeError(`Expected \`Class\` to be a class, got ${got(Class)}${what}`);
  }
  calls.checkOpen();
  const handle = new ActorHandle(functionName(Class));
  await handle.start(calls, Class as unknown as AnyFunction, args);
  return handle.facade() as Actor<T>;
}

/** Whether `new` can be used with it; it is not called for that. */
function isClass(value: unknown): boolean {
  try {
    Reflect.construct(Object, [], value as AnyFunction);
    return true;
  } catch {
    return false;
  }
}

class ActorHandle {
  readonly #name: string;
  readonly #id = ++count;
  readonly #calls = new Set<Job>();
  #home: ActorHome | null = null;
  #death: Error | null = null;
  #closed: Promise<void> | null = null;

  constructor(name: string) {
    this.#name = name;
  }

  async start(calls: Calls, Class: AnyFunction, args: readonly unknown[]): Promise<void> {
    this.#home = await calls.findHome(Class, (error) => {
      this.#death ??= error;
    });
    try {
      await this.#submit({ is: "actorMake", id: this.#id }, args, this.#name);
    } catch (error) {
      this.#home.leave();
      throw error;
    }
  }

  /** What the user holds: every property is a method of the object over there, but for the few of the handle itself. */
  facade(): object {
    const text = () => `<Actor ${this.#name}${this.#closed === null ? "" : " closed"}>`;
    const own: Record<PropertyKey, unknown> = {
      // Nothing is inherited: `toString` and the like may be methods of the object over there.
      __proto__: null,
      close: () => this.close(),
      [Symbol.asyncDispose]: () => this.close(),
      [inspect.custom]: text,
      [Symbol.toPrimitive]: text,
      constructor: Object,
      // Not a thenable: an async function may return it.
      then: undefined,
    };
    return new Proxy(own, {
      get: (methods, name) => {
        if (name in methods || typeof name === "symbol") return methods[name];
        methods[name] = (...args: unknown[]) => this.#call(name, args);
        return methods[name];
      },
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #call(method: string, args: readonly unknown[]): Job {
    if (this.#death !== null) throw this.#death;
    if (this.#closed !== null) throw new ReferenceError(`Actor ${this.#name} is closed: spawn another one`);
    const job = this.#submit({ is: "actorCall", id: this.#id, method }, args, `${this.#name}.${method}`);
    this.#calls.add(job);
    job._listen(() => this.#calls.delete(job), null, false);
    return job;
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#calls].map((job) => job.toPromise()));
    try {
      if (this.#death === null)
        await this.#submit({ is: "actorDrop", id: this.#id }, [], `${this.#name}.close`).toPromise();
    } finally {
      this.#home?.leave();
    }
  }

  #submit(kind: JobKind, args: readonly unknown[], name: string): Job {
    return (this.#home as ActorHome).submit(kind, args, { name });
  }
}
