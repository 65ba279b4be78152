// What does it cost to share a lock and a queue between threads?
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
    for (const sharer of sharers) await sharer.close?.();
    bench.note("threadloop hands a lock on first-in first-out; multithreading lets newcomers overtake.");
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

function addGoals(bench: Bench): void {
  for (const measure of [ALONE, CONTENDED, MESSAGES]) {
    const value = bench.ratio(measure, "threadloop, shared", "multithreading");
    bench.goal({ text: `${measure}, of multithreading's time`, value, atMost: 1 });
  }
}
