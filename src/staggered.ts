/** A race whose runners start one after the other, as `asyncio.staggered.staggered_race`. */
import { isCancelled } from "./errors.ts";
import { Event } from "./event.ts";
import { TaskGroup } from "./taskgroup.ts";
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
 * gives all errors; cancelled itself, it cancels and awaits them all and throws CancelledError.
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
  const race: StaggeredRace<T> = { result: undefined, index: null, errors: [] };
  await new TaskGroup().run(async (group) => {
    let before: Event | null = null;
    for (const start of starters) {
      const failed: Event | null = before;
      if (failed !== null) await moveOnAfter(delay, () => failed.wait());
      before = new Event();
      enter(race, group, start, before);
    }
  });
  return race;
}

function enter<T>(
  race: StaggeredRace<T>,
  group: TaskGroup,
  start: () => PromiseLike<T> | T,
  failed: Event,
): void {
  const index = race.errors.push(null) - 1;
  group.createTask(async () => {
    try {
      const result = await start();
      if (race.index === null) Object.assign(race, { result, index });
      group.cancel();
    } catch (error) {
      race.errors[index] = error;
      if (isCancelled(error)) throw error;
      failed.set();
    }
  });
}
