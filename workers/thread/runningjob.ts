// This is one job in progress in a worker: synchronous code, or a task on the worker's loop.

import {
  CancelledError,
  Context,
  type ContextRunner,
  type EventLoop,
  isInstance,
  type RunnerContext,
  runAs,
  runAsInRoot,
  type Task,
} from "../../src/core.ts";
import type { RunningJob } from "../executor/currentjob.ts";
import { reasonOf } from "../shipping/reason.ts";
import { CURRENT, cancelRequested, NOWHERE, type Slots, SUSPENDED } from "../wire/memory.ts";
import { smallCopy } from "../wire/ownership.ts";
import * as wire from "../wire/protocol.ts";
import { encodeThrown } from "../wire/serialize.ts";
import { isTransfer } from "../wire/transfer.ts";
import type { Credit } from "./credit.ts";
import type { Callee } from "./functions.ts";
import type { Replies } from "./replies.ts";

/** What the jobs of one session share. */
export interface Stage {
  readonly slots: Slots;
  readonly loop: EventLoop;
  readonly replies: Replies;
  /** How many jobs keep the thread while its loop turns: no other starts meanwhile. */
  keeping(change: 1 | -1): void;
  /** A job leaves its place to others while it waits for a nested call, or has it again. */
  leaving(change: 1 | -1): void;
  /** Is told when a job ends, so that one that had to wait can begin. */
  ended(slot: number): void;
}

type Fn = (...args: readonly unknown[]) => unknown;

/** Where the frames of a stack stop being the user's: as built, the chunk of what only threads run. */
const HERE = import.meta.url;

/** It is the runner of its synchronous code, and the context: nothing else is made for that. */
export class Running implements RunningJob, ContextRunner, RunnerContext {
  /** @internal */
  _values: ReadonlyMap<object, unknown> | null = null;
  slot: number;
  readonly slots: Slots;
  readonly name: string;
  readonly #stage: Stage;
  #task: Task<unknown> | null = null;
  #wasCancelled = false;
  /** Its nested calls that are under way. */
  #nested = 0;
  /** Tells the task that was made for it while its code ran what came of that code. */
  #tell: ((result: { value: unknown } | { error: unknown }) => void) | null = null;
  /** Is told how it ended, when somebody follows it. */
  onEnd: ((kind: number, value: unknown) => void) | null = null;
  /** Of a stream: what its reader takes. */
  credit: Credit | null = null;

  constructor(stage: Stage, slot: number, name: string) {
    this.#stage = stage;
    this.slots = stage.slots;
    this.slot = slot;
    this.name = name;
  }

  /** @internal */
  get _isTask(): false {
    return false;
  }

  /** @internal */
  get _task(): Task<unknown> | null {
    return this.#task;
  }

  /**
   * @internal Code that was taken for synchronous waits after all, or asks for its task: it goes on as one. What it left
   * behind at its end is in a task that is done.
   */
  _makeTask(): Task<unknown> {
    if (this.#task !== null) return this.#task;
    if (this.hasEnded) {
      this.#task = this.#stage.loop.createTask(() => {}, { name: this.name, eagerStart: true });
      return this.#task;
    }
    const told = new Promise<{ value: unknown } | { error: unknown }>((resolve) => {
      this.#tell = resolve;
    });
    const task = this.startTask(async () => {
      const result = await told;
      if ("error" in result) throw result.error;
      return await result.value;
    });
    this.slots[CURRENT] = this.slot;
    return task;
  }

  /** @internal */
  get _context(): RunnerContext {
    return this;
  }

  /** @internal */
  get _owner(): this {
    return this;
  }

  /** The task that runs it, null when it is synchronous. */
  get task(): Task<unknown> | null {
    return this.#task;
  }

  get hasEnded(): boolean {
    return this.slot === NOWHERE;
  }

  /** Calls the function: at once when it is synchronous, else (or when nobody knows yet) as a task. */
  start(callee: Callee, args: readonly unknown[]): void {
    if (callee.isAsync === false) this.#call(callee, args, runAsInRoot);
    else this.startTask(() => callThenable(callee, args));
  }

  /** The same where AsyncLocalStorage values of the job are set: they are kept. */
  startInContext(callee: Callee, args: readonly unknown[]): void {
    if (callee.isAsync === false) this.#call(callee, args, runAs);
    else this.start(callee, args);
  }

  /**
   * Runs a body as a task of the worker's loop; its end is the job's. Its first step runs now: what follows in the batch
   * is not claimed before, and can be moved to another worker when that step is long.
   */
  startTask(body: () => unknown): Task<unknown> {
    const { slots } = this;
    const options = { name: this.name, context: this.#context(), eagerStart: true };
    slots[CURRENT] = this.slot;
    (slots[SUSPENDED] as number)++;
    let task: Task<unknown> | null = null;
    try {
      task = this.#stage.loop.createTask(body as () => Promise<unknown>, options);
    } finally {
      slots[CURRENT] = 0;
      if (task === null) (slots[SUSPENDED] as number)--;
    }
    this.#task = task;
    if (task.done()) this.#resumeAs(task);
    else task._listen(() => this.#resumeAs(task));
    return task;
  }

  /** `reply` guards what is said; nothing else can fail here. */
  #resumeAs(task: Task<unknown>): void {
    (this.slots[SUSPENDED] as number)--;
    this.#settleAs(task);
  }

  /** It gives the loop a turn as synchronous code would: it counts as running, and no other job starts. */
  keepThread(): void {
    (this.slots[SUSPENDED] as number)--;
    this.#stage.keeping(1);
  }

  shareThread(): void {
    (this.slots[SUSPENDED] as number)++;
    this.#stage.keeping(-1);
  }

  leavePlace(change: 1 | -1): void {
    if (this.hasEnded) return;
    this.#nested += change;
    if (this.#nested === (change === 1 ? 1 : 0)) this.#stage.leaving(change);
  }

  /** Whether its host has asked it to stop, in a message that was not read yet. */
  get isCancelComing(): boolean {
    return !this.#wasCancelled && cancelRequested(this.slots, this.slot);
  }

  cancel(message: string | undefined): void {
    this.#wasCancelled = true;
    this.#task?.cancel(message);
  }

  /** An error of code that this job started and that nobody handles: the job fails with it, and is cancelled. */
  blame(error: unknown): void {
    this.reply(wire.REPLY_FAILED, encodeThrown(error, HERE));
    this.#task?.cancel("The job failed with an error that nothing in it handled");
  }

  /** Says something that does not end the job, as it is now: it is copied, or sent at once. */
  notice(kind: number, value: unknown): void {
    if (this.hasEnded) return;
    const { replies } = this.#stage;
    if (typeof value !== "object" || value === null) replies.add(this.slot, kind, value);
    else if (isTransfer(value)) replies.send(this.slot, kind, value.value, value.list);
    else {
      const small = smallCopy(value);
      replies.add(this.slot, kind, small ?? value);
      if (small === null) replies.flush();
    }
  }

  /** Sends what was said so far; a notice that cannot be sent fails the job now. */
  flush(): void {
    this.#stage.replies.flush();
  }

  /** Says how the job ended; the first time counts. Where that cannot be said, the job fails with the reason. */
  reply(kind: number, value: unknown): void {
    if (this.hasEnded) return;
    const { slot } = this;
    this.slot = NOWHERE;
    try {
      if (this.#nested > 0) this.#stage.leaving(-1);
      this.onEnd?.(kind, value);
      this.#tellEnd(slot, kind, value);
    } catch (error) {
      this.#tellEnd(slot, wire.REPLY_FAILED, encodeThrown(error));
    } finally {
      this.#stage.ended(slot);
    }
  }

  #tellEnd(slot: number, kind: number, value: unknown): void {
    const { replies } = this.#stage;
    if (typeof value === "object" && kind === wire.OK && isTransfer(value))
      replies.send(slot, kind, value.value, value.list);
    else replies.add(slot, kind, value);
  }

  fail(error: unknown): void {
    const message = cancelMessageOf(error);
    if (message === null) this.reply(wire.REPLY_FAILED, encodeThrown(error, HERE));
    else this.reply(wire.REPLY_CANCELLED, message);
  }

  #call(callee: Callee, args: readonly unknown[], run: typeof runAs): void {
    this.slots[CURRENT] = this.slot;
    try {
      const result = run(this, callee.fn as Fn, args);
      if (isThenable(result)) callee.isAsync = true;
      if (this.#tell !== null) this.#tell({ value: result });
      else if (isThenable(result)) this.startTask(() => result);
      else this.reply(wire.OK, result);
    } catch (error) {
      if (this.#tell !== null) this.#tell({ error });
      else this.fail(error);
    }
    this.slots[CURRENT] = 0;
  }

  #settleAs(task: Task<unknown>): void {
    try {
      this.reply(wire.OK, task.result());
    } catch (error) {
      this.fail(error);
    }
  }

  /** A context of its own: what the job sets is seen by it and what it starts, and by nobody else. */
  #context(): Context {
    const context = new Context();
    context._owner = this;
    return context;
  }
}

/** The message of a CancelledError, null for anything else. */
function cancelMessageOf(error: unknown): string | null {
  return isInstance(error, CancelledError) ? reasonOf(error) : null;
}

function callThenable(callee: Callee, args: readonly unknown[]): unknown {
  const fn = callee.fn as Fn;
  const result = fn(...args);
  callee.isAsync = isThenable(result);
  return result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
}
