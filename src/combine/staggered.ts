/** `staggeredRace` is a race whose runners start one after the other, as `asyncio.staggered.staggered_race`. */

import { CancelledError, isInstance } from "../errors/errors.ts";
import { currentTask, runningEventLoop } from "../loop/currentloop.ts";
import { Event } from "../sync/event.ts";
import type { Future } from "../task/future.ts";
import { FAILED, Waiting } from "../task/future.ts";
import { isCancelled } from "../task/scope.ts";
import type { Task } from "../task/task.ts";
import { checkIterable } from "./ensure.ts";
import { moveOnAfter } from "./timeout.ts";

/** How a staggered race ended. */
export interface StaggeredRace<T> {
  /** What the winner gave; undefined when nobody won. */
  result: T | undefined;
  /** The winner's place among the arguments; null when nobody won. */
  index: number | null;
  /** For each that was started its error, a CancelledError for a loser, null for the winner. */
  errors: unknown[];
}

/**
 * Starts functions one after the other, each when the one before has failed or `delay` milliseconds have passed, and
 * takes the first that succeeds; the others are cancelled and awaited. For servers of which the first is the best but
 * may be slow: Happy Eyeballs.
 *
 * With a delay of null the next one starts only when the one before has failed. It never throws what they throw, but
 * gives all errors. Each cancel of it goes to all that still run, and when they have ended it throws CancelledError.
 *
 * @example
 * ```ts
 * import { run, sleep, staggeredRace } from "threadloop";
 *
 * await run(async () => {
 *   const mirrors = [() => sleep(5000, "far"), () => sleep(10, "near")];
 *   const { result, index } = await staggeredRace(mirrors, 20);
 *   console.log(result, index); // near 1
 * });
 * ```
 */
export async function staggeredRace<T>(
  starters: Iterable<() => PromiseLike<T> | T>,
  delay: number | null,
): Promise<StaggeredRace<T>> {
  checkIterable(starters, "starters");
  const race = new Race<T>();
  race.add(() => startAll(race, starters, delay));
  const cancel = await race.ended();
  if (cancel !== null) throw cancel;
  if (race.failure !== null) throw race.failure.error;
  const { result, index, errors } = race;
  return { result, index, errors };
}

/** The tasks of a race: its runners, and the one that starts them. */
class Race<T> implements StaggeredRace<T> {
  result: T | undefined = undefined;
  index: number | null = null;
  readonly errors: unknown[] = [];
  /** That the next one could not be started. */
  failure: { error: unknown } | null = null;
  readonly #tasks = new Set<Task>();
  readonly #awaitedBy = currentTask() as Future | null;
  #turn: Waiting | null = null;

  add(body: () => Promise<void>): void {
    const task = runningEventLoop().createTask(body) as Task;
    this.#tasks.add(task);
    task._listen(() => this.#taskDone(task), this.#awaitedBy);
  }

  /** Cancels all, but for the winner. */
  cancel(cause: unknown, winner: Task | null = null): void {
    for (const task of this.#tasks) if (task !== winner) task.cancel(undefined, cause);
  }

  /** Waits until no task is left. Each cancel that comes meanwhile goes to all of them; gives the last one. */
  async ended(): Promise<CancelledError | null> {
    let last: CancelledError | null = null;
    while (this.#tasks.size > 0) {
      this.#turn = new Waiting("the end of its race", runningEventLoop());
      try {
        await this.#turn;
      } catch (error) {
        if (!isInstance(error, CancelledError)) throw error;
        last = error;
        this.cancel(error);
      }
    }
    return last;
  }

  #taskDone(task: Task): void {
    this.#tasks.delete(task);
    if (task._state === FAILED) this.#fail(task.exception());
    if (this.#tasks.size === 0 && this.#turn !== null && !this.#turn.done()) this.#turn.setResult();
  }

  #fail(error: unknown): void {
    this.failure ??= { error };
    this.cancel(error);
  }
}

async function startAll<T>(
  race: Race<T>,
  starters: Iterable<() => PromiseLike<T> | T>,
  delay: number | null,
): Promise<void> {
  let before: Event | null = null;
  for (const start of starters) {
    const failed: Event | null = before;
    if (failed !== null) await moveOnAfter(delay, () => failed.wait());
    const own = new Event();
    before = own;
    race.add(() => runOne(race, start, own));
  }
}

async function runOne<T>(race: Race<T>, start: () => PromiseLike<T> | T, failed: Event): Promise<void> {
  const index = race.errors.push(null) - 1;
  try {
    const result = await start();
    if (race.index !== null) return;
    Object.assign(race, { result, index });
    race.cancel(undefined, currentTask());
  } catch (error) {
    race.errors[index] = error;
    if (isCancelled(error)) throw error;
    failed.set();
  }
}
