// This runs calls of every kind at once, and among them some that are refused, cancelled, timed out and moved: each
// must give what the same call gives here, and nothing of another's: not its function, its arguments, its callbacks,
// its stores.
//
//   node test/chaos/calls.mjs --jobs 100000 --seed 1
import { AsyncLocalStorage } from "node:async_hooks";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { CancelledError, TimeoutError } from "threadloop";
import { CloneError, WorkerPool } from "threadloop/workers";
import * as calls from "../fixtures/workers/calls.mjs";
import { randomFrom } from "../support/random.mjs";

/** @typedef {import("threadloop/workers").PoolView} View */
/**
 * @typedef Call
 * @property {PromiseLike<unknown>} got
 * @property {unknown} [expected] the value it gives
 * @property {abstract new (...args: never[]) => Error} [fails] or what it fails with
 */

const MOST_OPEN = 200;
const JOBS_PER_POOL = 2500;
const { values: options } = parseArgs({ options: { jobs: { type: "string" }, seed: { type: "string" } } });
const total = Number(options.jobs ?? 5000);
const seed = Number(options.seed ?? Date.now() % 1e6);
const random = randomFrom(seed);
/** @type {AsyncLocalStorage<unknown>} */
const user = new AsyncLocalStorage();

/** @type {Record<string, number>} */
const outcomes = {};
/** @type {string[]} */
const faults = [];
let moved = 0;
process.on("uncaughtException", (error) => faults.push(`uncaught: ${error?.stack}`));
process.on("unhandledRejection", (error) => faults.push(`unhandled: ${/** @type {Error} */ (error)?.stack}`));

/** What a call of these arguments tells, made by the current user. @param {unknown[]} args */
const told = (...args) => ({ args, user: user.getStore() });
/** @param {number} below */
const upTo = (below) => Math.floor(random() * below);

/** What cannot be cloned, at some depth. */
function uncloneable() {
  const bad = [() => 1, Symbol("bad"), new Proxy({}, {}), new WeakMap(), Object.assign(() => 1, { a: 1 })][
    upTo(5)
  ];
  return [bad, { inner: bad }, [1, [bad]], new Map([["key", bad]])][1 + upTo(3)];
}

/** The arguments of a call, one of which may be refused. @param {number} n */
function argumentsOf(n) {
  const args = /** @type {unknown[]} */ ([[n], [n, `text ${n}`], [{ n, list: [n, n] }, n]][upTo(3)]);
  const isRefused = random() < 0.15;
  return isRefused ? { args: [...args, uncloneable()], isRefused } : { args, isRefused };
}

/** @param {boolean} isRefused @param {PromiseLike<unknown>} got @param {unknown} expected @returns {Call} */
const either = (isRefused, got, expected) => (isRefused ? { got, fails: CloneError } : { got, expected });

/** @param {AsyncIterable<unknown>} items */
async function listOf(items) {
  const list = [];
  for await (const item of items) list.push(item);
  return list;
}

/** @type {{ name: string, weight: number, make: (pool: WorkerPool, view: View, n: number) => Call }[]} */
const kinds = [
  {
    name: "call",
    weight: 30,
    make(_pool, view, n) {
      const { args, isRefused } = argumentsOf(n);
      return either(isRefused, view.submit(calls.tell, ...args), told(...args));
    },
  },
  {
    name: "built-in",
    weight: 20,
    make: (_pool, view, n) => ({ got: view.submit(Math.max, n, 3, n - 1), expected: Math.max(n, 3, n - 1) }),
  },
  {
    name: "coroutine",
    weight: 20,
    make(_pool, view, n) {
      const { args, isRefused } = argumentsOf(n);
      return either(isRefused, view.submit(calls.tellLater, ...args), told(...args));
    },
  },
  {
    name: "spin",
    weight: 5,
    make(_pool, view, n) {
      const ms = random() < 0.1 ? 12 : random();
      return { got: view.submit(calls.tellAfterSpin, ms, n), expected: told(n) };
    },
  },
  {
    name: "failing call",
    weight: 5,
    make: (_pool, view, n) => ({
      got: view.submit(calls.throwNumber, n).catch((error) => {
        if (error instanceof CancelledError) throw error;
        return error.message;
      }),
      expected: `number ${n}`,
    }),
  },
  {
    name: "closure",
    weight: 10,
    make(_pool, view, n) {
      const { args, isRefused } = argumentsOf(n);
      const secret = `secret ${n}`;
      return either(
        isRefused,
        view.submit((...all) => ({ all, secret }), ...args),
        { all: args, secret },
      );
    },
  },
  {
    name: "enqueued closure",
    weight: 5,
    make(_pool, view, n) {
      const { args, isRefused } = argumentsOf(n);
      const secret = [n];
      return either(
        isRefused,
        view.enqueue((...all) => ({ all, secret }), ...args).then(({ job }) => job),
        { all: args, secret },
      );
    },
  },
  {
    name: "map",
    weight: 6,
    make(_pool, view, n) {
      const { args, isRefused } = argumentsOf(n);
      const secret = n;
      const got = listOf(view.map((item) => [secret, item], args, { chunkSize: 1 + upTo(3) }));
      return either(
        isRefused,
        got,
        args.map((item) => [secret, item]),
      );
    },
  },
  {
    name: "stream",
    weight: 6,
    make(_pool, view, n) {
      const { args, isRefused } = argumentsOf(n);
      const count = upTo(20);
      const expected = Array.from({ length: count }, (_, i) => told(i, ...args));
      return either(isRefused, listOf(view.stream(calls.tellEach, count, ...args)), expected);
    },
  },
  {
    name: "callback",
    weight: 6,
    make(_pool, view, n) {
      const { args, isRefused } = argumentsOf(n);
      const secret = n * 3;
      const got = view.submit(calls.tellAnswer, n, (/** @type {number} */ k) => [k, secret], ...args);
      return either(isRefused, got, { ...told(n, ...args), answer: [n, secret] });
    },
  },
  {
    name: "actor",
    weight: 6,
    make(pool, _view, n) {
      const { args, isRefused } = argumentsOf(n);
      const work = async () => {
        const account = await pool.spawn(calls.Account, n);
        try {
          const refused = await settle(account.add(1, uncloneable()));
          const [first, second] = [account.add(2, n), account.add(3, ...args)];
          return [refused, ...(await Promise.all([first, second]))];
        } finally {
          await account.close();
        }
      };
      const at = { ...told(n), number: n, balance: 2 };
      return either(isRefused, work(), ["CloneError", at, { ...told(...args), number: n, balance: 5 }]);
    },
  },
  {
    name: "actor that cannot be made",
    weight: 2,
    make: (pool) => ({
      got: pool.spawn(calls.Account, /** @type {never} */ (uncloneable())),
      fails: CloneError,
    }),
  },
  {
    name: "broadcast",
    weight: 1,
    make: (pool, _view, n) => ({
      got: pool
        .broadcast(calls.tell, n)
        .then((all) => all.every((each) => isDeepStrictEqual(each.args, [n]))),
      expected: true,
    }),
  },
  {
    name: "refused context store",
    weight: 4,
    make: (_pool, view, n) => ({
      got: user.run({ bad: uncloneable() }, () => view.submit(calls.tell, n)),
      fails: CloneError,
    }),
  },
  {
    name: "transfer",
    weight: 4,
    make(pool, _view, n) {
      const bytes = new Uint8Array(8).fill(n % 256);
      const bad = random() < 0.3;
      const args = bad ? [bytes, uncloneable()] : [bytes];
      const got = pool.with({ transfer: [bytes.buffer] }).submit(calls.tell, ...args);
      return either(bad, got, told(new Uint8Array(8).fill(n % 256)));
    },
  },
  {
    name: "module",
    weight: 4,
    make(pool, _view, n) {
      const url = new URL("../fixtures/workers/calls.mjs", import.meta.url);
      const { args, isRefused } = argumentsOf(n);
      const module = /** @type {import("threadloop/workers").RemoteModule<typeof calls>} */ (
        pool.module(url)
      );
      return either(isRefused, module.tell(...args), told(...args));
    },
  },
  {
    name: "timeout",
    weight: 3,
    make: (pool) => ({ got: pool.with({ timeout: 2 }).submit(calls.sleepLong), fails: TimeoutError }),
  },
  {
    name: "idempotent and timed",
    weight: 4,
    make(pool, _view, n) {
      const view = pool.with({ idempotent: true, timeout: 60_000, name: `job ${n}` });
      const job = view.submit(calls.tell, n);
      if (job.name !== `job ${n}`) faults.push(`job ${n} is called ${job.name}`);
      return { got: job, expected: told(n) };
    },
  },
];
const weights = kinds.reduce((sum, { weight }) => sum + weight, 0);

/** @param {PromiseLike<unknown>} job */
async function settle(job) {
  try {
    return await job;
  } catch (error) {
    return /** @type {Error} */ (error).name;
  }
}

console.log(`calls: ${total} jobs, seed ${seed}`);
for (let from = 0; from < total; from += JOBS_PER_POOL)
  await livePool(from, Math.min(from + JOBS_PER_POOL, total));
console.log(JSON.stringify({ outcomes, moved, faults: faults.slice(0, 20) }));
process.exitCode = faults.length > 0 ? 1 : 0;

/** @param {number} from @param {number} to */
async function livePool(from, to) {
  const pool = new WorkerPool({
    size: 1 + upTo(3),
    tasksPerWorker: random() < 0.3 ? 3 : 100,
    context: { user },
    cancelGrace: 30_000, // a busy machine holds a thread up for longer than the usual one
  });
  const open = new Set();
  for (let n = from; n < to; n++) {
    const one = judge(pool, n).finally(() => open.delete(one));
    open.add(one);
    if (open.size >= MOST_OPEN) await Promise.race(open);
  }
  await Promise.all(open);
  moved += pool.stats().moved;
  await pool.close();
}

/** Makes a call, of a user or of none, perhaps cancels it, and compares. @param {WorkerPool} pool @param {number} n */
async function judge(pool, n) {
  const kind = pick();
  const view = random() < 0.2 ? pool.with({ priority: upTo(3) }) : pool;
  const make = () => kind.make(pool, view, n);
  const call = random() < 0.5 ? user.run({ name: `user ${n}` }, make) : make();
  const isCancelled = random() < 0.05 && cancelLater(call.got);
  let outcome = "right";
  try {
    const value = await call.got;
    if (call.fails !== undefined) faults.push(`call ${n} (${kind.name}) gave ${JSON.stringify(value)}`);
    else if (!isDeepStrictEqual(value, call.expected))
      faults.push(
        `call ${n} (${kind.name}) gave ${JSON.stringify(value)}, not ${JSON.stringify(call.expected)}`,
      );
  } catch (error) {
    outcome = /** @type {Error} */ (error)?.name;
    const isExpected = call.fails !== undefined && error instanceof call.fails;
    if (!isExpected && !(isCancelled && error instanceof CancelledError))
      faults.push(`call ${n} (${kind.name}) failed: ${/** @type {Error} */ (error)?.stack}`);
  }
  outcomes[`${kind.name}: ${outcome}`] = (outcomes[`${kind.name}: ${outcome}`] ?? 0) + 1;
}

/** @param {unknown} job */
function cancelLater(job) {
  const { cancel } = /** @type {{ cancel?: () => unknown }} */ (job);
  if (typeof cancel !== "function") return false;
  setTimeout(() => cancel.call(job), random() * 3);
  return true;
}

function pick() {
  let at = random() * weights;
  for (const kind of kinds) {
    at -= kind.weight;
    if (at < 0) return kind;
  }
  return /** @type {typeof kinds[0]} */ (kinds[0]);
}
