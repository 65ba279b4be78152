// Worker side: the nodes of a copy become values again, with their identities and cycles.
import { createRequire } from "node:module";
import { variableOf } from "../../src/index.ts";
import { instantiate, type Surroundings, surround, type Variables } from "./code.ts";
import type { CopyNode, Property, Slot } from "./recipe.ts";

type CodeNode = Extract<CopyNode, { kind: "code" }>;

/** One copy being put together. */
interface Assembly {
  readonly nodes: readonly CopyNode[];
  /** The values that the copy's references name. */
  readonly found: ReadonlyMap<CopyNode, unknown>;
  readonly made: Map<number, unknown>;
  /** Nodes that were begun; one that is not in `made` yet was met again on its own way. */
  readonly begun: Set<number>;
  /** Functions whose variables have to be set again when all values exist. */
  readonly early: (() => void)[];
}

/** Puts the copy together; the first node is the function. */
export function assemble(nodes: readonly CopyNode[], found: ReadonlyMap<CopyNode, unknown>): unknown {
  const assembly: Assembly = { nodes, found, made: new Map(), begun: new Set(), early: [] };
  const value = make(assembly, 0);
  for (const fill of assembly.early) fill();
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
    case "require":
      return keep(createRequire(node.url));
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

type Container = Extract<CopyNode, { kind: "array" | "map" | "set" | "object" | "instance" }>;

/** Containers are kept before they are filled: what they hold may lead back to them. */
function makeContainer(assembly: Assembly, node: Container, keep: <T>(value: T) => T): unknown {
  const value = (slot: Slot): unknown => valueIn(assembly, slot);
  switch (node.kind) {
    case "array": {
      const array = keep<unknown[]>([]);
      for (const item of node.items) array.push(value(item));
      if (node.properties) define(assembly, array, node.properties);
      return array;
    }
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
      return object;
    }
    case "instance": {
      const { prototype } = value(node.of) as { prototype: object };
      const base = node.base === undefined ? {} : (value(node.base) as object);
      const object = keep(Object.setPrototypeOf(base, prototype) as object);
      define(assembly, object, node.properties);
      if (node.hidden) define(assembly, object, node.hidden, { enumerable: false });
      return object;
    }
  }
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

/** Sets variables, again at the end when one of the values is not there yet. */
function setVariables(assembly: Assembly, variables: Variables, slots: readonly Slot[]): void {
  variables.set(slots.map((slot) => valueIn(assembly, slot)));
  const isMissing = (slot: Slot): boolean => Array.isArray(slot) && !assembly.made.has(slot[0] as number);
  if (slots.some(isMissing)) assembly.early.push(() => setVariables(assembly, variables, slots));
}

/**
 * A function is kept before its variables are set, as they may lead back to it; a class needs them first. They are set
 * again at the end when one of them was not there yet.
 */
function makeFunction(assembly: Assembly, node: CodeNode, keep: <T>(value: T) => T): unknown {
  const { shared = [] } = node;
  const scope = surroundingsIn(assembly, node.scope);
  const own = <T>(items: readonly T[]): readonly T[] =>
    shared.length === 0 ? items : items.filter((_, i) => !shared.includes(i));
  const fill = (variables: Variables): void => setVariables(assembly, variables, own(node.values));
  const args = node.args === undefined ? [] : (valueIn(assembly, node.args) as unknown[]);
  const code = shared.length === 0 ? node.code : { ...node.code, names: own(node.code.names) };
  const { made, variables } = instantiate(code, { self: thisTrap(code.title), args, scope }, fill);
  const fn = keep(made as object & { prototype: object });
  if (node.name !== "" && node.name !== (fn as { name?: unknown }).name) {
    Object.defineProperty(fn, "name", { value: node.name, configurable: true });
  }
  if (!node.code.isClass) fill(variables);
  define(assembly, fn, node.properties);
  if (node.methods) define(assembly, fn.prototype, node.methods);
  return fn;
}

/** Defined and not assigned: a key may be "__proto__". */
function define(
  assembly: Assembly,
  object: object,
  properties: readonly Property[],
  { enumerable = true } = {},
): void {
  for (const [key, slot] of properties) {
    const value = valueIn(assembly, slot);
    Object.defineProperty(object, valueIn(assembly, key) as PropertyKey, {
      value,
      writable: true,
      enumerable,
      configurable: true,
    });
  }
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
