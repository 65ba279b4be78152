// This is one session on the main side: the port to a thread, what was already said over it, and how it ends.
//
// A message posted before the thread is there waits in the port, so a session can be used from its first moment.
//
//     host              session                                              thread
//       start(port) <-    made                              the port ----->    in a piscina task
//                                                       <------ HELLO, READY     tell(ready)
//       post, control ->  one message a microtask           DEFINE, jobs -->
//       replies       <-                                <------ replies          a batch each
//       printed       <-                                <------ PRINTED
//       tell          <-                                <------ RETIRES, NESTED, UNREAD, BROKEN, stray errors
//       close         ->                                    LET_GO ----->      closes the port
//       tell(ended)   <-  start() has settled: what is still in the port was read before

import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Transferable,
} from "node:worker_threads";
import { inRootContext, runningLoopOrNull } from "../../src/core.ts";
import type { ShippedFunction } from "../executor/codebook.ts";
import { reasonOf } from "../shipping/reason.ts";
import { Channel } from "../wire/channel.ts";
import { unreadableError } from "../wire/clone.ts";
import { packedJobs, unpacked } from "../wire/message.ts";
import * as wire from "../wire/protocol.ts";
import { decodeThrown, type Encoded, encodeThrown } from "../wire/serialize.ts";
import { forgetSession, type SignalSession, sendingTo } from "../wire/signals.ts";
import type { NestedCall } from "../wire/uplink.ts";

/** A job that was not posted, as its arguments, or what else it has, cannot be cloned. */
export interface Refused {
  readonly slot: number;
  readonly args: readonly unknown[];
  readonly details: wire.Details | undefined;
  readonly error: unknown;
}

/** What a session tells its host, beside replies and output. */
export type SessionEvent =
  /** The thread is set up. */
  | { readonly is: "ready" }
  /** The thread cannot be set up. */
  | { readonly is: "broken"; readonly error: unknown }
  /** The thread wants to be replaced. */
  | { readonly is: "retires" }
  /** It has run its teardown, and can be ended; `failure` is what that threw, or null. */
  | { readonly is: "tornDown"; readonly failure: Encoded | null }
  /** Code in the thread failed that belongs to no open job. */
  | { readonly is: "stray"; readonly error: unknown }
  /** The code of the thread calls the default executor. */
  | { readonly is: "nested"; readonly call: NestedCall }
  | ({ readonly is: "refused" } & Refused)
  /** The function with this number cannot be cloned; jobs of it may be posted, and have to be taken back. */
  | { readonly is: "codeRefused"; readonly code: number; readonly error: unknown }
  /** The message of the thread of that number cannot be read here. */
  | { readonly is: "unreadable"; readonly message: number }
  /** The thread cannot read the message that brought these jobs, by their places in the order of posting. */
  | { readonly is: "unread"; readonly first: number; readonly end: number }
  /** The thread has let go, or has died. */
  | { readonly is: "ended"; readonly error: Error | null };

/** What a session asks of its host, and whom it tells. */
export interface SessionOwner {
  /** Starts the thread's half; settles when it has let go of the port, fails when the thread dies. */
  start(port: MessagePort): Promise<void>;
  /** Terminates the thread. */
  terminate(threadId: number): void;
  /** A batch of replies has come. */
  replies(message: readonly unknown[]): void;
  /** A message was posted. */
  posted(): void;
  /** A piece of output; `taken` is to be called when there is room for more, where the thread asks. */
  printed(message: wire.Printed, taken: (() => void) | null): void;
  tell(event: SessionEvent): void;
}

/** For so many messages it is remembered what they brought. */
const REMEMBERED = 4096;
/** For microtasks: Node's queueMicrotask makes an async resource each time. */
const RESOLVED = Promise.resolve();
/** A batch leaves at once when it is this long: about 256 jobs of one argument. */
const FULL_BATCH = 1024;

/** A thread may print faster than it can be read: so many messages are read in one go. */
const MOST_AT_ONCE = 10_000;

/** The sessions that have not ended, once there was one. */
let open: Set<Session> | null = null;

function keepUntilExit(session: Session): void {
  if (open === null) {
    const sessions = new Set<Session>();
    process.on("exit", () => {
      for (const session of sessions) session.readLastPrints();
    });
    open = sessions;
  }
  open.add(session);
}

export class Session implements SignalSession {
  readonly signals = new Set<number>();
  /** The id of the thread, 0 until it has said so. */
  threadId = 0;
  /** Whether the thread is set up. */
  isReady = false;
  readonly ended: Promise<void>;
  readonly #owner: SessionOwner;
  readonly #port: MessagePort;
  readonly #controls: Channel;
  readonly #jobs: Channel;
  readonly #known = new Set<number>();
  #abandon: (error: Error) => void = () => {};
  readonly #abandoned = new Promise<never>((_, reject) => {
    this.#abandon = reject;
  });
  #asked = 0;
  readonly #answers = new Map<number, (answer: unknown) => void>();
  #flushQueued = false;
  #messages = 0;
  #jobsSent = 0;
  /** Objects are among the arguments that will leave with the next flush. */
  #holdsObjects = false;
  /** The functions that the last messages brought, by the number of the message; where it brought none, 0. */
  readonly #sentCodes = new Float64Array(REMEMBERED);
  /** How many jobs had been sent before each of them, and with it. */
  readonly #sentBefore = new Float64Array(REMEMBERED);
  readonly #sentWith = new Float64Array(REMEMBERED);
  /** Messages that came, without output. */
  #received = 0;
  #killed = false;
  #hasEnded = false;

  constructor(owner: SessionOwner) {
    this.#owner = owner;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#controls = new Channel(port1, {
      length: () => wire.CONTROL_WORDS,
      refused: (words, at, error) => {
        // The others are made of texts and numbers of our own, and always go.
        if (words[at] === wire.DEFINE) this.#refusedCode(words[at + 1] as number, error);
      },
      posted: (words) => {
        const isAlone = words[0] === wire.DEFINE && words.length === wire.CONTROL_WORDS;
        this.#noteSent(isAlone ? (words[1] as number) : 0, 0);
        owner.posted();
      },
    });
    this.#jobs = new Channel(port1, {
      length: (words, at) => wire.readJob(words, at).end - at,
      pack: packedJobs,
      refused: (words, at, error) => {
        const { details, first, end } = wire.readJob(words, at);
        this.#jobsSent++;
        const [slot, args] = [words[at] as number, words.slice(first, end)];
        owner.tell({ is: "refused", slot, args, details, error });
      },
      posted: (words) => {
        this.#noteSent(0, wire.countJobs(words));
        owner.posted();
      },
    });
    this.#abandoned.catch(() => {});
    keepUntilExit(this);
    this.ended = inRootContext(() => this.#run(port2));
  }

  /** Sends a job; its function too, the first time. */
  post(slot: number, code: ShippedFunction, details: wire.Details | null, args: readonly unknown[]): void {
    if (code.number !== wire.OWN_FUNCTION && !this.#known.has(code.number)) this.#define(code);
    const words = this.#jobs.words;
    if (wire.writeJob(words, slot, code.number, details, args)) this.#holdsObjects = true;
    if (words.length >= FULL_BATCH) this.flush();
    else this.#flushSoon();
  }

  /** Sends a job in a message of its own, with which the listed objects move to the thread. */
  postAlone(
    slot: number,
    code: ShippedFunction,
    details: wire.Details | null,
    args: readonly unknown[],
    transfer: readonly Transferable[],
  ): void {
    if (code.number !== wire.OWN_FUNCTION && !this.#known.has(code.number)) this.#define(code);
    this.flush();
    const record: unknown[] = [];
    wire.writeJob(record, slot, code.number, details, args);
    sendingTo(this, () => this.#jobs.send(record, transfer));
  }

  /** Sends a record that is not a job; it is read before the jobs of the same flush, and before those still waiting. */
  control(code: number, slot: number, value: unknown): void {
    this.#controls.words.push(code, slot, value);
    this.#flushSoon();
  }

  /**
   * Lets the thread go, which ends the session a moment later. Everything must have been replied to. It is the thread
   * that closes the port, so that what it has to say until then is read.
   */
  close(): void {
    this.control(wire.LET_GO, 0, 0);
  }

  /** The process exits: what was printed until now is still read, and nothing else. */
  readLastPrints(): void {
    for (let count = 0; count < MOST_AT_ONCE; count++) {
      const entry = this.#next();
      if (entry === undefined) return;
      if (wire.isPrinted(entry.message)) this.#printed(entry.message);
    }
  }

  /** Takes what has come until now, in order; false when there was too much for one go. */
  takeAll(): boolean {
    for (let count = 0; count < MOST_AT_ONCE; count++) {
      const entry = this.#receive();
      if (entry === undefined) return true;
      if (entry === null) this.#owner.tell({ is: "unreadable", message: ++this.#received });
      else this.take(entry.message);
    }
    return false;
  }

  /** Takes a message of the thread. What it printed is printed at once: it says nothing to any task. */
  take = (message: unknown): void => {
    const loop = runningLoopOrNull();
    if (loop === null) this.#read(message);
    else if (wire.isPrinted(message)) this.#printed(message);
    else loop._bring(this.#read, message);
  };

  /** Ends the session at once: no thread will come. */
  abandon(error: Error): void {
    this.#abandon(error);
  }

  /** Terminates the thread, which ends the session with an error. */
  kill(): void {
    if (this.#killed) return;
    this.#killed = true;
    if (this.threadId !== 0) this.#owner.terminate(this.threadId);
  }

  /** Asks the thread about itself; null when the session ends instead. */
  ask(question: wire.Question): Promise<unknown> {
    const id = ++this.#asked;
    this.control(wire.ASK, id, question);
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  flush = (): void => {
    this.#flushQueued = false;
    // What was not sent is told to be unstarted; the host may have given its slots to other jobs since.
    if (this.#hasEnded) return;
    this.#controls.flush();
    if (this.#holdsObjects) sendingTo(this, this.#postJobs);
    else this.#jobs.flushPlain();
  };

  #postJobs = (): void => {
    this.#holdsObjects = false;
    this.#jobs.flush();
  };

  signalAborted(id: number, reason: unknown): void {
    this.control(wire.ABORT, id, encodeThrown(reason));
  }

  signalReleased(id: number): void {
    this.control(wire.RELEASE, id, 0);
  }

  #flushSoon(): void {
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    RESOLVED.then(this.flush);
  }

  /** The pool closes, and has waited for a while. */
  hurry(): void {
    this.control(wire.HURRY, 0, 0);
  }

  /** No job has this function any more, nor will have. */
  forget(number: number): void {
    if (this.#known.delete(number)) this.control(wire.FORGET, number, 0);
  }

  #define(code: ShippedFunction): void {
    this.#known.add(code.number);
    const { recipe } = code.shipment;
    const definition: wire.Definition = { recipe, name: code.name };
    if (isAlwaysRead(recipe)) this.control(wire.DEFINE, code.number, definition);
    else this.#controls.send([wire.DEFINE, code.number, definition], []); // alone in its message
  }

  #refusedCode(number: number, error: unknown): void {
    this.#known.delete(number);
    this.#owner.tell({ is: "codeRefused", code: number, error });
  }

  async #run(port: MessagePort): Promise<void> {
    this.#port.on("message", this.take);
    this.#port.on("messageerror", () => this.#owner.tell({ is: "unreadable", message: ++this.#received }));
    let failure: Error | null = null;
    try {
      await Promise.race([this.#owner.start(port), this.#abandoned]);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(reasonOf(error));
    }
    // What the thread said before it died may still be in the port.
    for (let entry = this.#next(); entry !== undefined; entry = this.#next()) this.#read(entry.message);
    this.#port.close();
    open?.delete(this);
    forgetSession(this);
    this.#hasEnded = true;
    for (const answer of this.#answers.values()) answer(null);
    this.#owner.tell({ is: "ended", error: failure });
  }

  /** The next message in the port that can be read. */
  #next(): { message: unknown } | undefined {
    for (;;) {
      const entry = this.#receive();
      if (entry !== null) return entry;
    }
  }

  /** The next message in the port; null for one that cannot be read, and was taken out. */
  #receive(): { message: unknown } | undefined | null {
    try {
      return receiveMessageOnPort(this.#port);
    } catch {
      return null;
    }
  }

  /** Takes a message. Whatever fails here is told, and the program goes on. */
  #read = (received: unknown): void => {
    try {
      this.#take((Array.isArray(received) ? received : unpacked(received)) as readonly unknown[]);
    } catch (error) {
      this.#owner.tell({ is: "stray", error });
    }
  };

  #take(message: readonly unknown[]): void {
    if (message[1] !== wire.PRINTED || message[0] !== wire.ABOUT_SESSION) this.#received++;
    if (message[0] !== wire.ABOUT_SESSION) this.#owner.replies(message);
    else if (message[1] === wire.PRINTED) this.#printed(message as unknown as wire.Printed);
    else if (message[1] === wire.RETIRES) this.#owner.tell({ is: "retires" });
    else if (message[1] === wire.TORN_DOWN)
      this.#owner.tell({ is: "tornDown", failure: message[2] as Encoded | null });
    else if (message[1] === wire.NESTED) this.#owner.tell({ is: "nested", call: message[2] as NestedCall });
    else if (message[1] === wire.HELLO) this.#greeted(message[2] as number);
    else if (message[1] === wire.READY) this.#becameReady();
    else if (message[1] === wire.UNREAD) this.#wasUnread(message[2] as number);
    else if (message[1] === wire.ANSWER) this.#answered(message[2] as [number, unknown]);
    else if (message[1] === wire.BROKEN)
      this.#owner.tell({ is: "broken", error: decodeThrown(message[2] as Encoded) });
    else this.#owner.tell({ is: "stray", error: decodeThrown(message[2] as Encoded) });
  }

  #noteSent(code: number, jobs: number): void {
    const at = ++this.#messages % REMEMBERED;
    this.#sentCodes[at] = code;
    this.#sentBefore[at] = this.#jobsSent;
    this.#jobsSent += jobs;
    this.#sentWith[at] = this.#jobsSent;
  }

  #wasUnread(message: number): void {
    const at = message % REMEMBERED;
    const code = this.#sentCodes[at] as number;
    const [first, end] = [this.#sentBefore[at] as number, this.#sentWith[at] as number];
    if (code !== 0) this.#refusedCode(code, unreadableError("What the function captures"));
    else if (end > first) this.#owner.tell({ is: "unread", first, end });
  }

  #greeted(threadId: number): void {
    this.threadId = threadId;
    if (this.#killed) this.#owner.terminate(threadId);
  }

  #printed(message: wire.Printed): void {
    const [, , , descriptor, , asks] = message;
    this.#owner.printed(message, asks ? () => this.control(wire.TAKEN, descriptor, 0) : null);
  }

  #answered([id, answer]: readonly [number, unknown]): void {
    this.#answers.get(id)?.(answer);
    this.#answers.delete(id);
  }

  #becameReady(): void {
    this.isReady = true;
    this.#owner.tell({ is: "ready" });
  }
}

/** Whether a thread can read the recipe, whatever it was made of: objects that the function captures may be too deep. */
function isAlwaysRead(recipe: wire.Recipe): boolean {
  return recipe.kind !== "copy" || !recipe.nodes.some(({ kind }) => kind === "data");
}
