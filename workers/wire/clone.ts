// This finds what it is in a value that structured clone refuses, so that the error can name it.

import { types } from "node:util";
import { clauseOf } from "../shipping/reason.ts";
import { keyOf, kindOf } from "./describe.ts";
import { CloneError } from "./errors.ts";
import { packed } from "./message.ts";
import type { Details } from "./protocol.ts";

/** How deep, and through how many properties, the culprit is looked for. */
const DEPTH = 6;
const BREADTH = 1000;

/** The error for a job that could not be posted: for its arguments, its context stores or its function. */
export function jobError(
  job: string,
  args: readonly unknown[],
  details: Details | undefined,
  cause: unknown,
): CloneError {
  const at = args.findIndex((value) => !isCloneable(value));
  if (at >= 0) return argumentError(job, at, args[at], cause);
  const stores = details?.stores ?? {};
  const store = Object.keys(stores).find((each) => !isCloneable(stores[each]));
  if (store !== undefined) return storeError(job, store, stores[store], cause);
  if (details?.recipe !== undefined && !isCloneable(details.recipe)) return codeError(job, cause);
  return new CloneError(`The arguments of job \`${job}\` cannot be sent to a worker: ${clauseOf(cause)}`, {
    cause,
  });
}

function argumentError(job: string, at: number, value: unknown, cause: unknown): CloneError {
  const where = `argument ${at + 1} of job \`${job}\``;
  return new CloneError(`Cannot copy ${where} to a worker: ${describe(value, "it")}. ${ADVICE}`, { cause });
}

function storeError(job: string, store: string, value: unknown, cause: unknown): CloneError {
  const what = describe(value, `context store \`${store}\``);
  return new CloneError(`Cannot copy what travels with job \`${job}\`: ${what}. ${ADVICE}`, { cause });
}

/** The error for a job whose function could not be posted. */
export function codeError(job: string, cause: unknown): CloneError {
  return new CloneError(
    `Cannot copy what the function of job \`${job}\` captures: ${clauseOf(cause)}. ${ADVICE}`,
    { cause },
  );
}

/** The error for a job whose result could not be posted. */
export function resultError(job: string, result: unknown, cause: unknown): CloneError {
  if (isCloneable(result))
    return new CloneError(`The result of job \`${job}\` cannot be sent back: ${clauseOf(cause)}`, { cause });
  return new CloneError(
    `Cannot copy the result of job \`${job}\` back: ${describe(result, "it")}. ${ADVICE}`,
    { cause },
  );
}

/** The error for a call back from a worker whose arguments, or whose result, could not be posted. */
export function callbackError(
  what: "arguments" | "result",
  callback: string,
  job: string,
  value: unknown,
  cause: unknown,
): CloneError {
  const which = `the ${what} of callback \`${callback}\` of job \`${job}\``;
  if (isCloneable(value))
    return new CloneError(`Cannot copy ${which} to the other thread: ${clauseOf(cause)}`, { cause });
  return new CloneError(`Cannot copy ${which} to the other thread: ${describe(value, "it")}. ${ADVICE}`, {
    cause,
  });
}

/** The error for what was written and cannot be read: `what` names it, at the beginning of a sentence. */
export function unreadableError(what: string): CloneError {
  return new CloneError(
    `${what} cannot be read in the other thread, most likely as it is nested too deeply for the stack there. ${ADVICE}`,
  );
}

const ADVICE =
  "Send plain data (what structuredClone() takes), or keep the object in one thread and send what it needs";

export function isCloneable(value: unknown): boolean {
  try {
    structuredClone(packed(value));
    return true;
  } catch {
    return false;
  }
}

/** Names the innermost thing that cannot be cloned. Never throws: what the value's own code throws is passed over. */
function describe(value: unknown, path: string, depth: number = DEPTH): string {
  const inner = depth > 0 && !Thrown.is(value) ? firstUncloneable(value) : undefined;
  if (inner !== undefined) return describe(inner.value, `${path}${inner.step}`, depth - 1);
  return `${path} is ${Thrown.is(value) ? `a getter that throws (${clauseOf(value.error)})` : kindOf(value)}`;
}

function firstUncloneable(value: unknown): { step: string; value: unknown } | undefined {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return undefined;
  try {
    for (const [step, child] of children(value)) if (!isCloneable(child)) return { step, value: child };
  } catch {} // its code throws: then it is named itself
  return undefined;
}

function* children(value: object): Generator<[string, unknown]> {
  if (types.isMap(value)) {
    for (const [key, item] of Map.prototype.entries.call(value)) {
      yield [" (a key)", key];
      yield [`.get(${keyOf(key)})`, item];
    }
  } else if (types.isSet(value))
    for (const item of Set.prototype.values.call(value)) yield [" (a member)", item];
  else {
    for (const key of Object.keys(value).slice(0, BREADTH)) {
      yield [Array.isArray(value) ? `[${key}]` : `.${key}`, read(value, key)];
    }
  }
}

/** What reading a property threw. It is no more cloneable than what it stands for. */
class Thrown {
  readonly error: unknown;
  readonly refuse = () => {};
  #mark = null;

  constructor(error: unknown) {
    this.error = error;
  }

  /** By a private field: `instanceof` runs the traps of a Proxy. */
  static is(value: unknown): value is Thrown {
    return typeof value === "object" && value !== null && #mark in value;
  }
}

function read(object: object, key: string): unknown {
  try {
    return Reflect.get(object, key);
  } catch (error) {
    return new Thrown(error);
  }
}
