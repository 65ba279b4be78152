// This measures a function on the loop and in threads, input by input.

import { availableParallelism } from "node:os";
import { checkOptionNames, got, optionNames } from "../src/core.ts";
import { WorkerPool } from "../workers/index.ts";
import { type Call, type Compared, drop, firstCalls, inChunks, inThreads, nameOf, onLoop } from "./call.ts";
import type { AtOnce, ChunkSize, ComparedInput, Comparison } from "./comparison.ts";
import { copyCostOf } from "./copycost.ts";
import { processorsGiven } from "./processors.ts";
import { type Pair, pairedRounds, speedUps, warmUp } from "./rounds.ts";
import { median, spread } from "./statistics.ts";
import { anyOf, breakEvenOf, isCrowded, verdictOf } from "./verdict.ts";

/** Options of a comparison. */
export interface CompareOptions {
  /** Threads of the pool. Default: `os.availableParallelism()`. */
  readonly threads?: number;
  /** Times that each question is asked; fewer, but three, when that lasts longer than a second. Default 9. */
  readonly rounds?: number;
  /** Milliseconds that the first call may last. Default 60,000. */
  readonly timeout?: number;
  /** Is told what is measured now. */
  readonly onProgress?: (progress: CompareProgress) => void;
}

/** Where a comparison is. */
export interface CompareProgress {
  /** The number of the input, from 1. */
  readonly input: number;
  readonly inputs: number;
  readonly stage: "first call" | "warm-up" | "calls at once" | "calls in a message" | "processors";
}

const COMPARE_OPTIONS = optionNames<CompareOptions>({
  threads: true,
  rounds: true,
  timeout: true,
  onProgress: true,
});

const ROUNDS = 9;
const TIMEOUT = 60_000;

/** Amounts of calls at once, as far as they last no longer than this on the loop and take no more memory. */
const AMOUNTS = [2, 4, 8, 16, 32, 64, 256, 1024];
const LONGEST = 200;
const MOST_BYTES = 2 ** 26;
/** Where threads are slow, amounts end as well: milliseconds of one round. */
const MOST_ROUND = 500;
/** A sample of single calls has as many of them as last so long, for the sake of the clock. */
const SAMPLE = 2;

/** Calls longer than this need no company in a message. */
const SHORT = 2;
const CHUNK_SIZES = [1, 4, 16, 64, 256];
/** Items of one `map`: as many as last so long, within bounds. */
const MAPPED = 100;
const ITEMS = { least: 64, most: 2048 };

/**
 * Runs a function on the loop and in threads, with each list of arguments, and tells whether threads pay: whether a
 * thread frees the loop, from how many calls at once on threads are faster, and how many calls a message should carry.
 *
 * Each input takes some ten seconds, during which the loop is kept busy. All is warmed up, and every question is asked in
 * rounds, on the loop and in threads in turn, so that what slows the machine meets both; `pays` is null where it could
 * not be told, as other processes had the processors (`isCrowded`) or the samples scatter. The first call runs in a
 * thread, where one that never returns is ended. What the function prints in threads is dropped.
 *
 * Throws ComparisonError, whose `code` says why, when the function throws, cannot be sent, does not return in time, or
 * gives another result in a thread than on the loop; TypeError or RangeError when an argument is wrong.
 *
 * @example
 * ```ts
 * import { compare } from "threadloop/bench";
 *
 * const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2));
 * const { inputs } = await compare(fib, [[20]], { threads: 2, rounds: 3 });
 * console.log(inputs[0]?.isSame); // true
 * ```
 */
export async function compare<A extends unknown[]>(
  fn: (...args: A) => unknown,
  inputs: readonly Readonly<A>[],
  options: CompareOptions = {},
): Promise<Comparison> {
  checkArguments(fn, inputs);
  const { threads, rounds, timeout, onProgress } = settingsOf(options);
  const pool = new WorkerPool({
    size: threads,
    name: "compare",
    idleTimeout: Number.POSITIVE_INFINITY,
    blockedAfter: Number.POSITIVE_INFINITY,
    stdout: true,
    stderr: true,
  });
  drop(pool);
  const measured: Measured[] = [];
  const processors: number[] = [];
  try {
    for (const [i, args] of inputs.entries()) {
      const tell: Tell = (stage) => onProgress?.({ input: i + 1, inputs: inputs.length, stage });
      tell("first call");
      const call = await firstCalls(fn as Compared, args, timeout);
      tell("processors");
      processors.push(await processorsGiven(pool, threads));
      measured.push(await measure(pool, call, { threads, rounds, tell }));
      tell("processors");
      processors.push(await processorsGiven(pool, threads));
    }
  } finally {
    await pool.close();
  }
  return concluded(nameOf(fn as Compared), threads, median(processors), measured);
}

type Tell = (stage: CompareProgress["stage"]) => void;
type Measured = Omit<ComparedInput, "verdict">;

function concluded(
  name: string,
  threads: number,
  processors: number,
  measured: readonly Measured[],
): Comparison {
  const given = { possible: Math.min(threads, availableParallelism()), processors };
  const inputs = measured.map((figures) => ({ ...figures, verdict: verdictOf(figures, given) }));
  return {
    function: name,
    file: null,
    node: process.version,
    threads,
    processors,
    isCrowded: isCrowded(given),
    inputs,
    breakEven: breakEvenOf(inputs),
    pays: anyOf(inputs.map(({ verdict }) => verdict.pays)),
  };
}

interface Measuring {
  readonly threads: number;
  readonly rounds: number;
  readonly tell: Tell;
}

/** Calls at once, round by round; the spans are those of one call. */
interface Batch {
  readonly amount: number;
  readonly pairs: readonly Pair[];
}

async function measure(pool: WorkerPool, call: Call, measuring: Measuring): Promise<Measured> {
  const { threads, rounds, tell } = measuring;
  tell("warm-up");
  await warmUp(() => onLoop(call, 1, false));
  await warmUp(() => inThreads(pool, call, threads, true)); // every thread compiles for itself
  tell("calls at once");
  const count = Math.ceil(SAMPLE / Math.max((await onLoop(call, 1, false)).whole, SAMPLE / ITEMS.most));
  const single = await pairedRounds(
    () => onLoop(call, count, false),
    () => inThreads(pool, call, count, false),
    rounds,
  );
  const each = timeOf(single, "loop");
  const copy = copyCostOf(call.args, call.result);
  const bytes = (copy?.out.bytes ?? 0) + (copy?.back.bytes ?? 0);
  const batches: Batch[] = [{ amount: 1, pairs: single }];
  for (const amount of amountsOf(each, bytes, threads)) {
    const { pairs: last } = batches[batches.length - 1] as Batch;
    if (amount > threads && amount * timeOf(last, "threads") > MOST_ROUND) break;
    const pairs = await pairedRounds(
      () => onLoop(call, amount, true),
      () => inThreads(pool, call, amount, true),
      rounds,
    );
    batches.push({ amount, pairs });
  }
  const alike = Math.max(each, timeOf((batches[batches.length - 1] as Batch).pairs, "threads"));
  const chunks = await chunksOf(pool, call, alike, measuring);
  const kept = batches.map(({ pairs }) => median(pairs.map((pair) => pair.threads.busy)));
  return {
    loop: {
      ms: each,
      spread: spread(single.map(({ loop }) => loop.whole)),
      busy: median(single.map(({ loop }) => loop.busy)),
    },
    thread: {
      ms: timeOf(single, "threads"),
      spread: spread(single.map((pair) => pair.threads.whole)),
    },
    cold: call.cold,
    loopKeeps: Math.min(...kept),
    copy,
    atOnce: batches.map(({ amount, pairs }): AtOnce => ({ amount, ...speedUpOf(pairs) })),
    chunks,
    isSame: call.isSame,
    changesArguments: call.changesArguments,
  };
}

function timeOf(pairs: readonly Pair[], where: keyof Pair): number {
  return median(pairs.map((pair) => pair[where].whole));
}

/** All threads get at least one call each, however long it lasts. */
function amountsOf(each: number, bytes: number, threads: number): number[] {
  const isFit = (amount: number) =>
    amount <= Math.max(2, threads) || (amount * each <= LONGEST && amount * bytes <= MOST_BYTES);
  const amounts = AMOUNTS.filter(isFit);
  return threads > 1 && !amounts.includes(threads) ? [...amounts, threads].sort((a, b) => a - b) : amounts;
}

/** `map` passes one argument. */
async function chunksOf(
  pool: WorkerPool,
  call: Call,
  each: number,
  { rounds, tell }: Measuring,
): Promise<ChunkSize[] | null> {
  if (each > SHORT || call.args.length !== 1) return null;
  tell("calls in a message");
  const amount = Math.max(ITEMS.least, Math.min(ITEMS.most, Math.round(MAPPED / each)));
  const chunks: ChunkSize[] = [];
  for (const chunkSize of CHUNK_SIZES.filter((size) => size * 2 <= amount)) {
    const pairs = await pairedRounds(
      () => onLoop(call, amount, true),
      () => inChunks(pool, call, amount, chunkSize),
      rounds,
    );
    chunks.push({ chunkSize, ...speedUpOf(pairs) });
  }
  return chunks;
}

function speedUpOf(pairs: readonly Pair[]): { speedUp: number; spread: number } {
  const ratios = speedUps(pairs);
  return { speedUp: median(ratios), spread: spread(ratios) };
}

function checkArguments(fn: unknown, inputs: unknown): void {
  if (typeof fn !== "function") throw new TypeError(`Expected \`fn\` to be a function, got ${got(fn)}`);
  const isList = Array.isArray(inputs) && inputs.length > 0 && inputs.every((args) => Array.isArray(args));
  if (!isList)
    throw new TypeError(
      `Expected \`inputs\` to be a list of lists of arguments, such as [[30]], got ${got(inputs)}`,
    );
}

function settingsOf(options: CompareOptions) {
  checkOptionNames("compare", options, COMPARE_OPTIONS);
  const { threads = availableParallelism(), rounds = ROUNDS, timeout = TIMEOUT, onProgress } = options;
  for (const [name, value] of Object.entries({ threads, rounds }))
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`Expected \`${name}\` to be a positive integer, got ${got(value)}`);
  if (typeof timeout !== "number" || !(timeout > 0))
    throw new RangeError(`Expected \`timeout\` to be more than 0 milliseconds, got ${got(timeout)}`);
  if (onProgress !== undefined && typeof onProgress !== "function")
    throw new TypeError(`Expected \`onProgress\` to be a function, got ${got(onProgress)}`);
  return { threads, rounds, timeout, onProgress };
}
