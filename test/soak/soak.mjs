// This is a soak: a mixed load for so many minutes, in rounds that all do the same, after each of which nothing may
// have stayed: heap, external memory, file descriptors, handles and threads are measured when the round's pools are
// closed.
//
//   node test/soak/soak.mjs --minutes 10 --seed 1
//
// The first rounds warm up: code is compiled, caches fill. From there on the least of the last third may not be above
// the least of the first third by more than the slack: a leak grows in every round, and noise does not.
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  createSubprocess,
  createTask,
  gather,
  Queue,
  run,
  runInExecutor,
  sleep,
  startServer,
  taskGroup,
  timeout,
} from "threadloop";
import { SharedLock, SharedQueue, WorkerPool } from "threadloop/workers";
import * as jobs from "../fixtures/workers/jobs.mjs";

/** @typedef {{ heap: number, external: number, descriptors: number, handles: number, threads: number }} Sample */

const { values } = parseArgs({
  options: { minutes: { type: "string" }, rounds: { type: "string" }, seed: { type: "string" } },
});
const seed = Number(values.seed ?? Date.now() % 1e6);
const rounds = values.rounds === undefined ? Number.POSITIVE_INFINITY : Number(values.rounds);
const until = performance.now() + Number(values.minutes ?? (values.rounds ? 60 : 10)) * 60_000;
/** Rounds before the measurements count. */
const WARM_UP = values.rounds === undefined ? 10 : 3;
/** How much more there may be at the end: of bytes a part and as many megabytes, of the rest so many. */
const SLACK = { part: 0.05, bytes: 2e6, count: 0 };

/**
 * What Node keeps for itself: a file descriptor of a thread that was ended while it was importing a module is never
 * closed, with a bare Worker too, so no thread is ended by force here; handles of timers that wait to be reused, and the
 * pipes of stdin, stdout and stderr, stay for as long as the process. Of the heap V8 keeps some kilobytes more a round:
 * code that it has compiled anew, and what that depends on, less each time.
 */
const NODES_OWN = /^(TTYWrap|PipeWrap|FSReqCallback|Timeout|Immediate)$/;

const random = mulberry32(seed);
/** @param {number} below */
const below = (below) => Math.floor(random() * below);
/** @type {Sample[]} */
const samples = [];
let done = 0;

console.log(`soak: seed ${seed}`);
for (let round = 0; round < rounds && performance.now() < until; round++) {
  await run(oneRound);
  const sample = await measure();
  if (round >= WARM_UP) samples.push(sample);
  if (values.rounds === undefined && round % 20 === 0)
    console.error(`round ${round}: ${JSON.stringify(sample)}`);
}
const grown = judge();
console.log(
  JSON.stringify({ rounds: samples.length, jobs: done, first: samples[0], last: samples.at(-1), grown }),
);
process.exitCode = grown.length > 0 ? 1 : 0;

/** The same kinds of work in each round, in another order and with other numbers. */
async function oneRound() {
  const pool = new WorkerPool({ size: 2, stdout: true, recycle: { jobs: 150 }, cancelGrace: 2000 });
  const printed = text(pool.stdout);
  const kinds = [
    calls,
    streams,
    actors,
    callbacks,
    cancels,
    prints,
    shares,
    tasks,
    sockets,
    processes,
    views,
  ];
  for (let i = 0; i < 30; i++) await /** @type {typeof calls} */ (kinds[below(kinds.length)])(pool);
  for (const kind of kinds) await kind(pool);
  await runInExecutor(Math.sqrt, 4);
  await pool.close();
  await printed;
}

/** @param {WorkerPool} pool */
async function calls(pool) {
  const count = 20 + below(100);
  const factor = below(10);
  const results = await gather(
    Array.from({ length: count }, (_, n) =>
      n % 3 === 0 ? pool.submit((k) => k * factor, n) : pool.submit(jobs.echo, n),
    ),
  );
  done += results.length;
  await pool.submit(jobs.throwTeapot).catch(() => {});
  await pool.submit(jobs.echo, [() => 1]).catch(() => {});
}

/** @param {WorkerPool} pool */
async function streams(pool) {
  for await (const item of pool.stream(jobs.produceSync, 20)) if (item > 10 + below(20)) break;
  for await (const _ of pool.map(
    jobs.echo,
    Array.from({ length: 30 }, (_, n) => n),
    { chunkSize: 1 + below(8) },
  ))
    done++;
}

/** @param {WorkerPool} pool */
async function actors(pool) {
  const counter = await pool.spawn(jobs.Counter, 1);
  for (let i = 0; i < 5; i++) await counter.add(i);
  await counter.close();
  done += 6;
}

/** @param {WorkerPool} pool */
async function callbacks(pool) {
  await pool.submit(jobs.askTwice, (k) => k + 1);
  const bytes = new Uint8Array(1000);
  await pool.with({ transfer: [bytes.buffer] }).submit(jobs.byteLength, bytes);
  done += 2;
}

/** @param {WorkerPool} pool */
async function cancels(pool) {
  const controller = new AbortController();
  const open = [
    pool.submit(jobs.nap, 10_000, 1),
    pool.with({ signal: controller.signal }).submit(jobs.nap, 10_000, 1),
    pool.with({ timeout: 1 }).submit(jobs.nap, 10_000, 1),
  ];
  await sleep(below(3));
  open[0]?.cancel();
  controller.abort();
  await Promise.allSettled(open.map((job) => job.toPromise()));
  done += open.length;
}

/** @param {WorkerPool} pool */
async function prints(pool) {
  await pool.submit(() => {
    for (let i = 0; i < 20; i++) console.log("line", i);
  });
  done++;
}

/** @param {WorkerPool} pool */
async function shares(pool) {
  const lock = new SharedLock();
  const queue = new SharedQueue(4);
  const take = pool.submit(
    async (lock, queue) => {
      await lock.acquire();
      lock.release();
      return await queue.get();
    },
    lock,
    queue,
  );
  await queue.put("item");
  await take;
  done++;
}

async function tasks() {
  const queue = new Queue(2);
  await taskGroup(async (group) => {
    group.createTask(async () => {
      for (let i = 0; i < 20; i++) await queue.put(i);
    });
    group.createTask(async () => {
      for (let i = 0; i < 20; i++) await queue.get();
    });
  });
  await timeout(1, () => sleep(1000)).catch(() => {});
  const task = createTask(() => sleep(1000));
  task.cancel();
  await task.catch(() => {});
}

async function sockets() {
  const server = await startServer(
    async (reader, writer) => {
      writer.write(await reader.read());
      await writer.drain();
      writer.close();
    },
    { host: "127.0.0.1", port: 0 },
  );
  const socket = connect(server.port, "127.0.0.1", () => socket.end("hello"));
  await text(socket);
  server.close();
  await server.waitClosed();
}

async function processes() {
  if (below(4) > 0) return;
  const child = await createSubprocess("cat", [], { stdin: "pipe", stdout: "pipe" });
  await child.communicate("hello");
}

/** @param {WorkerPool} pool */
async function views(pool) {
  const view = pool.with({ name: "view", priority: below(5) });
  await gather(Array.from({ length: 20 }, (_, n) => view.submit(jobs.nap, below(3), n)));
  await pool.tasks();
  pool.stats();
  done += 20;
}

/** What there is when all is closed; what closes a moment later gets that moment. @returns {Promise<Sample>} */
async function measure() {
  let sample = look();
  for (let i = 0; i < 100 && sample.handles + sample.threads > 0; i++) {
    await wait(10);
    sample = look();
  }
  // Finalizers and weak references need turns of their own between two collections.
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await turn();
  }
  return look();
}

/** @returns {Sample} */
function look() {
  const { heapUsed, external } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo().filter((name) => !NODES_OWN.test(name));
  return {
    heap: heapUsed,
    external,
    descriptors: openDescriptors(),
    handles: handles.length,
    threads: handles.filter((name) => name === "Worker").length,
  };
}

/** How many files are open, where the system tells. */
function openDescriptors() {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

/** What has grown. */
function judge() {
  const third = Math.max(1, Math.floor(samples.length / 3));
  return /** @type {const} */ (["heap", "external", "descriptors", "handles", "threads"]).flatMap((key) => {
    const least = (/** @type {Sample[]} */ some) => Math.min(...some.map((sample) => sample[key]));
    const [before, after] = [least(samples.slice(0, third)), least(samples.slice(-third))];
    const isBytes = key === "heap" || key === "external";
    const slack = isBytes ? before * SLACK.part + SLACK.bytes : SLACK.count;
    return after > before + slack ? [`${key}: ${before} -> ${after}`] : [];
  });
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
