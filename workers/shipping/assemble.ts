// This makes, on the worker's side, values of the nodes of a copy again, with their identities and cycles.
import { requireFrom, variableOf } from "../../src/core.ts";
import { instantiate, type Surroundings, surround, type Variables } from "./code.ts";
import {
  ACCESSOR,
  CONFIGURABLE,
  type CopyNode,
  ENUMERABLE,
  type Integrity,
  ORDINARY,
  type Property,
  type Slot,
  WRITABLE,
} from "./recipe.ts";

type CodeNode = Extract<CopyNode, { kind: "code" }>;

/** One copy being put together. */
interface Assembly {
  readonly nodes: readonly CopyNode[];
  /** The values that the copy's references name. */
  readonly found: ReadonlyMap<CopyNode, unknown>;
  readonly made: Map<number, unknown>;
  /** Nodes that were begun; one that is not in `made` yet was met again on its own way. */
  readonly begun: Set<number>;
  /**
   * What is done when nothing is half made: the variables and properties of functions, which may lead to objects of a
   * class that is being made. No code of the user runs before that.
   */
  readonly early: (() => void)[];
  /** What is to be done when that is done, too. */
  readonly late: (() => void)[];
}

/** Puts the copy together; the first node is the function. */
export function assemble(nodes: readonly CopyNode[], found: ReadonlyMap<CopyNode, unknown>): unknown {
  const assembly: Assembly = { nodes, found, made: new Map(), begun: new Set(), early: [], late: [] };
  const value = make(assembly, 0);
  for (const finish of [assembly.early, assembly.late]) for (const step of finish) step();
  return value;
}

function valueIn(assembly: Assembly, slot: Slot): unknown {
  return Array.isArray(slot) ? make(assembly, slot[0] as number) : slot;
}

/** Undefined for a class, or another value that needs its parts first, while it is being made. */
function make(assembly: Assembly, number: number): unknown {
  if (assembly.begun.has(number)) return assembly.made.get(number);
  assembly.begun.add(number);
  const node = assembly.nodes[number]!;
  const keep = <T>(value: T): T => {
    assembly.made.set(number, value);
    return value;
  };
  const value = (slot: Slot): unknown => valueIn(assembly, slot);
  switch (node.kind) {
    case "data":
      return keep(node.value);
    case "buffer":
      return keep(Buffer.from(node.value.buffer, node.value.byteOffset, node.value.byteLength));
    case "reference":
      return keep(assembly.found.get(node));
    case "symbol":
      return keep(Symbol.for(node.key));
    case "contextvar": {
      const { name, key } = node;
      const definition = "default" in node ? { name, key, default: value(node.default) } : { name, key };
      return keep(variableOf(definition));
    }
    case "arguments":
      return keep(Reflect.apply(argumentsObject, undefined, node.items.map(value)));
    case "regexp":
      return keep(Object.assign(new RegExp(node.source, node.flags), { lastIndex: node.lastIndex }));
    case "prototype":
      return keep((value(node.of) as { prototype: unknown } | undefined)?.prototype);
    case "require":
      return keep(requireFrom(node.url));
    case "constructed":
      return keep(Reflect.construct(value(node.constructor) as NewableFunction, node.args.map(value)));
    case "bound":
      return keep(
        Function.prototype.bind.call(
          value(node.target) as NewableFunction,
          value(node.self),
          ...node.args.map(value),
        ),
      );
    case "scope":
      return makeScope(assembly, node, keep);
    case "code":
      return makeFunction(assembly, node, keep);
    default:
      return makeContainer(assembly, node, keep);
  }
}

type Container = Extract<CopyNode, { kind: "array" | "map" | "set" | "weak" | "object" | "instance" }>;

/** Containers are kept before they are filled: what they hold may lead back to them. */
function makeContainer(assembly: Assembly, node: Container, keep: <T>(value: T) => T): unknown {
  const value = (slot: Slot): unknown => valueIn(assembly, slot);
  switch (node.kind) {
    case "array":
      return makeArray(assembly, node, keep);
    case "map": {
      const map = keep(new Map<unknown, unknown>());
      for (const [key, item] of node.entries) map.set(value(key), value(item));
      return map;
    }
    case "set": {
      const set = keep(new Set<unknown>());
      for (const item of node.items) set.add(value(item));
      return set;
    }
    case "object": {
      const prototype = "prototype" in node ? (value(node.prototype) as object | null) : Object.prototype;
      const object = keep(Object.create(prototype) as object);
      define(assembly, object, node.properties);
      closeLater(assembly, object, node.integrity);
      return object;
    }
    case "weak":
      return makeWeak(assembly, node, keep);
    case "instance": {
      const { prototype } = value(node.of) as { prototype: object };
      const base = node.base === undefined ? {} : (value(node.base) as object);
      const object = keep(Object.setPrototypeOf(base, prototype) as object);
      define(assembly, object, node.properties);
      closeLater(assembly, object, node.integrity);
      return object;
    }
  }
}

function makeArray(
  assembly: Assembly,
  { items, holes = [], length, properties, integrity }: Extract<CopyNode, { kind: "array" }>,
  keep: <T>(value: T) => T,
): unknown {
  const array = keep<unknown[]>([]);
  for (const item of items) array.push(valueIn(assembly, item));
  for (const index of holes) delete array[index];
  if (length !== undefined) array.length = length;
  if (properties) define(assembly, array, properties);
  closeLater(assembly, array, integrity);
  return array;
}

/** Its entries are made at the end: they are what is there anyway. */
function makeWeak(
  assembly: Assembly,
  { isMap, entries }: Extract<CopyNode, { kind: "weak" }>,
  keep: <T>(value: T) => T,
): unknown {
  const value = (slot: Slot): unknown => valueIn(assembly, slot);
  if (isMap) {
    const map = keep(new WeakMap<object, unknown>());
    assembly.early.push(() => {
      for (const [key, item] of entries) map.set(value(key) as object, value(item));
    });
    return map;
  }
  const set = keep(new WeakSet<object>());
  assembly.early.push(() => {
    for (const [key] of entries) set.add(value(key) as object);
  });
  return set;
}

type ScopeNode = Extract<CopyNode, { kind: "scope" }>;

/** A scope is kept before its variables are set: they may hold functions that were written in it. */
function makeScope(assembly: Assembly, node: ScopeNode, keep: <T>(value: T) => T): unknown {
  const parent = surroundingsIn(assembly, node.parent);
  const { surroundings, variables } = surround(node, parent);
  keep(surroundings);
  setVariables(assembly, variables, node.values);
  return surroundings;
}

const surroundingsIn = (assembly: Assembly, slot: Slot | undefined): Surroundings | undefined =>
  slot === undefined ? undefined : (valueIn(assembly, slot) as Surroundings);

/** Sets variables when nothing is half made. */
function setVariables(assembly: Assembly, variables: Variables, slots: readonly Slot[]): void {
  assembly.early.push(() => variables.set(slots.map((slot) => valueIn(assembly, slot))));
}

/** A class needs some of its variables as it is made: its parent, and the names of members. */
function makeFunction(assembly: Assembly, node: CodeNode, keep: <T>(value: T) => T): unknown {
  const { shared = [], code } = node;
  const scope = surroundingsIn(assembly, node.scope);
  const own = <T>(items: readonly T[]): readonly T[] =>
    shared.length === 0 ? items : items.filter((_, i) => !shared.includes(i));
  const names = own(code.names);
  const { needed = 0 } = code;
  const first = own(node.values).map((slot, i) =>
    i >= names.length - needed ? valueIn(assembly, slot) : undefined,
  );
  const args = node.args === undefined ? [] : (valueIn(assembly, node.args) as unknown[]);
  const self = node.self === undefined ? thisTrap(code.title) : valueIn(assembly, node.self);
  const { made, variables } = instantiate(
    shared.length === 0 ? code : { ...code, names },
    { self, args, scope },
    (early) => early.set(first),
  );
  const fn = keep(made as object & { prototype: object });
  if (node.name !== "" && node.name !== (fn as { name?: unknown }).name) {
    Object.defineProperty(fn, "name", { value: node.name, configurable: true });
  }
  if (names.length > 0) setVariables(assembly, variables, own(node.values));
  assembly.early.push(() => finish(assembly, node, fn));
  return fn;
}

/** Gives a function or class what it has beside its code. */
function finish(assembly: Assembly, node: CodeNode, fn: { prototype: object }): void {
  inherit(assembly, node, fn);
  for (const key of node.removed?.own ?? [])
    Reflect.deleteProperty(fn, valueIn(assembly, key) as PropertyKey);
  for (const key of node.removed?.ofPrototype ?? [])
    Reflect.deleteProperty(fn.prototype, valueIn(assembly, key) as PropertyKey);
  define(assembly, fn, node.properties);
  if (node.methods) define(assembly, fn.prototype, node.methods);
  if (node.privates) setPrivates(assembly, node, node.privates);
  closeLater(assembly, fn, node.integrity);
  closeLater(assembly, fn.prototype, node.integrityOfPrototype);
}

function inherit(assembly: Assembly, node: CodeNode, fn: { prototype: object }): void {
  if (node.parent !== undefined) Object.setPrototypeOf(fn, valueIn(assembly, node.parent) as object | null);
  if (node.parentOfPrototype !== undefined)
    Object.setPrototypeOf(fn.prototype, valueIn(assembly, node.parentOfPrototype) as object | null);
}

/** Through the function that the class has put into its variable for that. */
function setPrivates(assembly: Assembly, { code, values }: CodeNode, privates: readonly Slot[]): void {
  const holder = valueIn(assembly, values[code.names.indexOf(code.privates!.name)]) as {
    set(values: readonly unknown[]): void;
  };
  holder.set(privates.map((slot) => valueIn(assembly, slot)));
}

/** Defined and not assigned: a key may be "__proto__". */
function define(assembly: Assembly, object: object, properties: readonly Property[]): void {
  for (const [key, slot, attributes = ORDINARY, setter] of properties) {
    const value = valueIn(assembly, slot);
    const set = valueIn(assembly, setter);
    Object.defineProperty(object, valueIn(assembly, key) as PropertyKey, {
      ...(attributes & ACCESSOR
        ? { get: value as () => unknown, set: set as () => unknown }
        : { value, writable: (attributes & WRITABLE) > 0 }),
      enumerable: (attributes & ENUMERABLE) > 0,
      configurable: (attributes & CONFIGURABLE) > 0,
    });
  }
}

/** Closes an object when all is made: until then others may have to be put into it. */
function closeLater({ late }: Assembly, object: object, integrity: Integrity | undefined): void {
  if (integrity === "frozen") late.push(() => Object.freeze(object));
  else if (integrity === "sealed") late.push(() => Object.seal(object));
  else if (integrity === "closed") late.push(() => Object.preventExtensions(object));
}

function argumentsObject(this: unknown): IArguments {
  // biome-ignore lint/complexity/noArguments: it is what is asked for
  return arguments;
}

/** What an arrow function from elsewhere has as `this`: nothing tells the sender that the source uses it. */
function thisTrap(title: string): unknown {
  const refuse = (): never => {
    throw new TypeError(
      `Arrow function ${title} uses the \`this\` of the place where it was written, which does not travel to a worker thread. ` +
        "Put what it needs into a variable, or pass it as an argument",
    );
  };
  return new Proxy(
    {},
    {
      get: refuse,
      set: refuse,
      has: refuse,
      deleteProperty: refuse,
      ownKeys: refuse,
      getPrototypeOf: refuse,
    },
  );
}
