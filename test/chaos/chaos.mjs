// This is the chaos test: it runs jobs of every kind, several percent of them faulty in every way, with random cancels,
// closes and broadcasts. Every one must settle once, with a right value or an error that its kind may have, and nothing
// may be left.
//
//   node test/chaos/chaos.mjs --jobs 20000 --seed 1
import { text } from "node:stream/consumers";
import { inspect, parseArgs } from "node:util";
import { Future } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { kinds, mayAlwaysFail } from "./kinds.mjs";

/** @typedef {{ settlement: { open: number }, dispatcher: { queue: { length: number } }, source: { threads: { count: number } } }} Inside what is left in a pool */

const MOST_OPEN = 300;
const JOBS_PER_POOL = 4000;

const { values: options } = parseArgs({ options: { jobs: { type: "string" }, seed: { type: "string" } } });
const total = Number(options.jobs ?? 20_000);
const seed = Number(options.seed ?? Date.now() % 1e6);
const random = mulberry32(seed);

/** @type {Record<string, number>} */
const outcomes = {};
/** @type {string[]} */
const faults = [];
/** @type {number[]} */
const toldToHavePrinted = [];
let warnings = 0;
process.removeAllListeners("warning");
process.on("warning", () => warnings++);
process.on("uncaughtException", (error) => faults.push(`uncaught: ${error?.stack}`));
process.on("unhandledRejection", (error) => faults.push(`unhandled: ${inspect(error)}`));

console.log(`chaos: ${total} jobs, seed ${seed}`);
for (let done = 0; done < total; done += JOBS_PER_POOL) {
  await livePool(done, Math.min(JOBS_PER_POOL, total - done));
  const passed = Math.min(done + JOBS_PER_POOL, total);
  if (total > 20_000)
    console.error(
      `${passed} of ${total} jobs, ${faults.length} faults, ${Math.round(performance.now() / 1000)} s`,
    );
}
// Ports and threads close a moment after the pool: what is left for good is looked for, so it gets time.
let left = leftOpen();
for (let i = 0; i < 200 && left.length > 0; i++) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  left = leftOpen();
}
if (left.length > 0) faults.push(`left open: ${left.join(", ")}`);
const settled = Object.values(outcomes).reduce((a, b) => a + b, 0);
if (settled !== total) faults.push(`${settled} of ${total} settled`);
console.log(JSON.stringify({ settled, outcomes, warnings, faults: faults.slice(0, 20) }));
process.exitCode = faults.length > 0 ? 1 : 0;

function leftOpen() {
  return process
    .getActiveResourcesInfo()
    .filter((name) => !/^(TTYWrap|PipeWrap|FSReqCallback|Timeout)$/.test(name));
}

/** The life of one pool, and a random end. @param {number} from @param {number} count */
async function livePool(from, count) {
  const pool = new WorkerPool({
    size: 2,
    cancelGrace: 500,
    tasksPerWorker: random() < 0.3 ? 3 : random() < 0.5 ? 100 : Infinity,
    stdout: true,
    resourceLimits: { maxOldGenerationSizeMb: 32 },
    ...(random() < 0.5 ? { recycle: { jobs: 1 + Math.floor(random() * 400) } } : {}),
  });
  const printed = text(pool.stdout);
  const open = new Set();
  for (let n = from; n < from + count; n++) {
    const job = oneJob(pool, n).finally(() => open.delete(job));
    open.add(job);
    if (open.size >= MOST_OPEN) await Promise.race(open);
    if (random() < 0.01) await new Promise((resolve) => setTimeout(resolve, random() * 5));
  }
  const end = random();
  await pool.close(end < 0.3 ? { deadline: random() * 50 } : end < 0.5 ? { cancelFutures: true } : {});
  await Promise.all(open);
  judgePrints(await printed);
  const { settlement, dispatcher, source } = /** @type {{ _scheduler: Inside }} */ (
    /** @type {unknown} */ (pool)
  )._scheduler;
  if (settlement.open !== 0 || dispatcher.queue.length !== 0 || source.threads.count !== 0) {
    faults.push(
      `pool not empty: ${settlement.open} open, ${dispatcher.queue.length} queued, ${source.threads.count} threads`,
    );
  }
}

/** Submits one job, perhaps cancels it, and judges how it ends. @param {WorkerPool} pool @param {number} n */
async function oneJob(pool, n) {
  const kind = pick();
  let times = 0;
  try {
    const job = kind.start(pool, pool, random, n);
    if (job instanceof Future) job.addDoneCallback(() => times++);
    if (job instanceof Future && (kind.cancelled || random() < 0.03))
      cancelLater(job, kind.cancelled === true);
    const value = await job;
    if (!kind.isRight?.(value, n)) faults.push(`job ${n} (${kind.name}) gave ${inspect(value)}`);
    if (kind.prints) toldToHavePrinted.push(n);
    count(`${kind.name}: ok`);
  } catch (error) {
    if (!mayAlwaysFail(error) && !kind.mayFail?.(error))
      faults.push(`job ${n} (${kind.name}) failed: ${/** @type {Error} */ (error)?.stack}`);
    count(`${kind.name}: ${/** @type {Error} */ (error)?.name}`);
  }
  await Promise.resolve();
  if (times > 1) faults.push(`job ${n} (${kind.name}) settled ${times} times`);
}

/** Those that end by a cancel only get it when it is sure to reach them. @param {{ cancel(): boolean, done(): boolean }} job @param {boolean} mustEnd */
function cancelLater(job, mustEnd) {
  setTimeout(() => job.cancel(), mustEnd ? 1 + random() * 20 : random() * 6);
}

/** All that succeeded have printed. @param {string} printed */
function judgePrints(printed) {
  const lines = new Set(printed.split("\n"));
  for (const n of toldToHavePrinted.splice(0))
    if (!lines.has(`chaos ${n}`)) faults.push(`job ${n} succeeded, and what it printed is lost`);
}

function pick() {
  let at = random() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  for (const kind of kinds) {
    at -= kind.weight;
    if (at < 0) return kind;
  }
  return /** @type {typeof kinds[0]} */ (kinds[0]);
}

/** @param {string} outcome */
function count(outcome) {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}

/** A small generator of random numbers that a seed reproduces. @param {number} state */
function mulberry32(state) {
  let a = state >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
