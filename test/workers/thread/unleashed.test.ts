/**
 * These tests say what the loop of a thread makes of hostile values: the job that has one settles, and every other one
 * is as it was.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { goOn, places, threadOf, unleash } from "../../fixtures/workers/unleashed.mjs";
import { makePool } from "../../support/pools.ts";
import { random } from "../../support/random.ts";

const COUNT = Number(process.env.HOSTILE ?? 600);
const SEED = Number(process.env.SEED ?? 1);
const AT_ONCE = 12;
/** Where the job itself fails, whatever the value is. */
const FAILING = /^thrown (by the job|at once|by a task|in a (gather|shield|timeout|waitFor|any))$/;

// What threads print of the errors that are told.
beforeEach(() => void vi.spyOn(process.stderr, "write").mockReturnValue(true));
afterEach(() => void vi.restoreAllMocks());

describe(`${COUNT} hostile values in the loops of threads, at places by chance`, () => {
  it(`end the jobs that have them and nothing else (seed ${SEED})`, async () => {
    const below = random(SEED);
    const pool = makePool({ size: 2 });
    let settled = 0;
    for (let left = COUNT; left > 0; left -= AT_ONCE) {
      const beside = Array.from({ length: 4 }, () => pool.submit(goOn, 5));
      const jobs = Array.from({ length: AT_ONCE }, () => {
        const place = places[below(places.length)] as string;
        const n = below(10_000);
        const job = pool.submit(unleash, place, n);
        job.addDoneCallback(() => settled++);
        return { what: `${place} ${n}`, job };
      });
      await Promise.allSettled(jobs.map(({ job }) => job));
      expect([jobs.filter(({ job }) => !job.done()).map(({ what }) => what)]).toEqual([[]]);
      expect(await Promise.all(beside)).toEqual([5, 5, 5, 5]);
    }
    expect(await pool.submit(goOn, 3)).toBe(3);
    expect(settled).toBe(Math.ceil(COUNT / AT_ONCE) * AT_ONCE);
  }, 120_000);
});

describe("a hostile value in the loop of a thread", () => {
  it.each(places)("%s, of every kind, leaves the thread as it was", async (place) => {
    const pool = makePool({ size: 1 });
    const thread = await pool.submit(threadOf);
    const jobs = Array.from({ length: 26 }, (_, n) => pool.submit(unleash, place, n));
    const beside = pool.submit(goOn, 10);
    const ends = await Promise.allSettled(jobs);
    if (FAILING.test(place)) expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    expect(jobs.every((job) => job.done())).toBe(true);
    expect([await beside, await pool.submit(goOn, 1)]).toEqual([10, 1]);
    expect(await pool.submit(threadOf)).toBe(thread);
  });
});
