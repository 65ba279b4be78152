// This is one call that is compared: of the function with these arguments, here and in the threads of a pool.

import { isDeepStrictEqual, types } from "node:util";
import { isInstance, printable, shown, TimeoutError } from "../src/core.ts";
import { CloneError, ShipError, WorkerPool } from "../workers/index.ts";
import { ComparisonError } from "./comparisonerror.ts";
import { type Span, spanOf } from "./rounds.ts";

/** Milliseconds that one that does not return in time has to notice that it was cancelled. */
const GRACE = 100;

export type Compared = (...args: unknown[]) => unknown;

/** What the first calls have told. */
export interface Call {
  readonly fn: Compared;
  readonly args: readonly unknown[];
  readonly result: unknown;
  /** Its result is a promise: calls at once go on side by side on the loop too. */
  readonly isAsync: boolean;
  readonly changesArguments: boolean;
  readonly isSame: true | null;
  /** Milliseconds of the first call in a new pool. */
  readonly cold: number;
}

/**
 * Calls the function once in a new pool, where one that never returns can be ended, and then on the loop, and compares
 * what it gave. Throws ComparisonError when it cannot be compared.
 */
export async function firstCalls(fn: Compared, args: readonly unknown[], timeout: number): Promise<Call> {
  if (types.isGeneratorFunction(fn))
    throw new ComparisonError(
      "unsendable",
      `${nameOf(fn)} is a generator, whose items a pool streams: compare the function that makes one item`,
    );
  const start = performance.now();
  const pool = new WorkerPool({ size: 1, name: "compare", stdout: true, stderr: true });
  drop(pool);
  try {
    const there = await callInThread(pool, fn, args, timeout);
    const cold = performance.now() - start;
    const before = copyOf(args);
    const first = callOnLoop(fn, args);
    const isAsync = isThenable(first);
    const result = await settled(fn, first);
    const changesArguments = before !== null && !isEqual(before, copyOf(args));
    const call = { fn, args: changesArguments ? before : args, isAsync, changesArguments };
    const second = await settled(fn, callOnLoop(fn, argumentLists(call, 1)[0]));
    const isSame = await compareResults(pool, fn, { there, result, second });
    return { ...call, result, isSame, cold };
  } finally {
    await pool.close();
  }
}

async function callInThread(
  pool: WorkerPool,
  fn: Compared,
  args: readonly unknown[],
  timeout: number,
): Promise<unknown> {
  try {
    return await pool.with({ timeout, cancelGrace: GRACE }).submit(fn, ...args);
  } catch (error) {
    throw refusal(fn, error, timeout);
  }
}

/** What the threads print would be printed thousands of times. */
export function drop(pool: WorkerPool): void {
  pool.stdout.resume();
  pool.stderr.resume();
}

/** The last result on the loop: code whose result nobody has may be left out by the compiler. */
const kept: { last?: unknown } = {};

/** Calls it on the loop, so many times one after the other, or all at once; the mean of one call. */
export function onLoop(call: Call, count: number, isAtOnce: boolean): Promise<Span> {
  const { fn, isAsync } = call;
  const lists = argumentLists(call, count);
  if (isAsync && isAtOnce) return spanOf(() => Promise.all(lists.map((args) => fn(...args))), count);
  if (isAsync)
    return spanOf(async () => {
      for (const args of lists) kept.last = await fn(...args);
    }, count);
  return spanOf(() => {
    for (const args of lists) kept.last = fn(...args);
    return undefined;
  }, count);
}

/** The same in the threads of a pool. */
export function inThreads(pool: WorkerPool, call: Call, count: number, isAtOnce: boolean): Promise<Span> {
  const { fn, args } = call;
  if (isAtOnce)
    return spanOf(() => Promise.all(Array.from({ length: count }, () => pool.submit(fn, ...args))), count);
  return spanOf(async () => {
    for (let i = 0; i < count; i++) kept.last = await pool.submit(fn, ...args);
  }, count);
}

/** The same as the items of one `map`, so many in a message. */
export function inChunks(pool: WorkerPool, call: Call, count: number, chunkSize: number): Promise<Span> {
  const items = Array.from({ length: count }, () => call.args[0]);
  return spanOf(async () => {
    for await (const result of pool.map(call.fn, items, { chunkSize })) kept.last = result;
  }, count);
}

/** A copy for each call, made beforehand, where a call would find what the one before has left. */
function argumentLists(
  { args, changesArguments }: Pick<Call, "args" | "changesArguments">,
  count: number,
): [readonly unknown[], ...(readonly unknown[])[]] {
  const one = () => (changesArguments ? (copyOf(args) ?? args) : args);
  return [one(), ...Array.from({ length: count - 1 }, one)];
}

/** A copy, or null when there is none: functions among the arguments, which threads can be sent. */
function copyOf(args: readonly unknown[]): readonly unknown[] | null {
  try {
    return structuredClone(args);
  } catch {
    return null;
  }
}

function callOnLoop(fn: Compared, args: readonly unknown[]): unknown {
  try {
    return fn(...args);
  } catch (error) {
    throw threw(fn, "on the loop", error);
  }
}

async function settled(fn: Compared, result: unknown): Promise<unknown> {
  try {
    return await result;
  } catch (error) {
    throw threw(fn, "on the loop", error);
  }
}

/** Compares as they are after a journey: a class that a thread does not know arrives as a plain object. */
async function compareResults(
  pool: WorkerPool,
  fn: Compared,
  { there, result, second }: { there: unknown; result: unknown; second: unknown },
): Promise<true | null> {
  const journeys = [result, second].map((value) => pool.submit(asItIs, value));
  const [here, again] = await Promise.all(journeys);
  if (!isEqual(here, again)) return null;
  if (isEqual(here, there)) return true;
  throw new ComparisonError(
    "different",
    `${nameOf(fn)} gave another result in a thread than on the loop: it depends on something that a thread does not share, such as a variable that the program has set, process.env or the working directory. Hand that over as an argument`,
  );
}

function asItIs(value: unknown): unknown {
  return value;
}

/** Values may be proxies that throw. */
function isEqual(one: unknown, other: unknown): boolean {
  try {
    return isDeepStrictEqual(one, other);
  } catch {
    return false;
  }
}

function isThenable(value: unknown): boolean {
  try {
    return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
  } catch {
    return false;
  }
}

function refusal(fn: Compared, cause: unknown, timeout: number): ComparisonError {
  if (isInstance(cause, ShipError) || isInstance(cause, CloneError))
    return new ComparisonError("unsendable", `${nameOf(fn)} cannot run in a thread: ${cause.message}`, {
      cause,
    });
  if (isInstance(cause, TimeoutError))
    return new ComparisonError(
      "timeout",
      `${nameOf(fn)} did not return within ${timeout} ms: does it end with these arguments? A higher \`timeout\` gives it longer`,
      { cause },
    );
  return threw(fn, "in a thread", cause);
}

function threw(fn: Compared, where: string, cause: unknown): ComparisonError {
  return new ComparisonError("threw", `${nameOf(fn)} threw ${where}: ${inOneLine(cause)}`, { cause });
}

/** What was thrown, which may be anything. */
function inOneLine(value: unknown): string {
  return printable(shown(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY }).split("\n", 1)[0] ?? "");
}

/** The name of a function for people, whatever its name is. */
export function nameOf(fn: Compared): string {
  const { name } = fn as { readonly name: unknown };
  return typeof name === "string" && name !== "" ? printable(name) : "(anonymous)";
}
