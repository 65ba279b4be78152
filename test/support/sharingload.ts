/**
 * This has four threads at a lock, a semaphore and a queue at once, with random cancels, while one after the other of
 * the three beside this one is ended at a random moment and replaced. It says what was lost or doubled.
 */
import { Worker } from "node:worker_threads";
import { createTask, run, sleep } from "threadloop";
import { packed, SharedLock, SharedQueue, SharedSemaphore } from "threadloop/workers";
import * as thread from "../fixtures/workers/sharingload.mjs";

const PERMITS = 2;
/** Items that are put for each that is asked for, as the lock is slower than the queue. */
const ROOM_FOR = 4;
/** Tasks of one thread that can have an item in their hands when it is ended. */
const CONSUMERS = 2;
const TELL_EVERY = 10_000;

export interface LoadReport {
  handovers: number;
  items: number;
  deaths: number;
  ownerDeaths: number;
  /** Two in the lock at once, items that were damaged. */
  violations: number;
  doubled: number;
  /** Items that were put and never came, beyond those that the dead had in their hands. */
  lost: number;
  /** Items that came although their put was cancelled. */
  ghosts: number;
  permits: number;
}

/**
 * Runs until there have been so many hand-overs and so many items, and so many threads have died.
 *
 * @param tell is told now and then how far it is.
 */
export async function runLoad(
  count: number,
  deaths: number,
  tell: (progress: string) => void = () => {},
): Promise<LoadReport> {
  const shared = {
    lock: new SharedLock(),
    semaphore: new SharedSemaphore(PERMITS),
    queue: new SharedQueue<unknown>(8),
    state: new Int32Array(new SharedArrayBuffer(64)),
    items: new Int32Array(new SharedArrayBuffer(ROOM_FOR * Math.max(count, 1 << 14) * 4)),
  };
  const { state } = shared;
  let dead = 0;
  const progress = setInterval(
    () => tell(`${state[thread.HANDOVERS]} hand-overs, ${state[thread.ITEMS]} items, ${dead} deaths`),
    TELL_EVERY,
  );
  let workers: Worker[] = [];
  await run(async () => {
    workers = await Promise.all([1, 2, 3].map(() => startThread(shared)));
    const here = createTask(() => thread.load(shared, Math.random));
    const isEnough = () =>
      state[thread.HANDOVERS]! >= count && state[thread.ITEMS]! >= count && dead >= deaths;
    while (!isEnough() && !here.done()) {
      await sleep(Math.random() * 20);
      if (dead >= deaths) continue;
      const which = dead++ % workers.length;
      await workers[which]!.terminate();
      workers[which] = await startThread(shared);
    }
    Atomics.store(state, thread.STOP, 1);
    await stopAll(shared, workers, here);
  }).finally(() => clearInterval(progress));
  return report(shared, dead);
}

type Shared = Parameters<typeof thread.load>[0];

async function startThread(shared: Shared): Promise<Worker> {
  const url = new URL("../fixtures/workers/sharingload.mjs", import.meta.url);
  const worker = new Worker(url, { workerData: packed({ load: true, shared }) });
  await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return worker;
}

/** Lets those end that wait for a place or an item. */
async function stopAll(shared: Shared, workers: Worker[], here: PromiseLike<unknown>): Promise<void> {
  let running = workers.length + 1;
  const ended = () => {
    running--;
  };
  for (const worker of workers) worker.once("exit", ended);
  void here.then(ended, ended);
  while (running > 0) {
    if (shared.queue.empty()) await shared.queue.put({ id: 0, text: "" });
    else count(shared, shared.queue.getNowait());
    await sleep(1);
  }
  while (!shared.queue.empty()) count(shared, shared.queue.getNowait());
  await here;
}

function count({ items }: Shared, item: unknown): void {
  Atomics.add(items, typeof item === "number" ? item : (item as { id: number }).id, 1);
}

function report({ state, items, semaphore }: Shared, deaths: number): LoadReport {
  let doubled = 0;
  let missing = 0;
  let ghosts = 0;
  for (let id = 1; id < Math.min(items.length, state[thread.NEXT_ID]!); id++) {
    const seen = items[id]! & 0xff;
    if (seen > 1) doubled++;
    if (seen === 0 && (items[id]! & thread.SENT) !== 0) missing++;
    if (seen > 0 && (items[id]! & thread.CANCELLED) !== 0) ghosts++;
  }
  return {
    handovers: state[thread.HANDOVERS]!,
    items: state[thread.ITEMS]!,
    deaths,
    ownerDeaths: state[thread.OWNER_DEATHS]!,
    violations: state[thread.VIOLATIONS]!,
    doubled,
    lost: Math.max(0, missing - deaths * CONSUMERS),
    ghosts,
    permits: semaphore.value,
  };
}
