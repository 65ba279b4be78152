// Finds what it is in a value that structured clone refuses, so that the error can name it.

import { types } from "node:util";
import { CloneError } from "./errors.ts";

/** How deep, and through how many properties, the culprit is looked for. */
const DEPTH = 6;
const BREADTH = 1000;

/** The error for a job whose arguments could not be posted. */
export function argumentError(job: string, args: readonly unknown[], cause: unknown): CloneError {
  const at = args.findIndex((value) => !isCloneable(value));
  if (at < 0)
    return new CloneError(`The arguments of job \`${job}\` cannot be sent to a worker: ${reason(cause)}`, {
      cause,
    });
  const where = `argument ${at + 1} of job \`${job}\``;
  return new CloneError(`Cannot copy ${where} to a worker: ${describe(args[at], "it")}. ${ADVICE}`, {
    cause,
  });
}

/** The error for a job whose function could not be posted. */
export function codeError(job: string, cause: unknown): CloneError {
  return new CloneError(
    `Cannot copy what the function of job \`${job}\` captures: ${reason(cause)}. ${ADVICE}`,
    { cause },
  );
}

/** The error for a job whose context stores could not be posted. */
export function detailsError(
  job: string,
  stores: Readonly<Record<string, unknown>>,
  cause: unknown,
): CloneError {
  const name = Object.keys(stores).find((each) => !isCloneable(stores[each]));
  const what = name === undefined ? reason(cause) : describe(stores[name], `context store \`${name}\``);
  return new CloneError(`Cannot copy what travels with job \`${job}\`: ${what}. ${ADVICE}`, { cause });
}

/** The error for a job whose result could not be posted. */
export function resultError(job: string, result: unknown, cause: unknown): CloneError {
  if (isCloneable(result))
    return new CloneError(`The result of job \`${job}\` cannot be sent back: ${reason(cause)}`, { cause });
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
    return new CloneError(`Cannot copy ${which} to the other thread: ${reason(cause)}`, { cause });
  return new CloneError(`Cannot copy ${which} to the other thread: ${describe(value, "it")}. ${ADVICE}`, {
    cause,
  });
}

const ADVICE =
  "Send plain data (what structuredClone() takes), or keep the object in one thread and send what it needs";

function reason(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "");
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

function describe(value: unknown, path: string, depth: number = DEPTH): string {
  const inner = depth > 0 && !(value instanceof Thrown) ? firstUncloneable(value) : undefined;
  if (inner !== undefined) return describe(inner.value, `${path}${inner.step}`, depth - 1);
  return `${path} is ${kindOf(value)}`;
}

function firstUncloneable(value: unknown): { step: string; value: unknown } | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const [step, child] of children(value)) {
    if (!isCloneable(child)) return { step, value: child };
  }
  return undefined;
}

function* children(value: object): Generator<[string, unknown]> {
  if (value instanceof Map) for (const [key, item] of value) yield [`.get(${String(key)})`, item];
  else if (value instanceof Set) for (const item of value) yield [" (a member)", item];
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

  constructor(error: unknown) {
    this.error = error;
  }
}

function read(object: object, key: string): unknown {
  try {
    return Reflect.get(object, key);
  } catch (error) {
    return new Thrown(error);
  }
}

function kindOf(value: unknown): string {
  if (value instanceof Thrown) return `a getter that throws (${reason(value.error)})`;
  if (typeof value === "function") return `a function (${value.name || "anonymous"})`;
  if (typeof value === "symbol") return `a symbol (${String(value)})`;
  if (typeof value !== "object" || value === null) return `\`${String(value)}\``;
  if (types.isGeneratorObject(value)) return "a running generator (pool.stream() brings what one yields)";
  const name = value.constructor?.name;
  return name === "Object" || !name ? "an object that cannot be cloned" : `an instance of ${name}`;
}
