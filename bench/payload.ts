// What does an argument cost, copied, handed over or shared, from a line of text to a film?

import { median } from "../compare/statistics.ts";
import type { Question, Sample } from "./harness/question.ts";
import { compare } from "./peers/compare.ts";
import {
  comlink,
  jestWorker,
  piscinaDefault,
  poolifier,
  postMessage,
  threadloop,
  tinypool,
  workerpool,
} from "./peers/index.ts";
import type { Peer, Threads } from "./peers/peer.ts";
import { synthetic } from "./workloads/index.ts";

// One, since some contenders take turns between two and others take the first that is free.
const THREADS = 1;
const ROUNDS = 7;
const KB = 1024;
const SIZES = [64, 64 * KB, 1024 * KB, 64 * 1024 * KB];
const BIG = 1024 * KB;
const MOST_CALLS = 50;
const BYTES_A_SAMPLE = 256 * 1024 * KB;

const WAYS = {
  copied: (size: number) => new Uint8Array(size),
  transferred: (size: number) => new Uint8Array(size),
  shared: (size: number) => new Uint8Array(new SharedArrayBuffer(size)),
};
type Way = keyof typeof WAYS;

const question: Question = {
  title: "one call at a time with bytes as its argument, one thread",
  async ask(bench) {
    const sizes = bench.pick(SIZES, [64, 64 * KB]);
    for (const size of sizes)
      for (const way of Object.keys(WAYS))
        bench.measure(nameOf(size, way as Way), "µs", { at: { curve: way, x: size, axis: "bytes" } });
    bench.skip("jest-worker, transferred", "it hands nothing over");
    const peers = [
      threadloop,
      postMessage,
      piscinaDefault,
      tinypool,
      workerpool,
      poolifier,
      comlink,
      jestWorker,
    ];
    await compare(bench, peers, {
      rounds: bench.pick(ROUNDS, 1),
      workload: synthetic,
      threads: THREADS,
      sample: (threads, peer) => sample(threads, peer, sizes),
    });
    for (const size of [64, 64 * KB]) {
      const measure = nameOf(size, "copied");
      const rivals = peers.filter(({ kind }) => kind === "peer");
      const quickest = Math.max(...rivals.map(({ name }) => bench.ratio(measure, threadloop.name, name)));
      bench.goal({ text: `${measure}: times the quickest peer`, value: quickest, atMost: 1 });
    }
    const value = bench.ratio(nameOf(SIZES.at(-1)!, "transferred"), threadloop.name, postMessage.name);
    bench.goal({ text: "64 MB transferred: times bare postMessage", value, atMost: 1.2 });
  },
};

export default question;

const nameOf = (size: number, way: Way) => `${formatSize(size)} ${way}`;
const formatSize = (size: number) =>
  size < KB ? `${size} B` : size < KB * KB ? `${size / KB} kB` : `${size / KB / KB} MB`;

async function sample(threads: Threads, peer: Peer, sizes: readonly number[]): Promise<Sample> {
  const values: Record<string, number> = {};
  for (const size of sizes) {
    for (const way of Object.keys(WAYS) as Way[]) {
      if (way === "transferred" && peer === jestWorker) continue;
      values[nameOf(size, way)] = await time(threads, size, way);
    }
  }
  return values;
}

async function time(threads: Threads, size: number, way: Way): Promise<number> {
  const calls = Math.max(3, Math.min(MOST_CALLS, BYTES_A_SAMPLE / size));
  const taken: number[] = [];
  for (let call = 0; call < calls; call++) {
    if (size >= BIG) globalThis.gc!(); // else a call pays for collecting the buffers before it
    const bytes = WAYS[way](size);
    const start = performance.now();
    const received = await threads.run(
      "receive",
      bytes,
      way === "transferred" ? [bytes.buffer as ArrayBuffer] : undefined,
    );
    taken.push((performance.now() - start) * 1000);
    if (received !== size) throw new Error(`Sent ${size} bytes, ${received} arrived`);
    if (way === "transferred" && bytes.byteLength !== 0) throw new Error("The bytes are still here");
  }
  return median(taken);
}
