// A function goes by value when no module exports it: what travels is its source, and the values that the variables which
// it captures have at this moment. Functions among those go by reference where they can, else by value as well.
//
// Python's cloudpickle divides the same way: what can be imported over there goes by name, as it is then the same function
// with the module's state, and only what cannot is taken apart. It finds the captured variables in the function's cells.
// JavaScript shows them to nobody but a debugger, so they are read over the inspector (`inspector`, `stopped`), and the
// source tells which of them are used (`syntax`). Two things make it hard. Two functions may share a variable, and have to
// share it over there as well: `sharing` and `identity` find out. And a value may know the function that captures it, so
// the copy is a graph whose nodes are numbered before what they are made of is known (`copying`).

import { types } from "node:util";
import { isBundled } from "../../src/core.ts";
import { importsAmong } from "./bindings.ts";
import { comparable } from "./comparable.ts";
import {
  addNode,
  type Copying,
  cannotSend,
  type Referred,
  type Shipped,
  tooDeep,
  type UsedExport,
  within,
} from "./copying.ts";
import { copyObject, cutWindows } from "./copyobject.ts";
import { classVariables, stateOf } from "./copystate.ts";
import { declarationOf } from "./declared.ts";
import { isEntry } from "./entry.ts";
import { builtinReference, globalReference } from "./globals.ts";
import { type BoundInspection, type CodeInspection, valueIn } from "./inspector.ts";
import { functionsOf, prototypeOf } from "./members.ts";
import { exploredModule } from "./modules.ts";
import { type CallMoment, noteModuleOnly } from "./moment.ts";
import { propertiesUsed } from "./narrow.ts";
import { log, noticeAssignments, noticeCopy } from "./notices.ts";
import { nameOf, type Plan, planFor, waysIn } from "./plan.ts";
import { isWellKnown, valuesOf } from "./properties.ts";
import { clauseOf } from "./reason.ts";
import {
  type Copy,
  type CopyNode,
  describeReference,
  type Property,
  type Reference,
  type Slot,
} from "./recipe.ts";
import { isNative, lookUp, whyLost } from "./references.ts";
import { scriptUrl } from "./scripts.ts";
import { shareVariables } from "./sharing.ts";
import { ShipError } from "./shiperror.ts";
import { thisOf, whileDebuggable } from "./stopped.ts";
import { type Entangled, entangledIn, isApart } from "./unexported.ts";

/** Values that are taken apart may hold others this deep: the inspector needs stack as well. */
const DEEPEST = 500;

export interface CopiedFunction {
  readonly copy: Copy;
  /** Nothing in it can change from call to call, but for what `uses` names. */
  readonly stable: boolean;
  readonly uses: readonly UsedExport[];
}

/** Copies a function; a promise when modules have to be looked at first: then ask again, with the same moment. */
export function copyFunction(fn: object, moment: CallMoment): CopiedFunction | Promise<unknown> {
  return whileDebuggable(() => copied(fn, moment));
}

function copied(fn: object, moment: CallMoment): CopiedFunction | Promise<unknown> {
  const copying = settled(fn, moment);
  if (copying.pending.length > 0) return Promise.all(copying.pending);
  cutWindows(copying);
  shareVariables(copying);
  noticeAssignments(copying);
  const inspection = moment.inspect(fn);
  if (inspection.kind === "code") noticeCopy(planFor(fn, inspection), copying);
  return { copy: { kind: "copy", nodes: copying.nodes }, stable: copying.stable, uses: copying.uses };
}

/** A copy in which nothing is twice: as a value, and in a module that is referred to. */
function settled(fn: object, moment: CallMoment): Copying {
  let copying = taken(fn, moment, new Set());
  for (;;) {
    if (copying.pending.length > 0) return copying;
    const entangled = entangledIn(copying);
    if (copying.pending.length > 0 || entangled.urls.length === 0) return copying;
    try {
      copying = taken(fn, moment, new Set([...copying.apart, ...entangled.urls]));
    } catch (error) {
      if (!(error instanceof ShipError)) throw error;
      if (entangled.type) throw notAlone(copying, entangled, error);
      // What the module keeps to itself is data or helpers: they travel, and the module has its own.
      return copying;
    }
  }
}

function taken(fn: object, moment: CallMoment, apart: ReadonlySet<string>): Copying {
  const root = types.isProxy(fn) ? "(proxy)" : nameOf(fn);
  const copying = newCopying(moment, root, { whole: true, apart });
  copying.slot(fn);
  if (copying.weak.size === 0) return copying;
  const again = newCopying(moment, root, { whole: false, apart });
  again.slot(fn);
  fillWeak(again);
  return again;
}

function notAlone({ root }: Copying, { type, urls }: Entangled, error: ShipError): ShipError {
  const { title } = type!.plan.code;
  return new ShipError(
    error.code,
    `Cannot send function ${root} to a worker thread: it takes along the class ${title}, which its module does not export, or which was changed. ` +
      `A thread that loads the module has another one, and nothing of ${urls.join(", ")} can go by value beside it: ${clauseOf(error)}. ` +
      "Export the class",
    { cause: error },
  );
}

/** What a WeakMap holds for an object that travels leads to more objects, for which it or another may hold something. */
function fillWeak(copying: Copying): void {
  const done = new Map<object, Set<object>>();
  for (let known = -1; known < copying.numbers.size; ) {
    known = copying.numbers.size;
    for (const [holder, entries] of copying.weak) {
      const keys = done.get(holder) ?? new Set();
      done.set(holder, keys);
      for (const [key, number] of newKeys(copying, holder, keys)) {
        keys.add(key);
        entries.push([[number], types.isWeakMap(holder) ? copying.slot(holder.get(key)) : undefined]);
      }
    }
  }
}

const newKeys = (
  { numbers }: Copying,
  holder: WeakSet<object> | WeakMap<object, unknown>,
  known: Set<object>,
) => [...numbers].filter(([object]) => !known.has(object) && holder.has(object));

function newCopying(
  moment: CallMoment,
  root: string,
  { whole, apart }: Pick<Copying, "whole" | "apart">,
): Copying {
  const copying: Copying = {
    moment,
    nodes: [],
    numbers: new Map(),
    narrowed: new Map(),
    weak: new Map(),
    bytes: new Map(),
    whole,
    trail: [],
    root,
    pending: [],
    captures: [],
    uses: [],
    shipped: [],
    referred: [],
    apart,
    stable: true,
    size: 0,
    url: "",
    slot: (value, only) => slotFor(copying, value, only),
  };
  return copying;
}

function slotFor(copying: Copying, value: unknown, only?: readonly string[]): Slot {
  if (typeof value === "symbol") return [copying.nodes.push(symbolNode(copying, value)) - 1];
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return value as Slot;
  const known = copying.numbers.get(value);
  if (known !== undefined) return [known];
  if (copying.trail.length > DEEPEST) throw tooDeep(copying);
  const narrowed = copying.narrowed.get(value);
  const number = narrowed ?? copying.nodes.push({ kind: "data", value: undefined }) - 1;
  if (only) return narrowedSlot(copying, value, only, number);
  copying.numbers.set(value, number);
  copying.nodes[number] =
    typeof value === "function" ? functionNode(copying, value, number) : copyObject(copying, value);
  return [number];
}

/** Of an object all functions get the same one, with the properties that each of them uses. */
function narrowedSlot(copying: Copying, object: object, only: readonly string[], number: number): Slot {
  const known = (): readonly Property[] => {
    const node = copying.nodes[number]!;
    return node.kind === "object" ? node.properties : [];
  };
  if (!copying.narrowed.has(object)) copying.nodes[number] = { kind: "object", properties: [] };
  copying.narrowed.set(object, number);
  for (const name of only) {
    if (known().some(([key]) => key === name)) continue;
    const properties = valuesOf(copying, object, [name]);
    // That may have led back to this object.
    copying.nodes[number] = { kind: "object", properties: [...known(), ...properties] };
  }
  return [number];
}

function symbolNode(copying: Copying, symbol: symbol): CopyNode {
  const key = Symbol.keyFor(symbol);
  if (key !== undefined) return { kind: "symbol", key };
  if (isWellKnown(symbol)) {
    return {
      kind: "reference",
      reference: { kind: "global", path: ["Symbol", symbol.description!.slice("Symbol.".length)] },
    };
  }
  throw cannotSend(
    copying,
    `${String(symbol)}, a symbol of this thread`,
    "Use Symbol.for(), which is the same in all threads; if it is of a package that is in a bundle, leave that package external",
  );
}

declare const __webpack_require__: unknown;

/** Whether a function is that by which a bundle of webpack's, with this package in it, knows its modules. */
function isBundlersRequire(fn: object): boolean {
  return typeof __webpack_require__ === "function" && fn === __webpack_require__;
}

function functionNode(copying: Copying, fn: object, number: number): CopyNode {
  if (types.isProxy(fn))
    throw cannotSend(copying, "a Proxy, which belongs to this thread", "Send the function behind it");
  const reference = number === 0 ? null : referenceOf(copying, fn);
  if (reference) return { kind: "reference", reference };
  if (reference === undefined) {
    // This copy will be thrown away.
    inspectAhead(copying, fn, { left: MOST_AHEAD, seen: new Set() });
    return { kind: "data", value: undefined };
  }
  const inspection = copying.moment.inspect(fn);
  if (inspection.kind === "bound") return boundNode(copying, inspection);
  // What another vm context made of Node's own looks native as well, though V8 tells a place.
  if (inspection.kind === "native" || isNative(fn)) {
    throw cannotSend(
      copying,
      "a native function that no global name leads to",
      "Call it from a function of your own",
    );
  }
  if (isBundlersRequire(fn)) {
    throw cannotSend(
      copying,
      "what webpack made of an import() or a require(), which leads to every module of the bundle",
      "Import the module at the head of the file, so that what the function uses of it travels along, or keep threadloop external to the bundle",
    );
  }
  const url = scriptUrl(inspection.scriptId);
  if (!url.startsWith("node:"))
    return codeNode(copying, { fn, plan: planOf(copying, fn, inspection), inspection, number }, url);
  // CommonJS gives each module a `require` of its own.
  if ("resolve" in fn && "cache" in fn && copying.url.startsWith("file:"))
    return { kind: "require", url: copying.url };
  throw cannotSend(
    copying,
    `${nameOf(fn)}, an internal function of Node.js`,
    "Call it from a function of your own",
  );
}

/** So many functions are inspected for one that may turn out to go by reference. */
const MOST_AHEAD = 500;

/** Has the variables read at this moment that a function closes over, and those of the functions that are in them. */
function inspectAhead({ moment }: Copying, start: object, ahead: { left: number; seen: Set<object> }): void {
  const waiting = [start];
  for (let fn = waiting.pop(); fn; fn = waiting.pop()) {
    if (ahead.seen.has(fn) || types.isProxy(fn) || ahead.left-- <= 0) continue;
    ahead.seen.add(fn);
    const inspection = moment.inspect(fn);
    if (inspection.kind !== "code") continue;
    waiting.push(...functionsIn(inspection, Function.prototype.toString.call(fn)));
    for (const holder of [fn, prototypeOf(fn)])
      if (holder) waiting.push(...functionsOf(holder).map((member) => member.fn));
  }
}

/** The functions in the variables that a source names, but for those of its module, which are read once for all. */
function functionsIn({ scopes }: CodeInspection, source: string): object[] {
  return scopes
    .filter(({ kind }) => !/^(Module|Script|Global)$/.test(kind))
    .flatMap((scope) =>
      Object.keys(scope.variables)
        .filter((name) => source.includes(name))
        .map((name) => valueIn(scope, name)),
    )
    .filter((value): value is object => typeof value === "function");
}

/** undefined: not known yet. */
function referenceOf(copying: Copying, fn: object): Reference | null | undefined {
  const declared = declarationOf(fn);
  if (declared && whyLost(declared) === undefined) return unlessApart(copying, fn, declared);
  const found = lookUp(fn, copying.moment);
  if (!(found instanceof Promise)) return found && unlessApart(copying, fn, found);
  copying.pending.push(found);
  return undefined;
}

function unlessApart(copying: Copying, value: object, reference: Reference): Reference | null {
  const referred: Referred = { value, reference };
  // A module may export what is the language's.
  if (isApart(copying, referred)) return globalReference(value) ?? builtinReference(value);
  copying.referred.push(referred);
  return reference;
}

function boundNode(copying: Copying, { target, self, args }: BoundInspection): CopyNode {
  if ([self, ...args].some((value) => typeof value === "object" && value !== null)) copying.stable = false;
  const part = (name: string, value: unknown): Slot =>
    within(copying, { kind: "variable", how: "bound", name }, () => copying.slot(value));
  return {
    kind: "bound",
    target: part("function", target),
    self: part("this", self),
    args: args.map((arg, i) => part(`argument ${i + 1}`, arg)),
  };
}

function codeNode(copying: Copying, shipped: Shipped, url: string): CopyNode {
  const { title } = shipped.plan.code;
  copying.shipped.push(shipped);
  if (copying.trail.length > 0) {
    return within(copying, { kind: "function", title }, () => takenApart(copying, shipped, url));
  }
  copying.root = title;
  return takenApart(copying, shipped, url);
}

/** When a captured function cannot be copied, the error names the function that was sent and the way there as well. */
function planOf(copying: Copying, fn: object, inspection: CodeInspection): Plan {
  try {
    return planFor(fn, inspection);
  } catch (error) {
    if (copying.trail.length === 0 || !(error instanceof ShipError)) throw error;
    const { message } = cannotSend(copying, "a function that cannot be copied", error.message);
    throw new ShipError(error.code, message, { cause: error.cause });
  }
}

function takenApart(copying: Copying, { fn, plan, inspection }: Shipped, url: string): CopyNode {
  if (!findImports(copying, plan, inspection)) return lookAhead(copying, { fn, plan, inspection });
  noteModuleOnly(fn, inspection, plan.usesArguments ? ["arguments"] : plan.captured);
  const outer = copying.url;
  copying.url = url;
  const node = filledIn(copying, fn, plan, inspection);
  copying.url = outer;
  return node;
}

/** This copy will be thrown away; but the variables of the functions that this one leads to are read at this moment. */
function lookAhead(copying: Copying, { fn, plan, inspection }: Omit<Shipped, "number">): CopyNode {
  try {
    filledIn(copying, fn, plan, inspection);
  } catch (error) {
    if (!(error instanceof ShipError)) throw error;
  }
  return { kind: "data", value: undefined };
}

function findImports(copying: Copying, plan: Plan, { scopes }: CodeInspection): boolean {
  if (plan.imports) return true;
  const imports = importsAmong(plan.captured, plan.code.url, scopes);
  if (imports instanceof Promise) copying.pending.push(imports);
  else plan.imports = imports;
  return plan.imports !== undefined;
}

function filledIn(copying: Copying, fn: object, plan: Plan, inspection: CodeInspection): CopyNode {
  const values = plan.captured.map((name) => capturedValue(copying, plan, inspection, name));
  if (plan.meta) values.push(copying.slot(plan.meta));
  if (plan.extendsParent) {
    values.push(
      within(copying, { kind: "variable", how: "captured", name: "parent class" }, () =>
        copying.slot(Object.getPrototypeOf(fn)),
      ),
    );
  }
  for (const value of classVariables(copying, fn, plan)) values.push(value);
  const state = stateOf(copying, fn, plan);
  return {
    kind: "code",
    code: plan.code,
    name: ownName(fn),
    values,
    ...state,
    ...(plan.usesThis && selfOf(copying, fn, plan)),
    ...(plan.usesArguments && { args: argumentsOf(copying, inspection) }),
  };
}

/** The `this` of where an arrow function was written. */
function selfOf(copying: Copying, fn: object, plan: Plan): { self?: Slot } {
  copying.stable = false;
  const found = thisOf(fn, waysIn(plan));
  if (!found) return {};
  const slot = within(copying, { kind: "variable", how: "captured", name: "this" }, () =>
    copying.slot(found.value),
  );
  return { self: slot === undefined ? addNode(copying, { kind: "data", value: undefined }) : slot };
}

/** A name may have been given to it where it was assigned; a class may have a member of that name. */
function ownName(fn: object): string {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, "name")?.value;
  return typeof name === "string" ? name : "";
}

function capturedValue(copying: Copying, plan: Plan, { scopes }: CodeInspection, name: string): Slot {
  const isOwn = copying.trail.length === 0;
  const imported = plan.imports?.get(name);
  if (imported && !isBundledIn(imported) && whyLost(imported) === undefined) {
    const slot = importedValue(copying, plan, imported, { name, value: read(copying, scopes, name) });
    if (slot) return slot;
  }
  copying.stable = false;
  return within(copying, { kind: "variable", how: "captured", name }, () => {
    const value = read(copying, scopes, name);
    const before = copying.size;
    const slot = copying.slot(value, propertiesUsed(plan.code.source, name, value));
    if (isOwn && log.enabled)
      copying.captures.push({ name, how: describeCapture(copying, slot, copying.size - before) });
    return slot;
  });
}

/** The reference to what a file imports; undefined when that has to go by value. */
function importedValue(
  copying: Copying,
  plan: Plan,
  imported: Reference,
  { name, value }: { name: string; value: unknown },
): Slot | undefined {
  if (!travelsAsImport(imported, value)) return undefined;
  const used = propertiesUsed(plan.code.source, name, value);
  const referred = isObject(value) ? { value, used, reference: imported } : undefined;
  if (referred) {
    if (isApart(copying, referred)) return undefined;
    copying.referred.push(referred);
  }
  if (copying.trail.length === 0 && log.enabled)
    copying.captures.push({ name, how: describeReference(imported) });
  noteUses(copying, imported, value, used);
  return addNode(copying, {
    kind: "reference",
    reference: referred ? comparable(referred.value, imported, used) : imported,
  });
}

/** What a chunk of a bundle imports from another one has no names that last, and may be of this very package. */
function isBundledIn(reference: Reference): boolean {
  return (
    isBundled() && reference.kind === "module" && reference.url.startsWith("file:") && isEntry(reference.url)
  );
}

/** Notes which exports of loaded modules a captured import stands for, and which functions of it. */
function noteUses({ uses }: Copying, imported: Reference, value: unknown, used?: readonly string[]): void {
  if (imported.kind === "global" || imported.kind === "declared") return;
  const exports = exploredModule(imported)?.exports;
  const [name] = imported.path;
  if (exports && name !== undefined) uses.push({ exports, name, value });
  if (!isObject(value)) return;
  // A helper without any functions, as most are, is not asked at each call whether it has got some.
  const mayGrow = typeof value !== "function" || isClass(value);
  noteFunctions(uses, value, { mayGrow, used });
  const prototype = prototypeOf(value);
  if (prototype) noteFunctions(uses, prototype, { mayGrow });
}

const isClass = (fn: object): boolean => /^class\b/.test(Function.prototype.toString.call(fn));

function noteFunctions(
  uses: UsedExport[],
  holder: object,
  { mayGrow, used }: { mayGrow: boolean; used?: readonly string[] | undefined },
): void {
  if (types.isProxy(holder)) return;
  const members = functionsOf(holder, used);
  for (const member of members) uses.push({ holder, member });
  if (used !== undefined || types.isModuleNamespaceObject(holder)) return;
  if (mayGrow || members.length > 0)
    uses.push({ holder, functions: members.length, properties: Reflect.ownKeys(holder).length });
}

/** An imported primitive may be a variable that this thread has changed: its value travels, except Node's (`isMainThread`). */
function travelsAsImport(imported: Reference, value: unknown): boolean {
  if (isObject(value)) return true;
  return imported.kind === "module" && imported.url.startsWith("node:");
}

const isObject = (value: unknown): value is object =>
  typeof value === "function" || (typeof value === "object" && value !== null);

function read(copying: Copying, scopes: CodeInspection["scopes"], name: string): unknown {
  const scope = scopes.find(({ kind, variables }) => kind !== "Global" && name in variables);
  try {
    return (scope?.variables ?? (globalThis as Record<string, unknown>))[name];
  } catch {
    throw cannotSend(copying, "not initialised yet", "Hand the function over after that line has run");
  }
}

function describeCapture(copying: Copying, slot: Slot, size: number): string {
  if (!Array.isArray(slot)) return typeof slot;
  const node = copying.nodes[slot[0] as number]!;
  return node.kind === "reference"
    ? describeReference(node.reference)
    : `${node.kind === "code" ? "by value" : node.kind}, ${size} bytes`;
}

function argumentsOf(copying: Copying, { scopes }: CodeInspection): Slot {
  copying.stable = false;
  const args = scopes.find(({ variables }) => "arguments" in variables)?.variables.arguments;
  return within(copying, { kind: "variable", how: "captured", name: "arguments" }, () =>
    copying.slot(Array.from((args ?? []) as ArrayLike<unknown>)),
  );
}
