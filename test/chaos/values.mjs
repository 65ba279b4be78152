// This sends hostile values on every way into a thread and out of it: each job settles once, the next one works, the
// process lives.
//
//   node test/chaos/values.mjs --jobs 10000 --seed 1
import { AsyncLocalStorage } from "node:async_hooks";
import { parseArgs } from "node:util";
import { Future } from "threadloop";
import { SharedQueue, WorkerPool } from "threadloop/workers";
import * as odd from "../fixtures/workers/hostile.mjs";

const { values: options } = parseArgs({ options: { jobs: { type: "string" }, seed: { type: "string" } } });
const total = Number(options.jobs ?? 1000);
const seed = Number(options.seed ?? Date.now() % 1e6);
/** @type {Record<string, number>} */
const outcomes = {};
/** @type {string[]} */
const faults = [];
process.on("uncaughtException", () => faults.push("an uncaught exception"));
process.on("unhandledRejection", () => faults.push("an unhandled rejection"));
process.removeAllListeners("warning");
process.on("warning", () => {});

/** @type {AsyncLocalStorage<unknown>} */
const store = new AsyncLocalStorage();
const pool = new WorkerPool({ size: 2, context: { store }, cancelGrace: 1000 });

/** @param {AsyncIterable<unknown>} items */
async function drain(items) {
  for await (const _ of items);
}

/** @type {SharedQueue<unknown>} */
const queue = new SharedQueue(0, { maxBytes: 1 << 20 });
const remote = /** @type {import("threadloop/workers").RemoteModule<typeof odd>} */ (
  pool.module(new URL("../fixtures/workers/hostile.mjs", import.meta.url))
);

/** @param {import("threadloop/workers").WorkerPoolOptions} options */
async function inPoolOfItsOwn(options) {
  const own = new WorkerPool({ size: 1, ...options });
  try {
    return await own.submit(odd.take, 1);
  } finally {
    await own.close({ deadline: 5000 });
  }
}

/** @type {Record<string, (n: number) => PromiseLike<unknown>>} */
const ways = {
  argument: (n) => pool.submit(odd.take, odd.hostile(n)),
  result: (n) => pool.submit(odd.give, n),
  "later result": (n) => pool.submit(odd.giveLater, n),
  error: (n) => pool.submit(odd.raise, n),
  "later error": (n) => pool.submit(odd.raiseLater, n),
  "map's item": (n) => drain(pool.map(odd.take, [odd.hostile(n), 1])),
  "map's result": (n) => drain(pool.map(odd.give, [n, n + 1])),
  "stream's item": (n) => drain(pool.stream(odd.yieldOne, n)),
  "callback's argument": (n) => pool.submit(odd.callWith, n, async () => 1),
  "callback's result": (n) => pool.submit(odd.call, async () => odd.hostile(n)),
  "callback's error": (n) =>
    pool.submit(odd.call, async () => {
      throw odd.hostile(n);
    }),
  "constructor's argument": (n) => pool.spawn(odd.Odd, odd.hostile(n), 0).then((actor) => actor.close()),
  "constructor's error": (n) => pool.spawn(odd.Odd, 1, n + 1).then((actor) => actor.close()),
  method: async (n) => {
    const actor = await pool.spawn(odd.Odd, 1, 0);
    await Promise.allSettled([actor.give(n).toPromise(), actor.raise(n).toPromise()]);
    await actor.close();
  },
  store: (n) => store.run(odd.hostile(n), () => pool.submit(odd.take, 1)),
  enqueue: (n) => pool.enqueue(odd.take, odd.hostile(n)).then(({ job }) => job),
  broadcast: (n) => pool.broadcast(odd.take, odd.hostile(n)),
  "captured value": (n) => {
    const value = odd.hostile(n);
    return pool.submit(() => value === undefined);
  },
  "stream's argument": (n) => drain(pool.stream(odd.yieldAfter, odd.hostile(n))),
  "module's argument": (n) => remote.take(odd.hostile(n)),
  "transfer list": (n) =>
    pool.with({ transfer: [/** @type {ArrayBuffer} */ (odd.hostile(n))] }).submit(odd.take, 1),
  "shared queue": async (n) => {
    queue.putNowait(odd.hostile(n));
    return queue.getNowait();
  },
  "initializer's error": (n) => inPoolOfItsOwn({ initializer: () => odd.raise(n) }),
  "teardown's error": (n) => inPoolOfItsOwn({ teardown: () => odd.raise(n) }),
};
const names = Object.keys(ways);

console.log(`values: ${total} jobs, seed ${seed}`);
let settled = 0;
for (let n = seed * 1_000_003; settled < total && faults.length < 20; n++) {
  const name = /** @type {string} */ (names[settled % names.length]);
  const way = /** @type {(n: number) => PromiseLike<unknown>} */ (ways[name]);
  const inTime = await within(async () => {
    const job = way(n);
    let times = 0;
    if (job instanceof Future) job.addDoneCallback(() => times++);
    const outcome = await Promise.resolve(job).then(
      () => "ok",
      () => "failed",
    );
    await null;
    if (job instanceof Future && times !== 1) faults.push(`${name} of value ${n}: settled ${times} times`);
    outcomes[`${name}: ${outcome}`] = (outcomes[`${name}: ${outcome}`] ?? 0) + 1;
    const sums = await Promise.all([1, 2, 3].map((k) => pool.submit(Math.max, k, 0)));
    if (sums.join() !== "1,2,3") faults.push(`${name} of value ${n}: the next jobs gave ${sums.join()}`);
  });
  if (!inTime) faults.push(`${name} of value ${n}: not settled`);
  if (!inTime) break;
  settled++;
}
if (!(await within(() => pool.close({ deadline: 5000 })))) faults.push("the pool did not close");
console.log(JSON.stringify({ settled, outcomes, faults }));
process.exit(faults.length > 0 ? 1 : 0);

/** Whether it ends within a minute; what it throws at once counts as its end. @param {() => PromiseLike<unknown>} work */
async function within(work) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, 60_000, false);
  });
  const done = (async () => work())().then(
    () => true,
    () => true,
  );
  const result = await Promise.race([done, late]);
  clearTimeout(timer);
  return result;
}
