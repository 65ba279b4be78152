// This runs a scenario and gives its trace. A task performs its statements one after the other and awaits each; a
// callback performs them synchronously, unless one of them starts a task eagerly.
import { Boom, encodeException, encodeValue } from "./encode.ts";
import { Run } from "./run.ts";
import type { Body, Scenario, Statement, TraceEvent, Value } from "./scenario.ts";
import { type Outcome, Returned, type Stage } from "./stage.ts";
import { BLOCKS } from "./statements/blocks.ts";
import { OBJECT_STATEMENTS } from "./statements/objects.ts";
import { TASK_STATEMENTS } from "./statements/tasks.ts";
import { WAITING } from "./statements/waiting.ts";

const FEATURES = new Set(["as_completed", "contextvars", "eager", "group_cancel", "queue_shutdown"]);

type Perform<R> = (stage: Stage, ...args: unknown[]) => R;

const blocks = new Map(Object.entries(BLOCKS) as [string, Perform<Promise<Outcome>>][]);
const waiting = new Map(Object.entries(WAITING) as [string, Perform<unknown>][]);
const immediate = new Map(
  Object.entries({ ...TASK_STATEMENTS, ...OBJECT_STATEMENTS }) as [string, Perform<unknown>][],
);

/** The trace of the scenario; one that needs a feature we lack gives the single event `unsupported`. */
export async function runScenario(scenario: Scenario): Promise<TraceEvent[]> {
  const missing = (scenario.features ?? []).filter((feature) => !FEATURES.has(feature)).sort();
  if (missing.length > 0) return [[0, "loop", "unsupported", null, missing]];
  const run = new Run(scenario);
  return run.toTheEnd(coroutine(run, "main"));
}

function stageOf(run: Run, actor: string): Stage {
  const stage: Stage = {
    run,
    actor,
    perform: (body) => performAll(stage, body),
    coroutine: (task) => coroutine(run, task),
    callback: (name, statements) => callback(run, name, statements),
  };
  return stage;
}

function coroutine(run: Run, task: string): () => Promise<Value> {
  return async () => {
    run.emit(task, "start", null, null);
    let outcome: Outcome;
    try {
      outcome = await performAll(stageOf(run, task), run.scenario.tasks[task] ?? []);
    } catch (error) {
      run.emit(task, "end", null, encodeException(error));
      throw error;
    }
    const value = outcome === undefined ? task : outcome.value;
    run.emit(task, "end", null, value);
    return value;
  };
}

async function performAll(stage: Stage, body: Body): Promise<Outcome> {
  for (const statement of body) {
    if (!stage.run.recording) return undefined;
    const outcome = await performOne(stage, statement);
    if (outcome !== undefined) return outcome;
  }
  return undefined;
}

async function performOne(stage: Stage, statement: Statement): Promise<Outcome> {
  const [op, ...args] = statement;
  const block = blocks.get(op);
  if (block !== undefined) return block(stage, ...args);
  const wait = waiting.get(op);
  if (wait === undefined) return performAtOnce(stage, statement);
  return over(stage, statement, () => wait(stage, ...args));
}

function performAtOnce(stage: Stage, statement: Statement): Outcome | Promise<Outcome> {
  const [op, ...args] = statement;
  if (op === "return") return returned(stage, encodeValue(args[0]));
  if (op === "raise") throw raised(stage, String(args[0]));
  const perform = immediate.get(op);
  if (perform === undefined) throw new Error(`The language has no statement ${op}`);
  let result: unknown;
  try {
    result = perform(stage, ...args);
  } catch (error) {
    emitOver(stage, statement, error);
    throw error;
  }
  if (result instanceof Promise) return over(stage, statement, () => result);
  emitOver(stage, statement, result);
  return undefined;
}

async function over(stage: Stage, statement: Statement, perform: () => unknown): Promise<undefined> {
  let result: unknown;
  try {
    result = await perform();
  } catch (error) {
    emitOver(stage, statement, error);
    throw error;
  }
  emitOver(stage, statement, result);
}

function emitOver({ run, actor }: Stage, [op, subject]: Statement, result: unknown): void {
  run.emit(actor, op, encodeValue(subject), encodeValue(result));
}

function returned({ run, actor }: Stage, value: Value): Returned {
  run.emit(actor, "return", null, value);
  return new Returned(value);
}

function raised({ run, actor }: Stage, label: string): Boom {
  run.emit(actor, "raise", label, null);
  return new Boom(label);
}

function callback(run: Run, name: string, body: Body): () => Promise<void> | undefined {
  const stage = stageOf(run, `@${name}`);
  return () => {
    run.emit(stage.actor, "run", null, null);
    return performFrom(stage, body, 0);
  };
}

function performFrom(stage: Stage, body: Body, first: number): Promise<void> | undefined {
  for (let i = first; i < body.length; i++) {
    const outcome = performAtOnce(stage, body[i]!);
    if (outcome instanceof Promise) return outcome.then(() => performFrom(stage, body, i + 1));
    if (outcome !== undefined) return undefined;
  }
  return undefined;
}
