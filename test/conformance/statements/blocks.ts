// These are the statements that hold statements (LANGUAGE.md §4).
import {
  asCompleted,
  Barrier,
  CancelledError,
  Condition,
  type Future,
  Lock,
  Semaphore,
  TaskGroup,
  Timeout,
  waitFor,
} from "threadloop";
import { encodeException, encodeState } from "../encode.ts";
import type { BlockArguments, Body, Handler, Value } from "../scenario.ts";
import type { Outcome, Stage, Statements } from "../stage.ts";
import { thing } from "../things.ts";

export const BLOCKS: Statements<BlockArguments, Promise<Outcome>> = {
  async try(stage, body, handler) {
    const settled = await settle(() => caught(stage, body, handler));
    const last = await stage.perform(handler.finally ?? []);
    if (last !== undefined) return last;
    if ("error" in settled) throw settled.error;
    return settled.outcome;
  },

  async repeat({ perform }, times, body) {
    for (let i = 0; i < times; i++) {
      const outcome = await perform(body);
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  },

  with(stage, name, body) {
    const entered = thing(stage.run.things, name, Lock, Condition, Semaphore, Barrier);
    return context(stage, "with", name, body, (fn) => entered.with(fn));
  },

  timeout(stage, name, delay, body) {
    const { run } = stage;
    const timeout = new Timeout(delay === null ? null : run.loop.time() + delay);
    run.things.set(name, timeout);
    return context(stage, "timeout", name, body, (fn) => timeout.run(fn));
  },

  group(stage, name, body) {
    const group = new TaskGroup();
    stage.run.things.set(name, group);
    return context(stage, "group", name, body, (fn) => group.run(fn));
  },

  wait_for(stage, delay, body) {
    return over(stage, "wait_for", delay, () => waitFor(() => stage.perform(body), delay));
  },

  as_completed(stage, names, delay) {
    const unfinished = [...stage.run.distinct(names)].filter(([future]) => !future.done());
    const kept = new Map(unfinished);
    return over(stage, "as_completed", [...kept.values()], () => eachCompleted(stage, kept, delay));
  },
};

type Settled = { readonly outcome: Outcome } | { readonly error: unknown };

async function settle(fn: () => Promise<Outcome>): Promise<Settled> {
  try {
    return { outcome: await fn() };
  } catch (error) {
    return { error };
  }
}

async function caught({ run, actor, perform }: Stage, body: Body, handler: Handler): Promise<Outcome> {
  try {
    return await perform(body);
  } catch (error) {
    const kind = error instanceof CancelledError ? "Cancelled" : "Error";
    if (handler.catch !== "Any" && handler.catch !== kind) throw error;
    run.emit(actor, "caught", handler.catch, encodeException(error));
    const outcome = await perform(handler.do ?? []);
    if (outcome === undefined && handler.then === "reraise") throw error;
    return outcome;
  }
}

/** `async with`: "enter" once inside, and what came of it at the end. */
function context(
  stage: Stage,
  verb: string,
  name: string,
  body: Body,
  enter: (fn: () => Promise<Outcome>) => Promise<Outcome>,
): Promise<Outcome> {
  return over(stage, verb, name, () =>
    enter(() => {
      stage.run.emit(stage.actor, verb, name, "enter");
      return stage.perform(body);
    }),
  );
}

/** Performs `fn` and adds the event that says how it left: "exit", or the exception, which goes on. */
async function over(
  { run, actor }: Stage,
  verb: string,
  subject: Value,
  fn: () => Promise<Outcome>,
): Promise<Outcome> {
  let outcome: Outcome;
  try {
    outcome = await fn();
  } catch (error) {
    run.emit(actor, verb, subject, encodeException(error));
    throw error;
  }
  run.emit(actor, verb, subject, "exit");
  return outcome;
}

async function eachCompleted(
  { run, actor }: Stage,
  names: Map<Future, string>,
  timeout: number | null,
): Promise<undefined> {
  for await (const { future } of asCompleted([...names.keys()], { timeout })) {
    run.emit(actor, "completed", names.get(future) ?? null, encodeState(future));
  }
}
