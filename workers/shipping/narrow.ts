// This is a captured namespace object that is only used as `name.property`: those properties are all that has to
// travel. Transpilers and vite turn imports into such objects; the whole of one may hold things that cannot travel
// at all.
import { types } from "node:util";
import { isCarrier } from "./carrier.ts";
import { syntaxOf } from "./syntax.ts";

/** The properties that `source` uses of the variable `name`; undefined when it is no namespace, or used as a whole. */
export function propertiesUsed(source: string, name: string, value: unknown): string[] | undefined {
  if (typeof value !== "object" || value === null || !isNamespaceLike(name, value)) return undefined;
  const uses = syntaxOf(source)?.uses.filter((use) => use.name === name);
  if (!uses) return undefined;
  const properties = new Set<string>();
  for (const { property } of uses) {
    if (property === undefined) return undefined;
    properties.add(property);
  }
  return [...properties];
}

function isNamespaceLike(name: string, value: object): boolean {
  if (/^__vite_ssr_(import_\d+|import_meta)__$/.test(name) || types.isModuleNamespaceObject(value))
    return true;
  if (types.isProxy(value) || Array.isArray(value) || ArrayBuffer.isView(value) || isCarrier(value))
    return false;
  if (name === "exports" || "__esModule" in value) return true;
  return (
    (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === "Module" ||
    isInteropObject(value) ||
    hasGettersOnly(value)
  );
}

/** What webpack makes of a module, and esbuild of a namespace. */
function hasGettersOnly(value: object): boolean {
  const keys = Reflect.ownKeys(value);
  return (
    keys.length > 0 && keys.every((key) => isMadeByBundler(Object.getOwnPropertyDescriptor(value, key)!))
  );
}

/** What bundlers make of a required module: a getter for each of its exports, and itself as `default`. */
function isInteropObject(value: object): boolean {
  if (!Object.hasOwn(value, "default")) return false;
  return Object.values(Object.getOwnPropertyDescriptors(value)).some(isMadeByBundler);
}

/** An arrow function, or what gives a variable and no more: what people write may give another value each time. */
const GIVES_EXPORT = /^\(\)|^function ?\(\) ?\{\s*return [\w$]+;?\s*\}$|\[native code\] \}$/;

function isMadeByBundler({ get, set }: PropertyDescriptor): boolean {
  return get !== undefined && set === undefined && GIVES_EXPORT.test(Function.prototype.toString.call(get));
}
