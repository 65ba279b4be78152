// This is what a statement has to work with: the run, who performs it, and the ways to perform other statements.

import type { Run } from "./run.ts";
import type { Body, Value } from "./scenario.ts";

/** A `return` under way: it leaves every enclosing block normally and ends the whole task body. */
export class Returned {
  readonly value: Value;
  constructor(value: Value) {
    this.value = value;
  }
}

export type Outcome = Returned | undefined;

export interface Stage {
  readonly run: Run;
  /** The task's name, or `@` and the callback's. */
  readonly actor: string;
  /** Performs statements in order, in a task. */
  perform(body: Body): Promise<Outcome>;
  /** The coroutine of a task's body. */
  coroutine(task: string): () => Promise<Value>;
  /** The callback of a `call_soon` or `call_later`; it is a promise if it starts a task eagerly. */
  callback(name: string, body: Body): () => Promise<void> | undefined;
}

/** The statements of one table of the language, each a function of the stage and its arguments. */
export type Statements<Table extends { [Op in keyof Table]: unknown[] }, Result = unknown> = {
  readonly [Op in keyof Table]: (stage: Stage, ...args: Table[Op]) => Result;
};
