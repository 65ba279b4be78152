// This says how two ways of doing the same are timed: both are warm, each has its turn in every round, and they take
// turns in being first. Times are milliseconds.

import { median } from "./statistics.ts";

/** How long something took, and for how much of that the loop was busy. */
export interface Span {
  readonly whole: number;
  readonly busy: number;
}

/** The same work, on the loop and in threads, in one round. */
export interface Pair {
  readonly loop: Span;
  readonly threads: Span;
}

/** Runs work and gives its span. */
export type Work = () => Promise<Span>;

/** How long a warm-up may take, and how near the medians of two stretches have to be. */
const WARM = 800;
const STRETCH = WARM / 16;
const STABLE = 0.1;
/** A question is asked for at most so long, once it was asked so often. */
const LONGEST = 1000;
const LEAST_ROUNDS = 3;

/** Repeats until the medians of two stretches agree: the compiler has settled. */
export async function warmUp(work: Work): Promise<void> {
  const start = performance.now();
  let before = Number.POSITIVE_INFINITY;
  while (performance.now() - start < WARM) {
    const now = await stretch(work);
    if (Math.abs(now - before) < STABLE * before) return;
    before = now;
  }
}

async function stretch(work: Work): Promise<number> {
  const lasted: number[] = [];
  const until = performance.now() + STRETCH;
  while (performance.now() < until || lasted.length < LEAST_ROUNDS) lasted.push((await work()).whole);
  return median(lasted);
}

/**
 * Times both in each round, in turn first, so that what slows the machine meets both. Long work has fewer rounds, but no
 * fewer than three.
 */
export async function pairedRounds(loop: Work, threads: Work, rounds: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const start = performance.now();
  while (pairs.length < rounds) {
    if (pairs.length >= LEAST_ROUNDS && performance.now() - start > LONGEST) break;
    if (pairs.length % 2 === 0) pairs.push({ loop: await loop(), threads: await threads() });
    else {
      const there = await threads();
      pairs.push({ loop: await loop(), threads: there });
    }
  }
  return pairs;
}

/** How many times as fast threads were in each round. */
export function speedUps(pairs: readonly Pair[]): number[] {
  return pairs.map(({ loop, threads }) => loop.whole / threads.whole);
}

/** Runs it from a turn of the loop of its own, and divides its span by so many. */
export async function spanOf(work: () => unknown, parts = 1): Promise<Span> {
  await new Promise(setImmediate);
  const before = performance.eventLoopUtilization();
  const start = performance.now();
  await work();
  const whole = performance.now() - start;
  const { active } = performance.eventLoopUtilization(before);
  return { whole: whole / parts, busy: Math.min(whole, active) / parts };
}
