// What a machine is told by others is looked at before it is used: each field has the kind that it has to have, and what
// is not known here is dropped. So nothing that a thread understands between threads, such as source code beside a call,
// gets there from another machine.

import type { CarriedVariable } from "../../src/core.ts";
import type { Attached, JobKind, JobLife } from "../../workers/wire/protocol.ts";
import { PayloadError } from "../errors.ts";
import type { BatchBody, CallDetails, CallRecord, WrittenArgs } from "../protocol.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A batch that came by the inbox: its id, its turn and its body. Throws PayloadError for anything else. */
export function directOf(
  id: unknown,
  turn: unknown,
  body: unknown,
): { id: string; turn: number; body: Uint8Array } {
  return { id: textOf(id), turn: countOf(turn), body: bytesOf(body) };
}

/** The ids of batches. Throws PayloadError for anything else. */
export function idsOf(ids: unknown): string[] {
  return listOf(ids, "batches").map(textOf);
}

/** The body of a batch. Throws PayloadError for anything else. */
export function batchOf(content: unknown): BatchBody {
  const { codes, calls, cancelOrphans, most } = fieldsOf(content, "a batch");
  const known = listOf(codes, "functions").map((code) => {
    const [recipe, name] = listOf(code, "a function");
    return [bytesOf(recipe), textOf(name)] as const;
  });
  const numbers = new Set<number>();
  const records = listOf(calls, "calls").map((call) => {
    const [number, code, args, details] = listOf(call, "a call");
    const at = countOf(number);
    if (numbers.has(at) || countOf(code) >= known.length) throw damaged("a call");
    numbers.add(at);
    const written = (args instanceof Uint8Array ? args : listOf(args, "arguments")) as WrittenArgs;
    return (
      details === undefined ? [at, code, written] : [at, code, written, bytesOf(details)]
    ) as CallRecord;
  });
  if (records.length === 0) throw damaged("calls");
  return { codes: known, calls: records, cancelOrphans: cancelOrphans === true, most: countOf(most) };
}

/**
 * What a call is beside a function and arguments; actors and broadcasts are for those only that came to this very machine.
 * Throws PayloadError for anything else.
 */
export function detailsOf(content: unknown, { isDirect }: { readonly isDirect: boolean }): CallDetails {
  const { kind, attached, options, callbacks } = fieldsOf(content, "a call");
  return {
    kind: kindOf(fieldsOf(kind, "a call"), isDirect),
    attached: attachedOf(fieldsOf(attached, "a call")),
    options: optionsOf(fieldsOf(options, "options")),
    callbacks: callbacks === null ? null : listOf(callbacks, "callbacks").map(countOf),
  };
}

function kindOf({ is, credit, id, method, number }: Fields, isDirect: boolean): JobKind {
  if (is === undefined || is === "call") return {};
  if (is === "each") return { is };
  if (is === "stream") return { is, credit: countOf(credit) };
  if (isDirect) {
    if (is === "actorMake" || is === "actorDrop") return { is, id: countOf(id) };
    if (is === "actorCall") return { is, id: countOf(id), method: textOf(method) };
    if (is === "broadcast") return { is, number: countOf(number) };
  }
  throw new PayloadError(`Calls of the kind "${String(is)}" do not come from other machines`);
}

function attachedOf({ name, stores, variables, life }: Fields): Attached {
  return {
    ...(name === undefined ? {} : { name: textOf(name) }),
    ...(stores === undefined ? {} : { stores: fieldsOf(stores, "context") }),
    ...(variables === undefined ? {} : { variables: listOf(variables, "context").map(variableOf) }),
    ...(life === undefined ? {} : { life: lifeOf(fieldsOf(life, "a trace")) }),
  };
}

function variableOf(variable: unknown): CarriedVariable {
  const { key, value, missing } = fieldsOf(variable, "context");
  return missing === undefined ? { key: textOf(key), value } : { key: textOf(key), missing: textOf(missing) };
}

function lifeOf({ id, name, pool, carrier }: Fields): JobLife {
  const texts = Object.entries(fieldsOf(carrier, "a trace")).map(([key, text]) => [key, textOf(text)]);
  return {
    id: countOf(id),
    name: textOf(name),
    pool: textOf(pool),
    carrier: Object.fromEntries(texts),
    recorded: false, // what another machine records is its own
  };
}

function optionsOf({ timeout, cancelGrace, name }: Fields): CallDetails["options"] {
  return {
    ...(timeout === undefined ? {} : { timeout: millisecondsOf(timeout) }),
    ...(cancelGrace === undefined ? {} : { cancelGrace: millisecondsOf(cancelGrace) }),
    ...(name === undefined ? {} : { name: textOf(name) }),
  };
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw damaged(what);
  return value as Fields;
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw damaged(what);
  return value;
}

function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw damaged("a value");
  return value;
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw damaged("a name");
  return value;
}

function countOf(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw damaged("a number");
  return value as number;
}

function millisecondsOf(value: unknown): number {
  if (typeof value !== "number" || !(value >= 0)) throw damaged("a time");
  return value;
}

function damaged(what: string): PayloadError {
  return new PayloadError(`A message is not what this version understands: ${what} in it cannot be read`);
}
