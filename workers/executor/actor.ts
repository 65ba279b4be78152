// Actors on the main side: an object that lives in one worker, its methods called by jobs bound to that worker.

import { inspect } from "node:util";
import { got } from "../../src/core.ts";
import type { Host } from "../host/host.ts";
import type { Death } from "../host/threaddeath.ts";
import type { Engine } from "../pool/scheduler.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import { WorkerTerminatedError } from "../wire/errors.ts";
import type { Code } from "./codebook.ts";
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
  engine: Engine,
  Class: ActorClass<T, A>,
  args: A,
): Promise<Actor<T>> {
  if (!isClass(Class)) {
    const what = typeof Class === "function" ? `, which \`new\` cannot be used with` : "";
    throw new TypeError(`Expected \`Class\` to be a class, got ${got(Class)}${what}`);
  }
  engine.checkOpen();
  const code = await engine.codes.of(Class as unknown as AnyFunction, engine.settings.ship);
  const handle = new ActorHandle(engine, code, engine.dispatcher.leastBusy());
  await handle.start(args);
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
  readonly #engine: Engine;
  readonly #code: Code;
  readonly #host: Host;
  readonly #id = ++count;
  readonly #calls = new Set<Job>();
  #death: Error | null = null;
  #closed: Promise<void> | null = null;

  constructor(engine: Engine, code: Code, host: Host) {
    this.#engine = engine;
    this.#code = code;
    this.#host = host;
  }

  async start(args: readonly unknown[]): Promise<void> {
    this.#host.pins++;
    this.#engine.watch(this.#host, this.#died);
    try {
      await this.#engine.submitTo(this.#host, this.#code, args, {
        actor: { id: this.#id },
        name: this.#code.name,
      });
    } catch (error) {
      this.#letGo();
      throw error;
    }
  }

  /** What the user holds: every property is a method of the object over there, but for the few of the handle itself. */
  facade(): object {
    const text = () => `<Actor ${this.#code.name}${this.#closed === null ? "" : " closed"}>`;
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
    if (this.#closed !== null)
      throw new ReferenceError(`Actor ${this.#code.name} is closed: spawn another one`);
    const job = this.#post({ id: this.#id, method }, args, `${this.#code.name}.${method}`);
    this.#calls.add(job);
    job._listen(() => this.#calls.delete(job), null, false);
    return job;
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#calls].map((job) => job.toPromise()));
    try {
      if (this.#death === null)
        await this.#post({ id: this.#id, drop: true }, [], `${this.#code.name}.close`).toPromise();
    } finally {
      this.#letGo();
    }
  }

  #post(actor: { id: number; method?: string; drop?: boolean }, args: readonly unknown[], name: string): Job {
    return this.#engine.submitTo(this.#host, this.#code, args, { actor, name });
  }

  #died = ({ cause, threadId, exitCode }: Death): void => {
    this.#death ??= new WorkerTerminatedError(
      `The worker of actor ${this.#code.name} (pool "${this.#engine.settings.name}") ended: ${cause.message}. Spawn another one`,
      { cause, threadId, exitCode },
    );
    this.#letGo();
  };

  #letGo(): void {
    if (this.#engine.unwatch(this.#host, this.#died)) this.#host.pins--;
  }
}
