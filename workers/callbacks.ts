// Functions among the arguments of a job: in the worker each is a function that calls back, over a port of the job's
// own, by comlink. comlink's calls never settle when the other side goes away and its errors lose most of themselves,
// so calls that are open when the port closes fail here, and errors travel as values.

import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { createRequire } from "node:module";
import { MessageChannel, type MessagePort, type Transferable } from "node:worker_threads";
import type { Endpoint } from "comlink";
import {
  CancelledError,
  createTask,
  FAILED,
  type Future,
  inRootContext,
  isInstance,
  runningLoopOrNull,
  wrapPromise,
} from "../src/core.ts";
import { callbackError } from "./clone.ts";
import { functionName } from "./describe.ts";
import { open } from "./inbox.ts";
import { packed, unpacked } from "./message.ts";
import type { Details } from "./protocol.ts";
import { decodeThrown, type Encoded, encodeThrown } from "./serialize.ts";
import { checkAttached, unmarked } from "./transfer.ts";

/** Is loaded by the first job that calls back. */
const comlink = () => require("comlink") as typeof import("comlink");
const require = createRequire(import.meta.url);

type Fn = (...args: unknown[]) => unknown;

/** The functions of a job's caller, by their position among the arguments. */
export type Callbacks = ReadonlyMap<number, Fn>;

type Answer = { readonly value: unknown } | { readonly thrown: Encoded };
type Switchboard = { call(at: number, args: unknown): Promise<unknown> };

/** The job whose callback is running. */
export interface Caller {
  /** Its pool. */
  pool: object | null;
  /** So many jobs more that its callbacks have submitted to that pool are under way, or less. */
  leavePlace(change: 1 | -1): void;
}

const callers = new AsyncLocalStorage<Caller>();

/** The job whose callback is running, where one is. */
export const currentCaller = (): Caller | undefined => callers.getStore();

/** What was taken out of a job's arguments; `caller` is to be filled in. */
interface Taken {
  readonly callbacks: Callbacks;
  readonly rest: unknown[];
  readonly caller: Caller;
}

/** Main side: takes the functions out of the arguments; null when there are none. */
export function takeCallbacks(args: readonly unknown[]): Taken | null {
  if (!hasFunction(args)) return null;
  const caller: Caller = { pool: null, leavePlace: () => {} };
  const callbacks = new Map<number, Fn>();
  const rest = args.map((value, at) => {
    if (typeof value !== "function") return value;
    const call: Fn = (...given) => callers.run(caller, () => value(...given)); // what `bind` reads of it may be a Proxy's
    const bound = AsyncResource.bind(call, "threadloop:callback");
    callbacks.set(
      at,
      Object.defineProperty(bound, "name", { value: functionName(value, `argument ${at + 1}`) }),
    );
    return null;
  });
  return { callbacks, rest, caller };
}

function hasFunction(args: readonly unknown[]): boolean {
  for (let i = 0; i < args.length; i++) if (typeof args[i] === "function") return true;
  return false;
}

/** Main side: opens the port over which the worker calls back. */
export function openSwitchboard(
  job: string,
  callbacks: Callbacks,
): {
  details: NonNullable<Details["callbacks"]>;
  close: () => void;
} {
  const { port1, port2 } = new MessageChannel();
  const sent = new WeakMap<object, Fn>();
  const switchboard: Switchboard = {
    call: async (at, args) => {
      const fn = callbacks.get(at) as Fn;
      const moving: Transferable[] = [];
      const given = await answer(fn, unpacked(args) as unknown[], moving);
      let answered: object;
      try {
        checkAttached(moving);
        answered = packed(given) as object;
      } catch (cause) {
        const { value } = given as { value: unknown };
        return packed({ thrown: encodeThrown(callbackError("result", fn.name, job, value, cause)) });
      }
      sent.set(answered, fn);
      return comlink().transfer(answered, moving as never[]);
    },
  };
  comlink().expose(
    switchboard,
    endpointOf(port1, (answered, cause) => {
      const { value } = unpacked(answered) as { value: unknown };
      const error = callbackError("result", sent.get(answered)?.name ?? "anonymous", job, value, cause);
      return packed({ thrown: encodeThrown(error) });
    }),
  );
  return { details: { at: [...callbacks.keys()], port: port2 }, close: () => port1.close() };
}

/** The port as comlink sees it: of an answer that cannot be cloned comlink says only that, so it is replaced here. */
function endpointOf(port: MessagePort, replace: (answered: object, cause: unknown) => unknown): Endpoint {
  const endpoint = port as unknown as Endpoint;
  return {
    addEventListener: endpoint.addEventListener.bind(port),
    removeEventListener: endpoint.removeEventListener.bind(port),
    start: () => port.start(),
    postMessage: (message: { value: object }, transfer) => {
      try {
        endpoint.postMessage(message, transfer);
      } catch (cause) {
        endpoint.postMessage({ ...message, value: replace(message.value, cause) });
      }
    },
  };
}

/** Calls the function, as a task where a loop runs, so that an async one may use it. */
async function answer(fn: Fn, args: unknown[], moving: Transferable[]): Promise<Answer> {
  try {
    const call = async () => fn(...args);
    const value = await (runningLoopOrNull() === null ? call() : createTask(call, { name: fn.name }));
    return { value: unmarked(value, moving) };
  } catch (error) {
    return { thrown: encodeThrown(error) };
  }
}

/**
 * Worker side: runs the body of a job some of whose arguments call back, with all its arguments. It ends when all its
 * calls have been answered; a cancelled one does not wait for them, nor one of a pool that has been closing for a while.
 */
export async function callBack(
  job: string,
  args: readonly unknown[],
  callbacks: NonNullable<Details["callbacks"]>,
  body: (complete: readonly unknown[]) => unknown,
): Promise<unknown> {
  const { line, complete } = withCallbacks(job, args, callbacks);
  try {
    const result = await body(complete);
    await line.answered();
    line.tellUnseen();
    return result;
  } catch (error) {
    if (!isInstance(error, CancelledError)) await line.answered();
    throw error;
  } finally {
    line.close();
  }
}

/** Main side of a call that came from a thread: its arguments, with functions that call the thread back. */
export function callable(
  job: string,
  args: readonly unknown[],
  callbacks: NonNullable<Details["callbacks"]>,
): { complete: unknown[]; close: () => void } {
  const { line, complete } = withCallbacks(job, args, callbacks);
  return { complete, close: () => line.close() };
}

function withCallbacks(
  job: string,
  args: readonly unknown[],
  { at, port }: NonNullable<Details["callbacks"]>,
): { line: Line; complete: unknown[] } {
  const line = new Line(job, port);
  const complete = args.slice();
  for (const position of at) complete[position] = (...values: unknown[]) => line.call(position, values);
  return { line, complete };
}

/** Resolves when the pool closes and has waited long enough. */
let hurry: () => void;
const hurried = new Promise<void>((resolve) => {
  hurry = resolve;
});

/** Worker side: from now on a job that has ended does not wait for its calls; those it awaits itself it waits for. */
export function leaveCallbacks(): void {
  hurry();
}

class Line {
  readonly #job: string;
  readonly #port: MessagePort;
  readonly #remote: Switchboard;
  readonly #open = new Set<Promise<unknown>>();
  /** Calls that failed; somebody may have looked at their errors. */
  readonly #failed: Future<unknown>[] = [];
  readonly #closed: Promise<never>;

  constructor(job: string, port: MessagePort) {
    this.#job = job;
    this.#port = port;
    this.#remote = comlink().wrap<Switchboard>(port as unknown as Endpoint) as unknown as Switchboard;
    this.#closed = new Promise((_, reject) => {
      port.once("close", () => reject(new Error("The job whose callback this is has ended")));
    });
    this.#closed.catch(() => {});
  }

  /** A Future, so that awaiting it is a cancellation point. */
  call(at: number, values: unknown[]): PromiseLike<unknown> {
    const moving: Transferable[] = [];
    const args = values.map((value) => unmarked(value, moving));
    const called = this.#post(at, args, moving).catch((cause: unknown) => {
      throw callbackError("arguments", `argument ${at + 1}`, this.#job, args, cause);
    });
    const answered = Promise.race([called, this.#closed])
      .then(open)
      .then((received) => {
        const answer = received as Answer;
        if ("thrown" in answer) throw decodeThrown(answer.thrown);
        return answer.value;
      });
    const call = wrapPromise(answered);
    const settled: Promise<unknown> = answered
      .then(ignore, () => void this.#failed.push(call))
      .then(() => this.#open.delete(settled));
    this.#open.add(settled);
    return call;
  }

  async #post(at: number, args: unknown[], moving: Transferable[]): Promise<unknown> {
    checkAttached(moving);
    return this.#remote.call(at, comlink().transfer(packed(args) as object, moving as never[]));
  }

  /** Waits for the calls that nobody waits for. */
  answered(): PromiseLike<unknown> {
    return wrapPromise(Promise.race([Promise.all(this.#open), hurried]));
  }

  /** Errors of calls that nobody awaited are nobody's: the job has ended well. */
  tellUnseen(): void {
    for (const call of this.#failed) {
      if (call._state === FAILED) inRootContext(() => void Promise.reject(call.exception()));
    }
  }

  close(): void {
    this.#port.close();
  }
}

function ignore(): void {}
