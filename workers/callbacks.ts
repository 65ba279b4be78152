// Functions among the arguments of a job: in the worker each is a function that calls back, over a port of the job's
// own, by comlink. comlink's calls never settle when the other side goes away and its errors lose most of themselves,
// so calls that are open when the port closes fail here, and errors travel as values.

import { AsyncResource } from "node:async_hooks";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { type Endpoint, expose, wrap } from "comlink";
import { createTask, runningLoopOrNull, wrapPromise } from "../src/index.ts";
import { packed, unpacked } from "./carrier.ts";
import type { Details } from "./protocol.ts";
import { decodeThrown, type Encoded, encodeThrown } from "./serialize.ts";

type Fn = (...args: unknown[]) => unknown;

/** The functions of a job's caller, by their position among the arguments. */
export type Callbacks = ReadonlyMap<number, Fn>;

type Answer = { readonly value: unknown } | { readonly thrown: Encoded };
type Switchboard = { call(at: number, args: unknown): Promise<unknown> };

/** Main side: takes the functions out of the arguments; null when there are none. */
export function takeCallbacks(args: readonly unknown[]): { callbacks: Callbacks; rest: unknown[] } | null {
  if (!hasFunction(args)) return null;
  const callbacks = new Map<number, Fn>();
  const rest = args.map((value, at) => {
    if (typeof value !== "function") return value;
    callbacks.set(at, AsyncResource.bind(value as Fn));
    return null;
  });
  return { callbacks, rest };
}

function hasFunction(args: readonly unknown[]): boolean {
  for (let i = 0; i < args.length; i++) if (typeof args[i] === "function") return true;
  return false;
}

/** Main side: opens the port over which the worker calls back. */
export function openSwitchboard(callbacks: Callbacks): {
  details: NonNullable<Details["callbacks"]>;
  close: () => void;
} {
  const { port1, port2 } = new MessageChannel();
  const switchboard: Switchboard = {
    call: (at, args) => packedAnswer(callbacks.get(at) as Fn, args),
  };
  expose(switchboard, port1 as unknown as Endpoint);
  return { details: { at: [...callbacks.keys()], port: port2 }, close: () => port1.close() };
}

async function packedAnswer(fn: Fn, args: unknown): Promise<unknown> {
  return packed(await answer(fn, unpacked(args) as unknown[]));
}

/** Calls the function, as a task where a loop runs, so that an async one may use it. */
async function answer(fn: Fn, args: unknown[]): Promise<Answer> {
  try {
    const call = async () => fn(...args);
    return {
      value: await (runningLoopOrNull() === null
        ? call()
        : createTask(call, { name: fn.name || "callback" })),
    };
  } catch (error) {
    return { thrown: encodeThrown(error) };
  }
}

/** Worker side: the body of a job some of whose arguments call back. It ends when all its calls have been answered. */
export function callBack(
  fn: Fn,
  args: readonly unknown[],
  { at, port }: NonNullable<Details["callbacks"]>,
): () => unknown {
  return async () => {
    const line = new Line(port);
    const complete = args.slice();
    for (const position of at) complete[position] = (...values: unknown[]) => line.call(position, values);
    try {
      return await fn(...complete);
    } finally {
      await line.close();
    }
  };
}

class Line {
  readonly #port: MessagePort;
  readonly #remote: Switchboard;
  readonly #open = new Set<Promise<unknown>>();
  readonly #closed: Promise<never>;

  constructor(port: MessagePort) {
    this.#port = port;
    this.#remote = wrap<Switchboard>(port as unknown as Endpoint) as unknown as Switchboard;
    this.#closed = new Promise((_, reject) => {
      port.once("close", () => reject(new Error("The job whose callback this is has ended")));
    });
    this.#closed.catch(() => {});
  }

  /** A Future, so that awaiting it is a cancellation point. */
  call(at: number, values: unknown[]): PromiseLike<unknown> {
    const answered = Promise.race([this.#remote.call(at, packed(values)), this.#closed]).then((received) => {
      const answer = unpacked(received) as Answer;
      if ("thrown" in answer) throw decodeThrown(answer.thrown);
      return answer.value;
    });
    const settled: Promise<unknown> = answered.then(ignore, ignore).then(() => this.#open.delete(settled));
    this.#open.add(settled);
    return wrapPromise(answered);
  }

  async close(): Promise<void> {
    await Promise.all(this.#open);
    this.#port.close();
  }
}

function ignore(): void {}
