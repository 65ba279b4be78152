// These are functions among the arguments of a job: in the worker each is a function that calls back, over a port of
// the job's own.
//
//     thread                                     caller
//     [1, position, args]         ---------->    calls the function
//     [2, position, args]         ---------->
//                                 <----------    [2, { value }]
//                                 <----------    [1, { thrown }]
//
// Calls are numbered in the order in which they are posted, answers in the order in which they are. So a message that
// was written and cannot be read, as it is nested too deeply for the stack there, is known by its place: the caller
// answers such a call with an error; the thread sends the place of such an answer back, and gets an error for it.
// Calls that are open when the port closes fail here.

import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { MessageChannel, type Transferable } from "node:worker_threads";
import {
  CancelledError,
  createTask,
  FAILED,
  Future,
  inRootContext,
  isInstance,
  runningLoopOrNull,
  wrapPromise,
} from "../../src/core.ts";
import { callbackError, unreadableError } from "../wire/clone.ts";
import { functionName } from "../wire/describe.ts";
import { Inbox, packed, unpacked } from "../wire/message.ts";
import type { Details } from "../wire/protocol.ts";
import { decodeThrown, type Encoded, encodeThrown } from "../wire/serialize.ts";
import { checkAttached, unmarked } from "../wire/transfer.ts";

/** In place of a call's number: the thread cannot read the answer of this place. */
const UNREAD = 0;
/** For so many answers the caller remembers whose they were. */
const REMEMBERED = 4096;

type Fn = (...args: unknown[]) => unknown;

/** The functions of a job's caller, by their position among the arguments. */
export type Callbacks = ReadonlyMap<number, Fn>;

/** One end of what the calls go over: a MessagePort, or one that leads to other code of the same thread. */
export interface CallbackPort {
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "messageerror", listener: () => void): unknown;
  once(event: "close", listener: () => void): unknown;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  close(): void;
}

/** What the side that calls back is told: which of the arguments are functions, and where it calls them. */
export interface CallbackDetails {
  readonly at: readonly number[];
  readonly port: CallbackPort;
}

type Answer = { readonly value: unknown } | { readonly thrown: Encoded };
type Call = readonly [id: number, at: number, args: unknown[]];
type Answered = readonly [id: number, answer: Answer];

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
  return hasFunction(args) ? takeFunctions(args) : null;
}

function takeFunctions(args: readonly unknown[]): Taken {
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
export function serveCallbacks(
  job: string,
  callbacks: Callbacks,
): {
  details: NonNullable<Details["callbacks"]>;
  close: () => void;
} {
  const { port1, port2 } = new MessageChannel();
  answerCalls(job, callbacks, port1);
  return { details: { at: [...callbacks.keys()], port: port2 }, close: () => port1.close() };
}

/** Main side: calls the functions as they are asked for over the port. */
export function answerCalls(job: string, callbacks: Callbacks, port: CallbackPort): void {
  const server = new CallbackServer(job, callbacks, port);
  port.on("message", (message) => void server.take(message));
  port.on("messageerror", () => server.takeUnread());
}

class CallbackServer {
  readonly #job: string;
  readonly #callbacks: Callbacks;
  readonly #port: CallbackPort;
  #calls = 0;
  #answers = 0;
  /** The calls that the last answers were for. */
  readonly #answered: number[] = [];

  constructor(job: string, callbacks: Callbacks, port: CallbackPort) {
    this.#job = job;
    this.#callbacks = callbacks;
    this.#port = port;
  }

  async take(message: unknown): Promise<void> {
    const [id, at, args] = unpacked(message) as Call;
    if (id === UNREAD) {
      this.#answerUnread(at);
      return;
    }
    this.#calls = id;
    const fn = this.#callbacks.get(at) as Fn;
    const moving: Transferable[] = [];
    const answer = await answerOf(fn, args, moving);
    try {
      this.#post(id, answer, moving);
    } catch (cause) {
      const { value } = answer as { value: unknown };
      this.#fail(id, callbackError("result", fn.name, this.#job, value, cause));
    }
  }

  /** The next call cannot be read. */
  takeUnread(): void {
    this.#fail(++this.#calls, unreadableError(`The arguments of a callback of job \`${this.#job}\``));
  }

  #answerUnread(place: number): void {
    const id = this.#answered[place % REMEMBERED] as number;
    this.#fail(id, unreadableError(`The result of a callback of job \`${this.#job}\``));
  }

  #fail(id: number, error: Error): void {
    this.#post(id, { thrown: encodeThrown(error) }, []);
  }

  #post(id: number, answer: Answer, moving: readonly Transferable[]): void {
    checkAttached(moving);
    this.#port.postMessage(packed([id, answer]), moving);
    this.#answered[this.#answers++ % REMEMBERED] = id;
  }
}

/** Calls the function, as a task where a loop runs, so that an async one may use it. */
async function answerOf(fn: Fn, args: unknown[], moving: Transferable[]): Promise<Answer> {
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
  callbacks: CallbackDetails,
  body: (complete: readonly unknown[]) => unknown,
): Promise<unknown> {
  const { client, complete } = withCallbacks(job, args, callbacks);
  try {
    const result = await body(complete);
    await client.answered();
    client.tellUnseen();
    return result;
  } catch (error) {
    if (!isInstance(error, CancelledError)) await client.answered();
    throw error;
  } finally {
    client.close();
  }
}

/** Main side of a call that came from a thread: its arguments, with functions that call the thread back. */
export function callable(
  job: string,
  args: readonly unknown[],
  callbacks: CallbackDetails,
): { complete: unknown[]; close: () => void } {
  const { client, complete } = withCallbacks(job, args, callbacks);
  return { complete, close: () => client.close() };
}

function withCallbacks(
  job: string,
  args: readonly unknown[],
  { at, port }: CallbackDetails,
): { client: CallbackClient; complete: unknown[] } {
  const client = new CallbackClient(job, port);
  const complete = args.slice();
  for (const position of at) complete[position] = (...values: unknown[]) => client.call(position, values);
  return { client, complete };
}

/** The clients of the jobs that have ended and wait for answers; null once the pool closes and has waited long enough. */
let ending: Set<CallbackClient> | null = new Set();

/** Worker side: from now on a job that has ended does not wait for its calls; those it awaits itself it waits for. */
export function leaveCallbacks(): void {
  for (const client of ending ?? []) client.leave();
  ending = null;
}

class CallbackClient {
  readonly #job: string;
  readonly #port: CallbackPort;
  /** The calls that are open, by number. */
  readonly #open = new Map<number, Future<unknown>>();
  /** Calls that failed; somebody may have looked at their errors. */
  readonly #failed: Future<unknown>[] = [];
  #calls = 0;
  #answers = 0;
  #isClosed = false;
  /** Is called when no call is open any more. */
  #whenAnswered: () => void = () => {};

  constructor(job: string, port: CallbackPort) {
    this.#job = job;
    this.#port = port;
    const inbox = new Inbox((message) => this.#settle(message as Answered));
    port.on("message", (message) => {
      this.#answers++;
      inbox.take(message);
    });
    port.on("messageerror", () => port.postMessage([UNREAD, this.#answers++]));
    port.once("close", () => this.#closed());
  }

  /** A Future, so that awaiting it is a cancellation point. */
  call(at: number, values: unknown[]): PromiseLike<unknown> {
    const future = new Future<unknown>();
    if (this.#isClosed) future.setException(callAfterEnd());
    else this.#post(at, values, future);
    return future;
  }

  #post(at: number, values: unknown[], future: Future<unknown>): void {
    const moving: Transferable[] = [];
    const args = values.map((value) => unmarked(value, moving));
    const id = this.#calls + 1;
    try {
      checkAttached(moving);
      this.#port.postMessage(packed([id, at, args]), moving);
    } catch (cause) {
      this.#fail(future, callbackError("arguments", `argument ${at + 1}`, this.#job, args, cause));
      return;
    }
    this.#calls = id;
    this.#open.set(id, future);
  }

  #settle([id, answer]: Answered): void {
    const future = this.#open.get(id);
    this.#open.delete(id);
    if (future !== undefined && !future.done()) {
      if ("thrown" in answer) this.#fail(future, decodeThrown(answer.thrown));
      else future.setResult(answer.value);
    }
    if (this.#open.size === 0) this.#whenAnswered();
  }

  #fail(future: Future<unknown>, error: unknown): void {
    future.setException(error);
    this.#failed.push(future);
  }

  /** Waits for the calls that nobody waits for. */
  answered(): PromiseLike<unknown> {
    if (this.#open.size === 0 || ending === null) return wrapPromise(Promise.resolve());
    ending.add(this);
    return wrapPromise(
      new Promise<void>((resolve) => {
        this.#whenAnswered = resolve;
      }),
    );
  }

  /** Waits no longer. */
  leave(): void {
    this.#whenAnswered();
  }

  /** Errors of calls that nobody awaited are nobody's: the job has ended well. */
  tellUnseen(): void {
    for (const call of this.#failed) {
      if (call._state === FAILED) inRootContext(() => void Promise.reject(call.exception()));
    }
  }

  close(): void {
    ending?.delete(this);
    this.#port.close();
  }

  #closed(): void {
    this.#isClosed = true;
    for (const future of this.#open.values()) if (!future.done()) future.setException(callAfterEnd());
    this.#open.clear();
    this.#whenAnswered();
  }
}

function callAfterEnd(): Error {
  return new Error("The job whose callback this is has ended");
}
