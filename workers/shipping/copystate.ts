// This is what a function or class that goes by value has beside its code: properties, what was put on its prototype,
// what it inherits from. They travel as they are at this moment: what its text says of them is not evaluated over
// there.
import { types } from "node:util";
import { bringFromModule } from "./advice.ts";
import { isAsWritten, keyOfMember, type Written } from "./classes.ts";
import { type Copying, cannotSend, within } from "./copying.ts";
import { mayInspect, privateMembersOf } from "./inspector.ts";
import type { Plan } from "./plan.ts";
import { integrityOf, isKnownEverywhere, keysOf, propertiesOf } from "./properties.ts";
import type { CopyNode, Slot } from "./recipe.ts";

type State = Pick<
  Extract<CopyNode, { kind: "code" }>,
  | "properties"
  | "methods"
  | "removed"
  | "parent"
  | "parentOfPrototype"
  | "privates"
  | "integrity"
  | "integrityOfPrototype"
>;

type Constructor = { prototype: object };

/** The values of the variables that stand in the text of a class for what was computed as it was made. */
export function classVariables(copying: Copying, fn: object, { classText }: Plan): Slot[] {
  if (!classText) return [];
  const { members, privates, unknownKey } = classText;
  if (unknownKey !== undefined) {
    throw cannotSend(
      copying,
      `a class with a field whose name is computed, [${unknownKey}], which cannot be told`,
      `Set it in the constructor, or ${bringFromModule("the class")}`,
    );
  }
  const slots = members
    .filter(({ variable }) => variable !== undefined)
    .map((member) => copying.slot(keyOfMember(member, holderOf(fn, member)) ?? `removed ${member.variable}`));
  return privates.length > 0 ? [...slots, [copying.nodes.push({ kind: "data", value: {} }) - 1]] : slots;
}

const holderOf = (fn: object, { isStatic }: Written): object =>
  isStatic ? fn : (fn as Constructor).prototype;

/** What a function or class has beside its code. */
export function stateOf(copying: Copying, fn: object, plan: Plan): State {
  const members = plan.classText?.members ?? [];
  const properties = propertiesOf(
    copying,
    fn,
    changedKeys(copying, fn, members, true).filter((key) => !isGiven(fn, key)),
  );
  const prototype = ownPrototypeOf(fn, plan);
  const methods = prototype
    ? propertiesOf(
        copying,
        prototype,
        changedKeys(copying, prototype, members, false).filter((key) => key !== "constructor"),
      )
    : [];
  const state: State = {
    properties,
    ...(methods.length > 0 && { methods }),
    ...removedFrom(copying, fn, members),
    ...parentsOf(copying, fn, prototype, plan),
    ...privatesOf(copying, fn, plan),
  };
  const integrity = integrityOf(fn);
  const integrityOfPrototype = prototype && integrityOf(prototype);
  if (Object.keys(state).length > 1 || properties.length > 0) copying.stable = false;
  return {
    ...state,
    ...(integrity && { integrity }),
    ...(integrityOfPrototype && { integrityOfPrototype }),
  };
}

/** The keys of what is not as the text of the class says. */
function changedKeys(
  copying: Copying,
  holder: object,
  members: readonly Written[],
  isStatic: boolean,
): (string | symbol)[] {
  return keysOf(copying, holder).filter(
    (key) => !isAsWritten(key, Object.getOwnPropertyDescriptor(holder, key)!, members, isStatic),
  );
}

/** What every function has. */
function isGiven(fn: object, key: string | symbol): boolean {
  const { value, writable } = Object.getOwnPropertyDescriptor(fn, key)!;
  switch (key) {
    case "length":
      return typeof value === "number" && !writable;
    case "name":
      return (
        (typeof value === "string" && !writable) || (typeof value === "symbol" && !isKnownEverywhere(value))
      );
    case "prototype":
      return !isReplaced(fn, value);
    default:
      return key === "arguments" || key === "caller";
  }
}

/** Whether the `prototype` of a function is another object than the one that was made with it. */
function isReplaced(fn: object, prototype: unknown): boolean {
  if (isGenerator(fn)) return false;
  return typeof prototype !== "object" || prototype === null || !isMadeFor(fn, prototype);
}

const isGenerator = (fn: object): boolean => types.isGeneratorFunction(fn);

/** Whether this is the `prototype` that was made with a function, or looks the same. */
export function isMadeFor(fn: object, prototype: object): boolean {
  if (types.isProxy(prototype)) return false;
  const made = Object.getOwnPropertyDescriptor(prototype, "constructor");
  return made !== undefined && made.value === fn && made.enumerable === false;
}

function ownPrototypeOf(fn: object, { code }: Plan): object | undefined {
  const prototype: unknown = Object.getOwnPropertyDescriptor(fn, "prototype")?.value;
  if (typeof prototype !== "object" || prototype === null || types.isProxy(prototype)) return undefined;
  if (isGenerator(fn)) return Object.keys(prototype).length > 0 ? prototype : undefined;
  return code.isClass || isMadeFor(fn, prototype) ? prototype : undefined;
}

/** Members of the text that the class has no more. */
function removedFrom(copying: Copying, fn: object, members: readonly Written[]): Pick<State, "removed"> {
  const gone = (isStatic: boolean): Slot[] =>
    members
      .filter((member) => member.isStatic === isStatic && !isThere(fn, member))
      .map(({ key, variable }) => copying.slot(key ?? `removed ${variable}`));
  const removed = { own: gone(true), ofPrototype: gone(false) };
  return removed.own.length + removed.ofPrototype.length > 0 ? { removed } : {};
}

function isThere(fn: object, member: Written): boolean {
  const holder = holderOf(fn, member);
  if (member.key === undefined)
    return member.variable === undefined || keyOfMember(member, holder) !== undefined;
  return Object.hasOwn(holder, member.key);
}

/** What it inherits from, where its source does not tell. */
function parentsOf(
  copying: Copying,
  fn: object,
  prototype: object | undefined,
  { extendsParent }: Plan,
): Pick<State, "parent" | "parentOfPrototype"> {
  const parent: unknown = Object.getPrototypeOf(fn);
  const part = (name: string, value: unknown): Slot =>
    within(copying, { kind: "property", text: name }, () => copying.slot(value));
  const ofPrototype: unknown = prototype && Object.getPrototypeOf(prototype);
  return {
    ...(!extendsParent && !isUsualParent(parent) && { parent: part(".__proto__", parent) }),
    ...(prototype &&
      !isGenerator(fn) &&
      !isUsual(ofPrototype, extendsParent ? (parent as Constructor | null)?.prototype : Object.prototype) && {
        parentOfPrototype: part(".prototype.__proto__", ofPrototype),
      }),
  };
}

/** `Function.prototype` and its like, of any context. */
function isUsualParent(parent: unknown): boolean {
  if (typeof parent === "function") return isNativeText(parent);
  return (
    typeof parent === "object" &&
    parent !== null &&
    /^(Async|Generator|AsyncGenerator)Function$/.test(tagOf(parent))
  );
}

const isNativeText = (fn: object): boolean =>
  Function.prototype.toString.call(fn).endsWith("{ [native code] }");

const tagOf = (object: object): string =>
  String((object as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]);

/** `Object.prototype` may be that of another context. */
function isUsual(actual: unknown, expected: unknown): boolean {
  if (actual === (expected ?? null)) return true;
  if (expected !== Object.prototype || typeof actual !== "object" || actual === null) return false;
  return (
    Object.getPrototypeOf(actual) === null &&
    typeof actual.constructor === "function" &&
    isNativeText(actual.constructor)
  );
}

/** The static #private fields of a class. */
function privatesOf(copying: Copying, fn: object, { classText }: Plan): Pick<State, "privates"> {
  const names = classText?.privates ?? [];
  if (names.length === 0 || !mayInspect()) return {};
  const values = privateMembersOf(fn);
  const privates = names.map((name) =>
    within(copying, { kind: "property", text: `.#${name}` }, () => copying.slot(values.get(`#${name}`))),
  );
  return { privates };
}
