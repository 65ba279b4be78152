// Which functions were written in one scope, so that they share its variables. V8's inspector shows a copy of each
// scope; that two copies are of one scope, only a change shows. So a function is called and stopped before its first
// statement, a mark is put into each of its scopes and looked for in those of the others, the value that was there is
// put back, and the call is ended: no code of the user runs. This takes the Debugger, on and off at once (15 ms the
// first time, then 3 ms), and is done for functions only that look as if they shared a variable that one of them assigns.
import { type CodeInspection, handleOf, inspect, listen, post, release, type Scope } from "./inspector.ts";
import { isCoverageCounted } from "./scripts.ts";

/** A scope that was told from others. Two of them may turn out to be one. */
interface Identity {
  same: Identity | null;
  readonly others: WeakSet<Identity>;
}

/** A function, and its scopes that there may be several of, outermost first. */
interface Member {
  readonly fn: object;
  readonly scopes: readonly Scope[];
}

/** How `fn` is called so that it begins: undefined when that cannot be without running code of the user. */
export type Start = "call" | "next" | undefined;

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
export function tellApart(
  functions: readonly { fn: object; inspection: CodeInspection; start: Start }[],
): void {
  if (isCoverageCounted()) return;
  const members = functions.map(({ fn, inspection, start }) => ({
    fn,
    start,
    scopes: innerScopes(inspection),
  }));
  post("Debugger.enable");
  try {
    for (const member of members) {
      const others = members.filter((other) => other !== member && !isTold(member, other));
      if (member.start && others.length > 0) compare(member, member.start, others);
    }
  } finally {
    post("Debugger.disable");
    release();
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

interface Frame {
  readonly callFrameId: string;
  readonly scopeChain: readonly { readonly type: string }[];
}

function compare(member: Member, start: "call" | "next", others: readonly Member[]): void {
  stoppedIn(member.fn, start, (frame) => {
    const inner = frame.scopeChain
      .map(({ type }, number) => ({ type, number }))
      .filter(({ type }) => !/^(module|script|global)$/.test(type))
      .reverse();
    for (const [depth, scope] of member.scopes.entries()) {
      const number = inner[depth]?.number;
      if (number !== undefined)
        withMark({ frame, number, scope }, (name, mark) => note(member, others, depth, name, mark));
    }
  });
}

/** Puts a mark into a scope for as long as `during` runs. */
function withMark(
  { frame, number, scope }: { frame: Frame; number: number; scope: Scope },
  during: (name: string, mark: object) => void,
): void {
  const before = firstReadable(scope);
  if (!before) return;
  const mark = {};
  const set = (value: unknown): void => {
    post("Debugger.setVariableValue", {
      callFrameId: frame.callFrameId,
      scopeNumber: number,
      variableName: before.name,
      newValue: argumentFor(value),
    });
  };
  set(mark);
  try {
    during(before.name, mark);
  } finally {
    set(before.value);
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
function argumentFor(value: unknown): object {
  if (
    (typeof value === "object" && value !== null) ||
    typeof value === "function" ||
    typeof value === "symbol"
  )
    return { objectId: handleOf(value as object) };
  if (typeof value === "bigint") return { unserializableValue: `${value}n` };
  if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)))
    return { unserializableValue: Object.is(value, -0) ? "-0" : String(value) };
  return value === undefined ? {} : { value };
}

function note(member: Member, others: readonly Member[], depth: number, name: string, mark: object): void {
  const holds = (fn: object): boolean => {
    const inspection = inspect(fn);
    return inspection.kind === "code" && innerScopes(inspection)[depth]?.variables[name] === mark;
  };
  if (!holds(member.fn)) return; // V8 numbers its scopes in another way here
  for (const other of others.filter(({ scopes }) => depth < scopes.length)) {
    const [a, b] = [identityOf(member.fn, depth), identityOf(other.fn, depth)];
    if (!holds(other.fn)) a.others.add(b);
    else if (a !== b) b.same = a;
  }
}

/** Calls a function, stops it before its first statement, and ends it when `during` has run. */
function stoppedIn(fn: object, start: "call" | "next", during: (frame: Frame) => void): void {
  const key = `threadloop.${Math.random().toString(36).slice(2)}`;
  const { result } = post<{ result: { objectId: string } }>("Runtime.evaluate", { expression: "globalThis" });
  const objectId = handleOf(fn);
  setGlobal(result.objectId, key, objectId);
  const { breakpointId } = post<{ breakpointId: string }>("Debugger.setBreakpointOnFunctionCall", {
    objectId,
  });
  let failure: unknown;
  const stopped = (params: unknown): void => {
    try {
      during((params as { callFrames: Frame[] }).callFrames[0]!);
    } catch (error) {
      failure = error;
    } finally {
      post("Debugger.resume", { terminateOnResume: true });
    }
  };
  try {
    const expression = `globalThis[${JSON.stringify(key)}]()${start === "next" ? ".next()" : ""}`;
    listen("Debugger.paused", stopped, () => evaluateAndEnd(expression));
  } finally {
    post("Debugger.removeBreakpoint", { breakpointId });
    setGlobal(result.objectId, key, undefined);
  }
  if (failure !== undefined) throw failure;
}

/** With a timeout V8 takes the termination back when the evaluation ends. */
function evaluateAndEnd(expression: string): void {
  try {
    post("Runtime.evaluate", { expression, silent: true, timeout: 60_000 });
  } catch {
    // It was terminated.
  }
}

function setGlobal(globalId: string, key: string, valueId: string | undefined): void {
  post("Runtime.callFunctionOn", {
    objectId: globalId,
    functionDeclaration: `function (value) { if (value) Object.defineProperty(this, ${JSON.stringify(key)}, { value, configurable: true }); else delete this[${JSON.stringify(key)}] }`,
    arguments: valueId === undefined ? [] : [{ objectId: valueId }],
    silent: true,
  });
}
