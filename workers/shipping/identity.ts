// This tells which functions were written in one scope, so that they share its variables. V8's inspector shows a
// copy of each scope; that two copies are of one scope, only a change shows. So a function is stopped before its
// first statement, a mark is put into each of its scopes and looked for in those of the others, and the value that
// was there is put back. This is done for functions only that look as if they shared a variable that one of them
// assigns.
import { type CodeInspection, handleOf, inspect, post, type Scope } from "./inspector.ts";
import { type Frame, isDebuggable, type Start, stoppedIn } from "./stopped.ts";

/** A scope that was told from others. Two of them may turn out to be one. */
interface Identity {
  same: Identity | null;
  readonly others: WeakSet<Identity>;
}

/** A function that is to be told from others. `entry`: one that begins in the same scopes, if it is a class. */
interface Candidate {
  readonly fn: object;
  readonly entry?: object;
  readonly inspection: CodeInspection;
  readonly start: Start;
}

/** A function, and its scopes that there may be several of, outermost first. */
interface Member {
  readonly fn: object;
  readonly entry: object;
  readonly scopes: readonly Scope[];
}

/** Of each function: its scopes, outermost first. */
const identities = new WeakMap<object, Identity[]>();

/** The scopes that there may be several of, outermost first: those of modules and scripts there are once. */
export function innerScopes({ scopes }: CodeInspection): Scope[] {
  return scopes.filter(({ kind }) => !/^(Module|Script|Global)$/.test(kind)).reverse();
}

/** Whether two functions have the same scope at this depth; undefined when it was not told yet. */
export function isSameScope(one: object, other: object, depth: number): boolean | undefined {
  const [a, b] = [identityOf(one, depth), identityOf(other, depth)];
  if (a === b) return true;
  return a.others.has(b) || b.others.has(a) ? false : undefined;
}

/** Finds out which scopes these functions share; of those that cannot be started it is known when others were. */
export function tellApart(functions: readonly Candidate[]): void {
  if (!isDebuggable()) return;
  const members = functions.map(({ fn, inspection, start, entry = fn }) => ({
    fn,
    entry,
    start,
    scopes: innerScopes(inspection),
  }));
  for (const member of members) {
    const others = members.filter((other) => other !== member && !isTold(member, other));
    if (member.start && others.length > 0) compare(member, member.start, others);
  }
}

function isTold(one: Member, other: Member): boolean {
  const depth = Math.min(one.scopes.length, other.scopes.length);
  return Array.from({ length: depth }, (_, i) => isSameScope(one.fn, other.fn, i)).every(
    (told) => told !== undefined,
  );
}

function identityOf(fn: object, depth: number): Identity {
  const own = identities.get(fn) ?? [];
  identities.set(fn, own);
  own[depth] ??= { same: null, others: new WeakSet() };
  let identity = own[depth];
  while (identity.same) identity = identity.same;
  return identity;
}

/** A scope with a mark in it, in place of the value of one of its variables. */
interface Marked {
  readonly depth: number;
  readonly name: string;
  readonly mark: object;
  restore(): void;
}

function compare(member: Member, start: "call" | "next", others: readonly Member[]): void {
  const isAsked = (depth: number): boolean =>
    others.some(({ fn, scopes }) => depth < scopes.length && isSameScope(member.fn, fn, depth) === undefined);
  stoppedIn(member.entry, start, (frame) => {
    const marked = [...member.scopes.entries()].flatMap(([depth, scope]) =>
      isAsked(depth) ? mark(frame, depth, scope) : [],
    );
    try {
      const own = heldBy(member.fn, marked);
      for (const other of others) note(member, other, own, heldBy(other.fn, own));
    } finally {
      for (const { restore } of marked) restore();
    }
  });
}

/** Puts a mark into a scope; nothing where no variable of it has a value. */
function mark({ callFrameId, scopeChain, exchange }: Frame, depth: number, scope: Scope): Marked[] {
  const inner = scopeChain
    .map(({ type }, number) => ({ type, number }))
    .filter(({ type }) => !/^(module|script|global)$/.test(type))
    .reverse();
  const number = inner[depth]?.number;
  const before = firstReadable(scope);
  if (number === undefined || !before) return [];
  const { name, value } = before;
  const set = (newValue: unknown): void => {
    const variable = { callFrameId, scopeNumber: number, variableName: name };
    post("Debugger.setVariableValue", { ...variable, newValue: argumentFor(newValue, exchange) });
  };
  const mark = {};
  set(mark);
  return [{ depth, name, mark, restore: () => set(value) }];
}

/** Those of the marks that are in the scopes of a function. */
function heldBy(fn: object, marked: readonly Marked[]): Marked[] {
  const inspection = inspect(fn);
  if (inspection.kind !== "code") return [];
  const scopes = innerScopes(inspection);
  return marked.filter(({ depth, name, mark }) => scopes[depth]?.variables[name] === mark);
}

/** Notes for each mark of a function whether another one holds it too. */
function note(member: Member, other: Member, own: readonly Marked[], held: readonly Marked[]): void {
  for (const marked of own) {
    if (marked.depth >= other.scopes.length) continue;
    const [a, b] = [identityOf(member.fn, marked.depth), identityOf(other.fn, marked.depth)];
    if (!held.includes(marked)) a.others.add(b);
    else if (a !== b) b.same = a;
  }
}

function firstReadable({ variables }: Scope): { name: string; value: unknown } | undefined {
  for (const name of Object.keys(variables)) {
    try {
      if (name !== "this" && name !== "arguments") return { name, value: variables[name] };
    } catch {
      // not initialised yet
    }
  }
  return undefined;
}

/** A value for the inspector. */
function argumentFor(value: unknown, exchange: string): object {
  if (
    (typeof value === "object" && value !== null) ||
    typeof value === "function" ||
    typeof value === "symbol"
  )
    return { objectId: handleOf(value as object, exchange) };
  if (typeof value === "bigint") return { unserializableValue: `${value}n` };
  if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)))
    return { unserializableValue: Object.is(value, -0) ? "-0" : String(value) };
  return value === undefined ? {} : { value };
}
