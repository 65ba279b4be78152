// These are the kinds of jobs of the chaos test: how each is submitted, and what it may come to.
import { CancelledError, TimeoutError } from "threadloop";
import { CloneError, PoolClosedError, WorkerTerminatedError } from "threadloop/workers";
import * as odd from "../fixtures/workers/hostile.mjs";
import * as jobs from "../fixtures/workers/jobs.mjs";

/** @typedef {import("threadloop/workers").WorkerPool} Pool */
/** @typedef {import("threadloop/workers").PoolView} View */
/** @typedef {() => number} Random */
/**
 * @typedef Kind
 * @property {string} name
 * @property {number} weight
 * @property {(pool: Pool, view: View, random: Random, n: number) => PromiseLike<unknown>} start
 * @property {(value: unknown, n: number) => boolean} [isRight] what a result must be; none: it must not succeed
 * @property {(error: unknown) => boolean} [mayFail] with what it may fail by itself
 * @property {boolean} [prints] it has printed `chaos` and its number when it has succeeded
 * @property {boolean} [cancelled] it is stopped only by a cancel, which the test sends
 */

/** @param {...(abstract new (...args: never[]) => Error)} classes @returns {(error: unknown) => boolean} */
const oneOf =
  (...classes) =>
  (error) =>
    classes.some((each) => error instanceof each);

/** What may happen to every job: its thread dies under it, it is cancelled, its pool is closed at a deadline. */
export const mayAlwaysFail = oneOf(WorkerTerminatedError, CancelledError, PoolClosedError);

/** @param {unknown} value @param {number} n */
const isItself = (value, n) => value === n;
const gate = () => new SharedArrayBuffer(16);
const anything = () => true;
/** A copy of it cannot be made, at one of several depths. @param {number} n @returns {unknown} */
const uncloneable = (n) =>
  [[() => n], { inner: new WeakMap() }, [1, [Symbol("bad")]], new Proxy({}, {})][n % 4];

/** @param {AsyncIterable<number>} items */
async function sum(items) {
  let total = 0;
  for await (const item of items) total += item;
  return total;
}

/** @type {Kind[]} */
export const kinds = [
  { name: "echo", weight: 300, start: (_p, view, _r, n) => view.submit(jobs.echo, n), isRight: isItself },
  {
    name: "add",
    weight: 200,
    start: (_p, view, _r, n) => view.submit(jobs.add, n - 1, 1),
    isRight: isItself,
  },
  {
    name: "spin",
    weight: 100,
    start: (_p, view, random) => view.submit(jobs.spin, random() < 0.02 ? 8 : random() * 0.2),
    isRight: (value) => typeof value === "number",
  },
  {
    name: "nap",
    weight: 150,
    start: (_p, view, random, n) => view.submit(jobs.nap, random() * 4, n),
    isRight: isItself,
  },
  {
    name: "idempotent",
    weight: 40,
    start: (p, _v, _r, n) => p.with({ idempotent: true }).submit(jobs.nap, 1, n),
    isRight: isItself,
  },
  {
    name: "priority",
    weight: 40,
    start: (p, _v, random, n) => p.with({ priority: Math.floor(random() * 5) - 2 }).submit(jobs.echo, n),
    isRight: isItself,
  },
  {
    name: "transfer",
    weight: 30,
    start: (p, _v, _r, n) => {
      const bytes = new Uint8Array(n % 1000);
      return p.with({ transfer: [bytes.buffer] }).submit(jobs.byteLength, bytes);
    },
    isRight: (value, n) => value === n % 1000,
  },
  {
    name: "callback",
    weight: 15,
    start: (_p, view, _r, n) => view.submit(jobs.askTwice, (k) => k + n),
    isRight: (value, n) => String(value) === `${n + 1},${n + 2}`,
  },
  {
    name: "stream",
    weight: 10,
    start: (p, _v, random) => sum(p.stream(jobs.produceSync, 1 + Math.floor(random() * 40))),
    isRight: (value) => typeof value === "number",
  },
  {
    name: "map",
    weight: 5,
    start: (p) => sum(p.map(jobs.echo, [1, 2, 3, 4, 5], { chunkSize: 2 })),
    isRight: (value) => value === 15,
  },
  {
    name: "actor",
    weight: 3,
    start: async (p) => {
      const counter = await p.spawn(jobs.Counter, 1);
      try {
        return await counter.addLater(1, 2);
      } finally {
        await counter.close();
      }
    },
    isRight: (value) => value === 3,
  },
  { name: "broadcast", weight: 1, start: (p) => p.broadcast(jobs.where), isRight: Array.isArray },
  {
    name: "prints",
    weight: 20,
    start: (_p, view, _r, n) => view.submit(jobs.print, `chaos ${n}`, n),
    isRight: isItself,
    prints: true,
  },
  {
    name: "prints and dies",
    weight: 1,
    start: (_p, view) => view.submit(jobs.printAndExit, "chaos"),
  },
  {
    name: "throws",
    weight: 20,
    start: (_p, view) => view.submit(jobs.throwTeapot),
    mayFail: oneOf(RangeError),
  },
  {
    name: "uncloneable argument",
    weight: 10,
    start: (_p, view) => view.submit(jobs.echo, [() => 1]),
    mayFail: oneOf(CloneError),
  },
  {
    name: "uncloneable result",
    weight: 10,
    start: (_p, view) => view.submit(jobs.returnsFunction),
    mayFail: oneOf(CloneError),
  },
  {
    name: "stray timer",
    weight: 5,
    start: (_p, view) => view.submit(jobs.strayTimer, 1e6),
    mayFail: oneOf(RangeError),
  },
  {
    name: "stray rejection",
    weight: 5,
    start: (_p, view) => view.submit(jobs.strayRejection, 1e6),
    mayFail: oneOf(RangeError),
  },
  {
    name: "left behind",
    weight: 2,
    start: (_p, view) => view.submit(jobs.leaveTimerBehind),
    isRight: (value) => value === undefined,
    mayFail: oneOf(RangeError),
  },
  { name: "exit", weight: 2, start: (_p, view) => view.submit(jobs.exit, 3) },
  {
    name: "exits at first",
    weight: 1,
    start: (p) => p.with({ idempotent: true }).submit(jobs.exitAtFirst, gate(), 1),
    isRight: (value) => value === "done",
  },
  {
    name: "timeout",
    weight: 10,
    start: (p) => p.with({ timeout: 2 }).submit(jobs.waitAndCleanUp, gate()),
    mayFail: oneOf(TimeoutError),
  },
  {
    name: "queue timeout",
    weight: 10,
    start: (p, _v, _r, n) => p.with({ queueTimeout: 2 }).submit(jobs.echo, n),
    isRight: isItself,
    mayFail: oneOf(TimeoutError),
  },
  { name: "polls", weight: 10, start: (_p, view) => view.submit(jobs.poll), cancelled: true },
  {
    name: "waits",
    weight: 30,
    start: (_p, view) => view.submit(jobs.waitAndCleanUp, gate()),
    cancelled: true,
  },
  {
    name: "leaves a stream",
    weight: 10,
    start: async (p, _v, random) => {
      const last = Math.floor(random() * 30);
      for await (const item of p.stream(jobs.produceSync, 1000)) if (item === last) return item === last;
      return false;
    },
    isRight: (value) => value === true,
  },
  {
    name: "leaves a map",
    weight: 5,
    start: async (p, _v, random) => {
      const [last, chunkSize] = [Math.floor(random() * 50), 1 + Math.floor(random() * 20)];
      const items = Array.from({ length: 100 }, (_, i) => i);
      for await (const item of p.map(jobs.echo, items, { chunkSize }))
        if (item === last) return item === last;
      return false;
    },
    isRight: (value) => value === true,
  },
  {
    name: "aborts a stream",
    weight: 5,
    start: (p, _v, random) => {
      const signal = AbortSignal.timeout(1 + Math.floor(random() * 10));
      return sum(p.with({ signal }).stream(jobs.produceInPieces, 0.2, gate()));
    },
    mayFail: oneOf(CancelledError),
  },
  {
    name: "in native code",
    weight: 0.2,
    start: (p, _v, random) =>
      p.with({ timeout: 5, cancelGrace: random() * 5 }).submit(jobs.blockInNative, 0.4 + random()),
    mayFail: oneOf(TimeoutError),
  },
  {
    name: "out of memory",
    weight: 0.2,
    start: (_p, view) => view.submit(jobs.fillMemory),
  },
  {
    name: "refused closure",
    weight: 10,
    start: (_p, view, _r, n) => view.submit((value) => [value, n], uncloneable(n)),
    mayFail: oneOf(CloneError),
  },
  {
    name: "refused map",
    weight: 3,
    start: (p, _v, _r, n) => sum(p.map(jobs.echo, [uncloneable(n)])),
    mayFail: oneOf(CloneError),
  },
  {
    name: "refused stream",
    weight: 3,
    start: (p, _v, _r, n) => sum(p.stream(jobs.produceSync, uncloneable(n))),
    mayFail: oneOf(CloneError),
  },
  {
    name: "refused callback's job",
    weight: 3,
    start: (_p, view, _r, n) => view.submit(jobs.askTwice, (k) => k, uncloneable(n)),
    mayFail: oneOf(CloneError),
  },
  {
    name: "refused actor",
    weight: 2,
    start: (p, _v, _r, n) => p.spawn(jobs.Counter, uncloneable(n)),
    mayFail: oneOf(CloneError),
  },
  {
    name: "hostile argument",
    weight: 10,
    start: (_p, view, _r, n) => view.submit(odd.take, odd.hostile(n)),
    isRight: (value) => value === 1,
    mayFail: anything,
  },
  {
    name: "hostile result",
    weight: 10,
    start: (_p, view, _r, n) => view.submit(odd.give, n),
    isRight: anything,
    mayFail: anything,
  },
  {
    name: "hostile error",
    weight: 10,
    start: (_p, view, _r, n) => view.submit(odd.raise, n),
    mayFail: anything,
  },
  {
    name: "hostile item",
    weight: 3,
    start: (p, _v, _r, n) => sum(p.stream(odd.yieldOne, n)),
    isRight: anything,
    mayFail: anything,
  },
  {
    name: "urgent",
    weight: 20,
    start: (p, _v, random, n) => p.with({ priority: random() }).submit(jobs.nap, random() * 2, n),
    isRight: isItself,
  },
  {
    name: "spins for ever",
    weight: 0.5,
    start: (p) => p.with({ cancelGrace: 5 }).submit(jobs.spinForEver, gate()),
    cancelled: true,
  },
];
