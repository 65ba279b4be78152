// What a job does beside a plain call of its function: produce a stream, map a chunk, work on an actor, call back.
// Each is a body that runs as the job's task.

import type { Transferable } from "node:worker_threads";
import { CancelledError } from "../src/index.ts";
import { type Actors, callActor, dropActor, makeActor } from "./actors.ts";
import { callBack } from "./callbacks.ts";
import { Credit } from "./credit.ts";
import type { Callee } from "./functions.ts";
import type * as wire from "./protocol.ts";
import { ITEM } from "./protocol.ts";
import type { Running } from "./running.ts";
import { encodeThrown } from "./serialize.ts";
import { transfer, unmarked } from "./transfer.ts";

type Fn = (...args: unknown[]) => unknown;
type Body = () => unknown;

/** The body of a job that is not a plain call, or null. */
export function specialBody(
  running: Running,
  callee: Callee,
  args: readonly unknown[],
  details: wire.Details,
  actors: Actors,
): Body | null {
  const fn = callee.fn as Fn;
  const { callbacks, ...others } = details;
  if (callbacks !== undefined) {
    const body = (all: readonly unknown[]): Body | null => specialBody(running, callee, all, others, actors);
    return () => callBack(running.name, args, callbacks, (all) => (body(all) ?? (() => fn(...all)))());
  }
  if (details.credit !== undefined) return () => produce(running, fn(...args), details.credit as number);
  if (details.each === true) return () => callEach(fn, args[0] as readonly unknown[]);
  const { actor } = details;
  if (actor === undefined) return null;
  if (actor.method !== undefined) return () => callActor(actors, actor.id, actor.method as string, args);
  return actor.drop === true
    ? () => dropActor(actors, actor.id)
    : () => makeActor(actors, actor.id, fn, args);
}

/** Sends what a generator yields, as long as the reader takes it; when the reader stops, its `finally` blocks run. */
async function produce(running: Running, source: unknown, credit: number): Promise<unknown> {
  const iterator = iteratorOf(source, running.name);
  running.credit = new Credit(credit);
  let ended = false;
  try {
    for (;;) {
      ended = true;
      const { done, value } = await iterator.next();
      if (done === true) {
        running.flush();
        return value;
      }
      ended = false;
      running.notice(ITEM, value);
      await running.credit.take();
    }
  } finally {
    if (!ended) await iterator.return?.();
  }
}

function iteratorOf(source: unknown, name: string): AsyncIterator<unknown> | Iterator<unknown> {
  const iterable = source as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined;
  const iterator = iterable?.[Symbol.asyncIterator]?.() ?? iterable?.[Symbol.iterator]?.();
  if (iterator !== undefined) return iterator;
  throw new TypeError(
    `Expected \`${name}\` to return something to iterate over, such as a generator, got ${typeof source}`,
  );
}

/** What a chunk of a map gives: the results up to the first failure, and that failure. */
export interface ChunkResult {
  readonly values: readonly unknown[];
  readonly failure?: ReturnType<typeof encodeThrown>;
}

async function callEach(fn: Fn, items: readonly unknown[]): Promise<ChunkResult> {
  const values: unknown[] = [];
  const moving: Transferable[] = [];
  const result = (rest: ChunkResult) => (moving.length === 0 ? rest : transfer(rest, moving));
  try {
    for (const item of items) {
      const value = fn(item);
      values.push(unmarked(value instanceof Object && "then" in value ? await value : value, moving));
    }
    return result({ values });
  } catch (error) {
    if (error instanceof CancelledError) throw error; // the host knows why
    return result({ values, failure: encodeThrown(error, import.meta.url) });
  }
}
