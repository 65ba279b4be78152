// What does it cost to share a lock and a queue between threads?

import { median } from "../compare/statistics.ts";
import type { Bench, Question, Sample } from "./harness/question.ts";
import {
  asyncMutex,
  multithreading,
  postMessage,
  type Sharer,
  threadloop,
  threadloopLock,
} from "./peers/sharing.ts";

const ROUNDS = 7;
const OVERTAKING_TURNS = 20_000;
const ALONE = "lock nobody else wants";
const CONTENDED = "lock between 2 threads";
const MESSAGES = "queue from a thread";

const question: Question = {
  title: "a lock and a queue of 64 places, within one thread and between threads",
  async ask(bench) {
    bench.measure(ALONE, "µs/turn");
    bench.measure(CONTENDED, "µs/turn");
    bench.measure(MESSAGES, "µs/item");
    const sharers = await openAll(bench);
    for (const sharer of sharers) await warmUp(sharer);
    await bench.interleave(
      bench.pick(ROUNDS, 1),
      sharers.map((sharer) => ({ ...sharer, sample: () => sample(bench, sharer) })),
    );
    await askOvertaking(bench, sharers);
    for (const { name, faults, close } of sharers) {
      const count = faults?.() ?? 0;
      if (count > 0) bench.note(`${name}: ${count} items came out of turn, or twice.`);
      await close?.();
    }
    if (bench.samples(MESSAGES, "multithreading").length > 0) addGoals(bench);
  },
};

export default question;

async function openAll(bench: Bench): Promise<Sharer[]> {
  const sharers = [threadloop(), threadloopLock, asyncMutex, postMessage()];
  if ("navigator" in globalThis) sharers.push(await multithreading());
  else bench.skip("multithreading", "it needs Node 21");
  return sharers;
}

/** Threads start, functions are compiled. */
async function warmUp({ alone, contended, messages }: Sharer): Promise<void> {
  await alone?.(1000);
  await contended?.(100);
  await messages?.(1000);
}

async function sample(bench: Bench, sharer: Sharer): Promise<Sample> {
  const values: Record<string, number> = {};
  const time = async (measure: string, run: ((count: number) => Promise<void>) | undefined, full: number) => {
    if (run === undefined) return;
    const count = bench.pick(full, full / 100);
    const start = performance.now();
    await run(count);
    values[measure] = ((performance.now() - start) * 1000) / count;
  };
  await time(ALONE, sharer.alone, 100_000);
  await time(CONTENDED, sharer.contended, 4_000);
  await time(MESSAGES, sharer.messages, 10_000);
  return values;
}

/** A lock that lets newcomers overtake wastes fewer thread switches: what the figures of one that does not cost. */
async function askOvertaking(bench: Bench, sharers: readonly Sharer[]): Promise<void> {
  for (const { name, overtaking } of sharers) {
    if (overtaking === undefined) continue;
    const shares: number[] = [];
    for (let round = 0; round < bench.pick(ROUNDS, 1); round++) {
      shares.push(await overtaking(bench.pick(OVERTAKING_TURNS, 100)));
    }
    bench.note(
      `${name}: ${(median(shares) * 100).toFixed(1)} % of the turns of 2 threads overtook one who waited.`,
    );
  }
}

function addGoals(bench: Bench): void {
  for (const measure of [ALONE, CONTENDED, MESSAGES]) {
    const value = bench.ratio(measure, "threadloop, shared", "multithreading");
    bench.goal({ text: `${measure}, of multithreading's time`, value, atMost: 1 });
  }
}
