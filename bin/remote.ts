// This is a session with the inspector of another process: its main thread, and through it every worker thread.

import { WebSocket } from "ws";

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

type Send = (message: string) => void;

/** Milliseconds after which a thread that does not answer is given up: it is in native code, or stopped. */
const PATIENCE = 2000;

/** Whether the answer is that of a thread that is about to end, and has nothing to evaluate in any more. */
function isEnding(refusal: string): boolean {
  return /cannot find (?:default execution )?context/i.test(refusal);
}

/** How an expression is evaluated. */
export interface EvaluateOptions {
  /** Its value is a promise, whose result is wanted. Default false. */
  readonly awaitPromise?: boolean;
  /** Milliseconds for the answer. */
  readonly patience?: number;
}

/** One thread of the process. The inspector interrupts JavaScript, so a thread in an endless loop answers too. */
export class RemoteThread {
  readonly #send: Send;
  readonly #pending = new Map<number, (message: Message) => void>();
  readonly #listeners = new Map<string, (params: Readonly<Record<string, unknown>>) => void>();
  #lastId = 0;
  #isGone = false;
  /** The worker threads of this one, by the inspector's name for each; null before it was asked for them. */
  #workers: Map<unknown, RemoteThread> | null = null;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Calls a method of the protocol; null when the thread does not answer. */
  async call(
    method: string,
    params: object = {},
    patience: number = PATIENCE,
  ): Promise<Readonly<Record<string, unknown>> | null> {
    if (this.#isGone) return null;
    const id = ++this.#lastId;
    const answered = new Promise<Message | null>((resolve) => {
      const timer = setTimeout(resolve, patience, null);
      this.#pending.set(id, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
    });
    this.#send(JSON.stringify({ id, method, params }));
    const message = await answered;
    this.#pending.delete(id);
    if (message?.error !== undefined && isEnding(message.error.message)) {
      this.#isGone = true;
      return null;
    }
    if (message?.error !== undefined) throw new Error(`${method}: ${message.error.message}`);
    return message?.result ?? null;
  }

  /** Evaluates an expression and returns its value, which must be JSON; undefined when the thread does not answer. */
  async evaluate(
    expression: string,
    { awaitPromise = false, patience = PATIENCE }: EvaluateOptions = {},
  ): Promise<unknown> {
    const params = { expression, returnByValue: true, awaitPromise };
    const answer = await this.call("Runtime.evaluate", params, patience);
    if (answer === null) return undefined;
    const failure = answer.exceptionDetails as { exception?: { description?: string } } | undefined;
    if (failure !== undefined) throw new Error(failure.exception?.description ?? "the evaluation failed");
    return (answer.result as { value?: unknown }).value;
  }

  on(event: string, listener: (params: Readonly<Record<string, unknown>>) => void): void {
    this.#listeners.set(event, listener);
  }

  /** The worker threads that it has now, and theirs. */
  async workers(): Promise<RemoteThread[]> {
    this.#workers ??= await this.#followWorkers();
    const own = [...this.#workers.values()];
    const below = await Promise.all(own.map((worker) => worker.workers()));
    return [...own, ...below.flat()];
  }

  /** The inspector announces the workers before it answers the call, and those that come and go afterwards. */
  async #followWorkers(): Promise<Map<unknown, RemoteThread>> {
    const workers = new Map<unknown, RemoteThread>();
    this.on("NodeWorker.attachedToWorker", ({ sessionId }) => {
      const send = (message: string) =>
        void this.call("NodeWorker.sendMessageToWorker", { sessionId, message }).catch(() => {}); // it has just ended
      workers.set(sessionId, new RemoteThread(send));
    });
    this.on("NodeWorker.receivedMessageFromWorker", ({ sessionId, message }) => {
      workers.get(sessionId)?.receive(message as string);
    });
    this.on("NodeWorker.detachedFromWorker", ({ sessionId }) => {
      workers.get(sessionId)?.giveUp();
      workers.delete(sessionId);
    });
    await this.call("NodeWorker.enable", { waitForDebuggerOnStart: false }).catch(() => null);
    return workers;
  }

  /** Whether it has ended, as far as it has said: a process waits for those who look into it before it is gone. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Lets all calls end without an answer, those to come as well. */
  giveUp(): void {
    this.#isGone = true;
    for (const resolve of this.#pending.values()) resolve({});
  }

  /** Takes what the thread says. */
  receive(text: string): void {
    const message = JSON.parse(text) as Message;
    if (message.id !== undefined) this.#pending.get(message.id)?.(message);
    else if (message.method !== undefined) this.#listeners.get(message.method)?.(message.params ?? {});
  }
}

/** A connection to the inspector. */
export class Remote {
  readonly main: RemoteThread;
  /** Resolves when the connection is gone: we have closed it, or the process has ended. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.main = new RemoteThread((message) => socket.send(message));
    socket.on("message", (data) => this.main.receive(String(data)));
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.main.giveUp();
        resolve();
      });
    });
  }

  /** Connects to the inspector at this address. */
  static async connect(url: string): Promise<Remote> {
    const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 2 ** 30 });
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return new Remote(socket);
  }

  /** Attaches to every worker thread there is now, at any depth, and returns all threads, the main one first. */
  async threads(): Promise<RemoteThread[]> {
    return [this.main, ...(await this.main.workers())];
  }

  get isClosed(): boolean {
    return this.#socket.readyState === WebSocket.CLOSED;
  }

  /** Disconnects; resolves when that is done. */
  async close(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }
}
