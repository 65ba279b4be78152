/**
 * These are tasks that end together, as `asyncio.TaskGroup`: the block does not end before its children, and the
 * first failure cancels the rest. It takes a callback, since a JavaScript disposer neither sees nor replaces its
 * block's error.
 */
import { CancelledError, CancelReason, isInstance, RuntimeError } from "../errors/errors.ts";
import { ExceptionGroup } from "../errors/exceptiongroup.ts";
import { runningEventLoop } from "../loop/currentloop.ts";
import type { CreateTaskOptions } from "../loop/loop.ts";
import { inspect } from "../platform/node/inspect.ts";
import { cancelAll } from "../task/cancelchain.ts";
import type { Startable } from "../task/coroutine.ts";
import type { Future } from "../task/future.ts";
import { Waiting } from "../task/future.ts";
import { type CancelScope, type Level, newScope } from "../task/scope.ts";
import { checkBody, discard } from "../task/startable.ts";
import type { Task } from "../task/task.ts";

/**
 * A group of tasks; made by `taskGroup`.
 *
 * @example
 * ```ts
 * import { run, sleep, taskGroup } from "threadloop";
 *
 * await run(async () => {
 *   const task = await taskGroup(async (group) => {
 *     group.createTask(() => sleep(5));
 *     return group.createTask(() => sleep(10, "both are done"));
 *   });
 *   console.log(await task);
 * });
 * ```
 */
export class TaskGroup {
  /** Its block, with the wait for the children. */
  #scope: CancelScope | null = null;
  #entered = false;
  #exiting = false;
  #aborting = false;
  #cancelOnEntry = false;
  /** The block was cancelled by this group, which has to take that back. */
  #blockCancelRequested = false;
  readonly #children = new Set<Task>();
  readonly #errors: unknown[] = [];
  #allDone: Future<void> | null = null;

  /**
   * Starts a child, as `createTask` does. Throws RuntimeError before the block is entered, after its end, and once
   * the group has begun to cancel its children.
   */
  createTask<T>(startable: Startable<T>, options?: CreateTaskOptions): Task<T> {
    this.#checkOpen(startable);
    return this.#add(runningEventLoop().createTask(startable, options));
  }

  /**
   * Starts a child eagerly and waits until it suspends for the first time or ends. Gives the task in a box, since
   * awaiting a bare task would wait for its end.
   *
   * @example
   * ```ts
   * import { run, sleep, taskGroup } from "threadloop";
   *
   * await run(() =>
   *   taskGroup(async (group) => {
   *     const { task } = await group.start(() => sleep(5, "listening"));
   *     console.log(task.done(), await task); // false listening
   *   }),
   * );
   * ```
   */
  async start<T>(startable: Startable<T>, options: CreateTaskOptions = {}): Promise<{ task: Task<T> }> {
    this.#checkOpen(startable);
    const task = runningEventLoop().createTask(startable, { ...options, eagerStart: true });
    await task.started;
    return { task: this.#add(task) };
  }

  /**
   * Cancels the children and the block; the group then ends without a CancelledError. Errors of children still count.
   *
   * As in CPython 3.15, but for two things: a cancel from outside that comes while the group waits for its cancelled
   * children is thrown when they have ended, where CPython's is lost; and a child that was started eagerly and aborts
   * its own group in its first step is cancelled with the others.
   */
  cancel(): void {
    if (!this.#entered) this.#cancelOnEntry = true;
    else if (!this.#aborting && !(this.#exiting && this.#children.size === 0)) {
      this.#abort(undefined);
      this.#cancelBlock(undefined);
    }
  }

  /** Runs the block and waits for the children. Rejects with RuntimeError outside a task and the second time. */
  run<T>(body: (group: this) => PromiseLike<T> | T): Promise<T> {
    try {
      checkBody(body, "taskGroup");
      return this.#enter().run(() => this.#run(body));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #run<T>(body: (group: this) => PromiseLike<T> | T): Promise<T> {
    let outcome: { value: T } | { error: unknown };
    try {
      outcome = { value: await body(this) };
    } catch (error) {
      outcome = { error };
    }
    try {
      await this.#exit(outcome);
    } finally {
      (this.#scope as CancelScope).leave();
    }
    if ("error" in outcome) {
      // the group's own cancel ended the block, and nothing else went wrong
      return undefined as T;
    }
    return outcome.value;
  }

  #enter(): CancelScope {
    if (this.#entered) throw new RuntimeError("This TaskGroup has already been entered: make another one");
    const scope = newScope();
    if (scope === null)
      throw new RuntimeError("taskGroup() must be used inside a task, which its children can cancel");
    this.#entered = true;
    this.#scope = scope;
    if (this.#cancelOnEntry) this.cancel();
    return scope;
  }

  async #exit(outcome: { value: unknown } | { error: unknown }): Promise<void> {
    const scope = this.#scope as CancelScope;
    this.#exiting = true;
    const failed = "error" in outcome;
    const bodyCancel = failed ? scope.cancellationOf(outcome.error) : null;
    if (failed && !this.#aborting) this.#abort(outcome.error);
    const waitCancel = await this.#waitForChildren();
    const cancel = this.#takeBackOwnCancel(waitCancel.first ?? bodyCancel, waitCancel.last);
    if (cancel !== null && this.#errors.length === 0) throw cancel;
    if (failed && bodyCancel === null) this.#errors.push(outcome.error);
    if (this.#errors.length === 0) return;
    // A cancel from outside came as well: the errors go first, and it is delivered, as the cause, at the next await.
    if (scope.cancelling() > 0) scope.passOutwards(new CancelReason(undefined, cancel ?? undefined));
    throw new ExceptionGroup("unhandled errors in a TaskGroup", this.#errors);
  }

  /** Waits until no child is left, whatever cancels come; gives the one that aborted the group, and the last one. */
  async #waitForChildren(): Promise<{ first: CancelledError | null; last: CancelledError | null }> {
    let first: CancelledError | null = null;
    let last: CancelledError | null = null;
    while (this.#children.size > 0) {
      this.#allDone ??= new Waiting("the tasks of its group", runningEventLoop());
      try {
        await this.#allDone;
      } catch (error) {
        if (!isInstance(error, CancelledError)) throw error;
        last = error;
        if (!this.#aborting) {
          first = error;
          this.#abort(error);
        }
      }
      this.#allDone = null;
    }
    return { first, last };
  }

  /** If the group cancelled its block, takes it back; returns the cancel that is to be thrown, from outside, or null. */
  #takeBackOwnCancel(cancel: CancelledError | null, last: CancelledError | null): CancelledError | null {
    if (!this.#blockCancelRequested) return cancel;
    if ((this.#scope as CancelScope).uncancel() === 0) return null;
    return cancel ?? last;
  }

  #checkOpen(startable: unknown): void {
    const refusal = this._refusal();
    if (refusal === null) return;
    discard(startable);
    throw new RuntimeError(refusal);
  }

  /** @internal Why it takes no task now, or null. */
  _refusal(): string | null {
    if (!this.#entered) return `${inspect(this)} has not been entered: create tasks inside taskGroup(...)`;
    if (this.#exiting && this.#children.size === 0) return `${inspect(this)} is finished`;
    return this.#aborting ? `${inspect(this)} is shutting down: it takes no new tasks` : null;
  }

  #add<T>(task: Task<T>): Task<T> {
    const child = task as Task;
    this.#children.add(child);
    child._listen(() => this.#childDone(child), (this.#scope as CancelScope)._task as Level as Task);
    if (this.#aborting && !child.done()) child.cancel();
    return task;
  }

  #abort(cause: unknown): void {
    this.#aborting = true;
    cancelAll(
      [...this.#children].filter((child) => !child.done()),
      undefined,
      cause,
    );
  }

  #cancelBlock(cause: unknown): void {
    if (this.#blockCancelRequested) return;
    this.#blockCancelRequested = true;
    (this.#scope as CancelScope).cancel(cause);
  }

  #childDone(child: Task): void {
    this.#children.delete(child);
    if (this.#children.size === 0 && this.#allDone !== null && !this.#allDone.done())
      this.#allDone.setResult();
    if (!child._failed) return;
    const error = child._takeError();
    this.#errors.push(error);
    if (this.#aborting || this.#blockCancelRequested) return;
    this.#abort(error);
    this.#cancelBlock(error);
  }

  [inspect.custom](): string {
    const state = this.#aborting
      ? "cancelling"
      : this.#exiting
        ? "exiting"
        : this.#entered
          ? "entered"
          : "created";
    return `<TaskGroup ${state}, ${this.#children.size} tasks, ${this.#errors.length} errors>`;
  }
}

/**
 * Runs a block that can start tasks, and waits for all of them.
 *
 * The first child that fails cancels the others and the block; when all have ended, their errors are thrown in one
 * ExceptionGroup, in the order in which they ended. An error of the block itself cancels the children and is in the
 * group too. A cancel from outside cancels the children, and CancelledError is thrown when they have ended. A child
 * that is cancelled alone is no error. Gives what the block returns (undefined after `group.cancel()`).
 *
 * @example
 * ```ts
 * import { run, sleep, taskGroup } from "threadloop";
 *
 * await run(async () => {
 *   const sum = await taskGroup(async (group) => {
 *     const one = group.createTask(() => sleep(5, 1));
 *     const two = group.createTask(() => sleep(5, 2));
 *     return (await one) + (await two);
 *   });
 *   console.log(sum); // 3
 * });
 * ```
 */
export function taskGroup<T>(body: (group: TaskGroup) => PromiseLike<T> | T): Promise<T> {
  return new TaskGroup().run(body);
}
