// Functions of one shipment that were written in one scope share its variables over there: each variable that more than
// one of them uses, and that one of them assigns, is in a scope of its own, in which their sources are evaluated.

import { types } from "node:util";
import { isCommonjs } from "./callsites.ts";
import { constantsIn } from "./constants.ts";
import { type Copying, cannotSend, type Shipped } from "./copying.ts";
import { fileText } from "./filetext.ts";
import { innerScopes, isSameScope, tellApart } from "./identity.ts";
import { type Scope, valueIn } from "./inspector.ts";
import { LruMap } from "./lrumap.ts";
import { assignedBy, type Plan, waysIn } from "./plan.ts";
import type { CopyNode, Slot } from "./recipe.ts";
import { constantsOf, type Start } from "./stopped.ts";
import { decoded, syntaxOf } from "./syntax.ts";

type CodeNode = Extract<CopyNode, { kind: "code" }>;

/** A captured variable of a function. */
interface Use {
  readonly shipped: Shipped;
  readonly name: string;
  /** How many scopes are around that of the variable; less than 0: there is one such scope only. */
  readonly depth: number;
}

const GLOBAL = -3;
const SCRIPT = -2;
const MODULE = -1;

/** A scope, with what is shared in it. */
interface Shared {
  readonly depth: number;
  readonly uses: Use[];
  readonly values: Map<string, Slot>;
  readonly around: Set<Shared>;
  strict: boolean;
  /** Greater than that of each scope around it. */
  order: number;
  /** Its node. */
  number: number;
}

/** Puts the variables that functions share into scopes. */
export function shareVariables(copying: Copying): void {
  settleConstants(copying);
  const assigned = new Set(copying.shipped.flatMap(({ plan }) => [...assignedBy(plan)]));
  if (assigned.size === 0 || copying.shipped.length < 2) return;
  const found: Shared[] = [];
  for (const name of assigned) for (const uses of sharedGroups(copying, name)) addGroup(copying, found, uses);
  if (found.length > 0) nest(copying, found);
}

/** What is assigned to a constant throws here: so it does over there, or it is refused. */
function settleConstants(copying: Copying): void {
  for (const shipped of copying.shipped) {
    const { plan } = shipped;
    plan.constants ??= constantsAmong(shipped, [...assignedBy(plan)]);
    const [name] = plan.constants;
    if (name === undefined) continue;
    if (mayEvaluate(plan.code.source)) keepConstants(copying, shipped, plan.constants);
    else
      throw cannotSend(
        copying,
        `a function, or leads to one, that assigns to a constant: ${name} in ${plan.code.title}`,
        "Declare the variable with let, or leave the assignment out",
      );
  }
}

const mayEvaluate = (source: string): boolean =>
  /\beval\b/.test(decoded(source)) && syntaxOf(source)?.evaluates !== false;

/** `eval` may try to assign whatever there is: what is a constant or an import here is a constant over there. */
function keepConstants({ nodes }: Copying, { plan, number }: Shipped, constants: readonly string[]): void {
  if (!plan.code.constants) {
    plan.code = { ...plan.code, constants };
    plan.assigned = new Set([...assignedBy(plan)].filter((name) => !constants.includes(name)));
  }
  nodes[number] = { ...(nodes[number] as CodeNode), code: plan.code };
}

function constantsAmong(shipped: Shipped, names: readonly string[]): readonly string[] {
  if (names.length === 0) return names;
  const { code, imports } = shipped.plan;
  const imported = names.filter((name) => imports?.has(name));
  const suspects = names.filter((name) => !imports?.has(name)).filter(mayBeConstant(code.url));
  if (suspects.length === 0) return imported;
  const told = constantsIn(Function.prototype.toString.call(shipped.fn), code);
  if (told) return [...imported, ...suspects.filter((name) => told.has(name))];
  const { start, entry = shipped.fn } = beginning(shipped);
  return [...imported, ...constantsOf(entry, start, suspects)];
}

/** Tells of a name whether its file may declare a constant of it: most often its text shows that it does not. */
function mayBeConstant(url: string): (name: string) => boolean {
  const text = fileText(url);
  if (text === null) return () => true;
  let names = declared.get(text);
  if (names === undefined) {
    names = mayBeDeclared(decoded(text));
    declared.set(text, names);
  }
  return (name) => names.has(name);
}

/** By the texts of files: what may be a constant there. */
const declared = new LruMap<string, ReadonlySet<string>>(8);

/** The first of a declaration, or a pattern; a later one. */
const DECLARED =
  /\bconst\s+([\p{ID_Continue}$]+)|\bconst\s*(?=([{[][^;]{0,500}[\p{ID_Continue}$]*))|,\s*([\p{ID_Continue}$]+)\s*=(?![=>])/gu;

function mayBeDeclared(text: string): Set<string> {
  const names = new Set<string>();
  for (const [, first, pattern = "", later] of text.matchAll(DECLARED))
    for (const name of [first, later, ...(pattern.match(/[\p{ID_Continue}$]+/gu) ?? [])])
      if (name !== undefined) names.add(name);
  return names;
}

/** The uses of a variable of this name, those of the same variable together: where it is shared and assigned. */
function sharedGroups(copying: Copying, name: string): Use[][] {
  const uses = copying.shipped
    .filter(({ plan }) => isVariable(plan, name))
    .map((shipped) => useOf(shipped, name));
  if (uses.length < 2) return [];
  const alike = new Map<string, Use[][]>();
  for (const use of uses) {
    const place = placeOf(use);
    const variables = alike.get(place) ?? [];
    alike.set(place, variables);
    const same = variables.find(([first]) => use.depth < 0 || looksSame(first!, use));
    if (same) same.push(use);
    else variables.push([use]);
  }
  return [...alike.values()]
    .flat()
    .flatMap((variable) => (isShared(variable) ? toldApart(copying, variable) : []))
    .filter(isShared);
}

const isVariable = (plan: Plan, name: string): boolean =>
  plan.captured.includes(name) && plan.imports?.has(name) !== true;

const isShared = (uses: readonly Use[]): boolean =>
  uses.length > 1 && uses.some(({ shipped, name }) => assignedBy(shipped.plan).has(name));

function useOf(shipped: Shipped, name: string): Use {
  const scope = scopeOf(shipped, name);
  if (!scope) return { shipped, name, depth: GLOBAL };
  if (scope.kind === "Script") return { shipped, name, depth: SCRIPT };
  const depth = innerScopes(shipped.inspection).indexOf(scope);
  return { shipped, name, depth: depth === 0 && isModuleFunction(shipped) ? MODULE : depth };
}

/** The function around a CommonJS module is called once. (Jest has ES modules in its `require.cache` as well.) */
const isModuleFunction = ({ plan, inspection }: Shipped): boolean =>
  isCommonjs(plan.code.url) && !inspection.scopes.some(({ kind }) => kind === "Module");

const scopeOf = ({ inspection }: Shipped, name: string): Scope | undefined =>
  inspection.scopes.find(({ kind, variables }) => kind !== "Global" && name in variables);

/** Where a variable may be the same. */
const placeOf = ({ shipped, depth }: Use): string =>
  depth <= SCRIPT ? String(depth) : `${shipped.inspection.scriptId}:${depth}`;

/** Whether what is known of two scopes, and of all around them, is the same. */
function looksSame(one: Use, other: Use): boolean {
  const [a, b] = [innerScopes(one.shipped.inspection), innerScopes(other.shipped.inspection)];
  return Array.from({ length: one.depth + 1 }, (_, i) => hasSameVariables(a[i]!, b[i]!)).every(Boolean);
}

function hasSameVariables(a: Scope, b: Scope): boolean {
  const names = Object.keys(a.variables);
  if (names.length !== Object.keys(b.variables).length) return false;
  // Not initialised yet: something that no variable holds.
  const value = (scope: Scope, name: string): unknown => valueIn(scope, name, hasSameVariables);
  return names.every((name) => name in b.variables && Object.is(value(a, name), value(b, name)));
}

/** Uses that look like uses of one variable, by the variable that they are of. */
function toldApart(copying: Copying, uses: readonly Use[]): Use[][] {
  const { depth, name } = uses[0]!;
  if (depth < 0) return [[...uses]];
  const isUnknown = (): boolean =>
    uses.some((one, i) => uses.slice(0, i).some((other) => sameVariable(one, other) === undefined));
  if (isUnknown()) tellApart(uses.map(({ shipped }) => ({ ...shipped, ...beginning(shipped) })));
  if (isUnknown()) {
    throw cannotSend(
      copying,
      `one of its functions, ${uses[0]!.shipped.plan.code.title}, which assigns or uses the variable ${name}; whether another one uses the same variable cannot be told`,
      "Put what they share into an object",
    );
  }
  const variables: Use[][] = [];
  for (const use of uses) {
    const same = variables.find(([first]) => sameVariable(first!, use));
    if (same) same.push(use);
    else variables.push([use]);
  }
  return variables;
}

/** A class is not begun, as its fields may run: one of its methods is, which is in the same scopes. */
function beginning({ fn, plan }: Shipped): { start: Start; entry?: object } {
  if (!plan.code.isClass) return { start: waysIn(plan) };
  const { prototype } = fn as { prototype: object };
  const written = Object.values(Object.getOwnPropertyDescriptors(prototype)).find(
    ({ value }) => typeof value === "function" && value !== fn && isBegunByCall(value, plan),
  );
  return written ? { start: "call", entry: written.value as object } : { start: undefined };
}

function isBegunByCall(method: object, { code }: Plan): boolean {
  const text = Function.prototype.toString.call(method);
  return code.source.includes(text) && !/^(?:async\b\s*)?\*/.test(text) && !types.isGeneratorFunction(method);
}

const sameVariable = (one: Use, other: Use): boolean | undefined =>
  isSameScope(one.shipped.fn, other.shipped.fn, one.depth);

/** Puts a shared variable into its scope, which may have others. */
function addGroup({ nodes }: Copying, found: Shared[], uses: readonly Use[]): void {
  const { depth, name, shipped } = uses[0]!;
  let shared = found.find((scope) =>
    scope.uses.some((other) => uses.some((use) => isOfSameScope(other, use))),
  );
  if (!shared) {
    shared = { depth, uses: [], values: new Map(), around: new Set(), strict: true, order: 0, number: -1 };
    found.push(shared);
  }
  const node = nodes[shipped.number] as CodeNode;
  shared.uses.push(...uses);
  shared.values.set(name, node.values[node.code.names.indexOf(name)]);
}

function isOfSameScope(one: Use, other: Use): boolean {
  if (placeOf(one) !== placeOf(other)) return false;
  return one.depth < 0 || sameVariable(one, other) === true;
}

/** Makes the nodes: a scope lies in those that are around it, a function in the innermost of its own. */
function nest(copying: Copying, found: Shared[]): void {
  found.sort((a, b) => a.depth - b.depth);
  for (const [order, shared] of found.entries()) shared.order = order;
  const ofFunction = new Map<Shipped, Set<Shared>>();
  for (const shared of found) {
    for (const { shipped } of shared.uses) {
      const scopes = ofFunction.get(shipped) ?? new Set();
      ofFunction.set(shipped, scopes);
      for (const outer of scopes) if (outer !== shared) shared.around.add(outer);
      scopes.add(shared);
      shared.strict &&= shipped.plan.code.strict;
    }
  }
  for (const shared of found.toReversed()) spread(shared);
  for (const shared of found) addScope(copying, shared);
  for (const [shipped, scopes] of ofFunction) moveInto(copying, shipped, [...scopes]);
}

/** All that is around a scope is around the one right outside of it; sloppy code cannot be in strict code. */
function spread({ around, strict }: Shared): void {
  const parent = innermost(around);
  for (const outer of around) {
    outer.strict &&= strict;
    if (parent && outer !== parent) parent.around.add(outer);
  }
}

function addScope({ nodes }: Copying, shared: Shared): void {
  const parent = innermost(shared.around);
  shared.number =
    nodes.push({
      kind: "scope",
      names: [...shared.values.keys()],
      values: [...shared.values.values()],
      strict: shared.strict,
      url: shared.uses[0]!.shipped.plan.code.url,
      ...(parent && { parent: [parent.number] as const }),
    }) - 1;
}

const innermost = (scopes: Iterable<Shared>): Shared | undefined =>
  [...scopes].reduce<Shared | undefined>(
    (inner, scope) => (inner && inner.order > scope.order ? inner : scope),
    undefined,
  );

function moveInto({ nodes }: Copying, shipped: Shipped, scopes: readonly Shared[]): void {
  const node = nodes[shipped.number] as CodeNode;
  const uses = scopes.flatMap((scope) => scope.uses.filter((use) => use.shipped === shipped));
  nodes[shipped.number] = {
    ...node,
    scope: [innermost(scopes)!.number],
    shared: uses.map(({ name }) => node.code.names.indexOf(name)),
  };
}
