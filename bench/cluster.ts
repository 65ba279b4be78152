// What does a call cost on another machine, beside BullMQ's own job for each call, and what does it cost Redis?

import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Queue, QueueEvents } from "bullmq";
import { Redis } from "ioredis";
import { ClusterExecutor } from "../cluster/index.ts";
import { median } from "../compare/statistics.ts";
import { add, bytes, spin } from "./cluster/jobs.ts";
import { type Server, startBullWorker, startMachine, startServer } from "./cluster/processes.ts";
import type { Bench, Contender, Question, Sample } from "./harness/question.ts";

const THREADS = 2;
const IN_FLIGHT = [1, 16, 64, 1024];
const GOALS: Readonly<Record<number, number>> = { 16: 4, 64: 8, 1024: 20 };
const ROUNDS = 5;
/** Milliseconds for which calls are kept in flight. */
const LASTS = 600;
const MB = 1024 * 1024;
const BIG = 10 * MB;
/** Calls that have a thread for so many milliseconds, how many of them, and at most how many times their ideal time they take. */
const SPINS = [
  { milliseconds: 1, calls: 600, atMost: 2.5 },
  { milliseconds: 5, calls: 200, atMost: 1.6 },
];
const WAITING = 2000;
const WAITING_HERE = 100_000;

const question: Question = {
  title: `calls on another machine with ${THREADS} threads, all by the loopback interface`,
  async ask(bench) {
    const server = await startServer();
    if (server === null) {
      bench.skip("everything", "there is no redis-server or valkey-server: install one, or set REDIS_SERVER");
      return;
    }
    try {
      await askWith(server, bench);
    } finally {
      await server.close();
    }
  },
};

export default question;

async function askWith({ url }: Server, bench: Bench): Promise<void> {
  const endMachine = await startMachine(url, THREADS);
  const endPeer = await startBullWorker(url);
  const redis = new Redis(url);
  const ours = new Ours(url, redis, bench);
  const peer = await Peer.open(url, redis, bench);
  const alone: Contender = {
    name: "set and get alone",
    kind: "limit",
    sample: () => setAndGet(redis, bench),
  };
  declare(bench);
  try {
    const contenders = [ours.contender, peer.contender, alone];
    await bench.warmUp(contenders);
    await bench.interleave(bench.pick(ROUNDS, 1), contenders);
    judge(bench, OURS, PEER, ALONE);
    bench.note(
      `The machine, Redis and this process share ${availableParallelism()} cores. Redis's own CPU and the bytes that it reads and writes are those of INFO.`,
    );
  } finally {
    await ours.close();
    await peer.close();
    redis.disconnect();
    await endMachine();
    await endPeer();
  }
}

const OURS = "ClusterExecutor";
const PEER = "BullMQ, a job a call";
const ALONE = "set and get alone";
const latency = "one call";
const rate = (inFlight: number) => `${inFlight.toLocaleString("en")} in flight`;
const cpu = (inFlight: number) => `Redis CPU (${inFlight.toLocaleString("en")})`;
const network = (inFlight: number) => `network (${inFlight.toLocaleString("en")})`;
const spinning = (milliseconds: number) => `${milliseconds} ms calls`;
const BIG_RESULT = "a result of 10 MB";
const IDLE = "an idle client's CPU";
const IN_REDIS = "a posted call in Redis";
const HERE = "a waiting call here";

function declare(bench: Bench): void {
  bench.measure(latency, "ms");
  for (const inFlight of IN_FLIGHT.slice(1))
    bench.measure(rate(inFlight), "calls/s", {
      better: "higher",
      at: { curve: "calls", x: inFlight, axis: "in flight" },
    });
  for (const { milliseconds } of SPINS) bench.measure(spinning(milliseconds), "times ideal", { plot: false });
  bench.measure(BIG_RESULT, "ms", { plot: false });
  bench.measure(IDLE, "ms/s", { plot: false });
  for (const inFlight of IN_FLIGHT) bench.measure(cpu(inFlight), "µs/call", { plot: false });
  for (const inFlight of IN_FLIGHT) bench.measure(network(inFlight), "B/call", { plot: false });
  bench.measure(IN_REDIS, "B", { plot: false });
  bench.measure(HERE, "B", { plot: false });
}

function judge(bench: Bench, ours: string, peer: string, alone: string): void {
  const value = bench.ratio(latency, ours, peer);
  bench.goal({ text: "one call: times the time of BullMQ's job", value, atMost: 1.2 });
  for (const [inFlight, atLeast] of Object.entries(GOALS)) {
    const times = bench.ratio(rate(Number(inFlight)), ours, peer);
    bench.goal({ text: `${inFlight} in flight: times as many as BullMQ's jobs`, value: times, atLeast });
  }
  for (const { milliseconds, atMost } of SPINS) {
    const times = median(bench.samples(spinning(milliseconds), ours));
    bench.goal({ text: `${milliseconds} ms calls: times their ideal time`, value: times, atMost });
  }
  const big = bench.ratio(BIG_RESULT, ours, alone);
  bench.goal({ text: "a result of 10 MB: times set and get alone", value: big, atMost: 1.3 });
  const idle = median(bench.samples(IDLE, ours));
  bench.goal({ text: "an idle client: milliseconds of CPU a second", value: idle, atMost: 5 });
}

type Call = (i: number) => PromiseLike<number>;

/** So many calls at once, for so many milliseconds; each is checked. The same time for each contender, however quick it is. */
async function keepInFlight(call: Call, inFlight: number, milliseconds: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + milliseconds;
  let next = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      const i = next++;
      const start = performance.now();
      if ((await call(i)) !== i + 1) throw new Error("A result is wrong");
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return times;
}

/** Latency, rates, and what they cost Redis. */
async function flights(call: Call, redis: Redis, bench: Bench): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const inFlight of bench.pick(IN_FLIGHT, IN_FLIGHT.slice(0, 2))) {
    const before = await costsOf(redis);
    const start = performance.now();
    const times = await keepInFlight(call, inFlight, bench.pick(LASTS, 50));
    const total = times.length;
    const seconds = (performance.now() - start) / 1000;
    const after = await costsOf(redis);
    if (inFlight === 1) values[latency] = median(times);
    else values[rate(inFlight)] = total / seconds;
    values[cpu(inFlight)] = (after.cpu - before.cpu) / total;
    values[network(inFlight)] = (after.network - before.network) / total;
  }
  return values;
}

/** CPU of the server so far, in microseconds, and the bytes that it has read and written. */
async function costsOf(redis: Redis): Promise<{ cpu: number; network: number; memory: number }> {
  const text = await redis.info("everything");
  const number = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(text)?.[1]);
  return {
    cpu: (number("used_cpu_user") + number("used_cpu_sys")) * 1e6,
    network: number("total_net_input_bytes") + number("total_net_output_bytes"),
    memory: number("used_memory"),
  };
}

class Ours {
  readonly contender: Contender = { name: OURS, kind: "ours", sample: () => this.#sample() };
  readonly #url: string;
  readonly #modules = fileURLToPath(new URL("./cluster", import.meta.url));
  readonly #redis: Redis;
  readonly #bench: Bench;
  readonly #cluster: ClusterExecutor;

  constructor(url: string, redis: Redis, bench: Bench) {
    this.#url = url;
    this.#redis = redis;
    this.#bench = bench;
    this.#cluster = new ClusterExecutor({ url, modules: this.#modules });
  }

  async #sample(): Promise<Sample> {
    const bench = this.#bench;
    const values = await flights((i) => this.#cluster.submit(add, i, 1), this.#redis, bench);
    for (const { milliseconds, calls } of SPINS)
      values[spinning(milliseconds)] = await this.#spin(milliseconds, bench.pick(calls, 20));
    values[BIG_RESULT] = await this.#fetch(bench.pick(BIG, MB));
    values[IDLE] = await this.#idle(1);
    return { ...values, ...(await this.#wait(bench.pick(WAITING, 50), bench.pick(WAITING_HERE, 500))) };
  }

  /** How many times as long as they would if the threads did nothing else. */
  async #spin(milliseconds: number, calls: number): Promise<number> {
    const start = performance.now();
    await Promise.all(Array.from({ length: calls }, () => this.#cluster.submit(spin, milliseconds)));
    return (performance.now() - start) / ((calls * milliseconds) / THREADS);
  }

  async #fetch(length: number): Promise<number> {
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      if ((await this.#cluster.submit(bytes, length)).length !== length) throw new Error("A result is short");
      times.push(performance.now() - start);
    }
    return median(times);
  }

  async #idle(seconds: number): Promise<number> {
    const program = fileURLToPath(new URL("./cluster/idleclient.js", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program, this.#url, String(seconds)]);
    return Number(stdout);
  }

  /** The bytes of calls in a queue that no machine has: of those that are posted, and of those that wait here. */
  async #wait(posted: number, here: number): Promise<Sample> {
    const url = this.#url;
    const options = { url, modules: this.#modules, queue: "waiting" };
    const cluster = new ClusterExecutor({ ...options, ahead: posted });
    await cluster.ready;
    const before = await costsOf(this.#redis);
    const calls = Array.from({ length: posted }, (_, i) => cluster.submit(add, i, 1));
    while ((await this.#redis.llen("{threadloop:waiting}:waiting:wait")) < posted);
    const inRedis = ((await costsOf(this.#redis)).memory - before.memory) / posted;
    const first = Promise.allSettled(calls);
    globalThis.gc?.();
    const heap = process.memoryUsage().heapUsed;
    const more = Array.from({ length: here }, (_, i) => cluster.submit(add, i, 1));
    await null;
    globalThis.gc?.();
    const bytesHere = (process.memoryUsage().heapUsed - heap) / here;
    const rest = Promise.allSettled(more);
    await cluster.close({ deadline: 0 });
    await first;
    await rest;
    await new Queue("waiting", {
      connection: this.#redis as never,
      prefix: "{threadloop:waiting}",
    }).obliterate({ force: true });
    return { [IN_REDIS]: inRedis, [HERE]: bytesHere };
  }

  async close(): Promise<void> {
    await this.#cluster.close();
  }
}

/** BullMQ as its guide has it: a job for each call, and its events for the results. */
class Peer {
  readonly contender: Contender = { name: PEER, sample: () => this.#sample() };
  readonly #queue: Queue;
  readonly #events: QueueEvents;
  readonly #redis: Redis;
  readonly #bench: Bench;

  private constructor(queue: Queue, events: QueueEvents, redis: Redis, bench: Bench) {
    this.#queue = queue;
    this.#events = events;
    this.#redis = redis;
    this.#bench = bench;
  }

  static async open(url: string, redis: Redis, bench: Bench): Promise<Peer> {
    const connection = { url, maxRetriesPerRequest: null };
    const queue = new Queue("peer", { connection });
    const events = new QueueEvents("peer", { connection });
    queue.setMaxListeners(0);
    events.setMaxListeners(0);
    await events.waitUntilReady();
    return new Peer(queue, events, redis, bench);
  }

  async #sample(): Promise<Sample> {
    const call = async (i: number): Promise<number> => {
      // Removed at once it is not found any more by who waits for it.
      const job = await this.#queue.add("add", [i, 1], { removeOnComplete: { count: 5000 } });
      return (await job.waitUntilFinished(this.#events)) as number;
    };
    return { ...(await flights(call, this.#redis, this.#bench)), ...(await this.#wait()) };
  }

  async #wait(): Promise<Sample> {
    const posted = this.#bench.pick(WAITING, 50);
    const queue = new Queue("waiting", { connection: this.#redis as never });
    const before = await costsOf(this.#redis);
    await queue.addBulk(Array.from({ length: posted }, (_, i) => ({ name: "add", data: [i, 1] })));
    const after = await costsOf(this.#redis);
    await queue.obliterate({ force: true });
    await queue.close();
    return { [IN_REDIS]: (after.memory - before.memory) / posted };
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.#queue.close();
  }
}

/** What any way by Redis costs: a value goes there and comes back. */
async function setAndGet(redis: Redis, bench: Bench): Promise<Sample> {
  const value = Buffer.from(bytes(bench.pick(BIG, MB)));
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    await redis.set("alone", value);
    const back = await redis.getBuffer("alone");
    if (back?.length !== value.length) throw new Error("A value is short");
    times.push(performance.now() - start);
  }
  await redis.del("alone");
  return { [BIG_RESULT]: median(times) };
}
