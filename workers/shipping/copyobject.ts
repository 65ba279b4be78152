// These are objects among the captured values that structured clone cannot carry whole: they are taken apart.
import { EventEmitter } from "node:events";
import { types } from "node:util";
import { ContextVar, isBundled } from "../../src/core.ts";
import { bringFromModule } from "./advice.ts";
import { comparable } from "./comparable.ts";
import { copyError } from "./copyerror.ts";
import { addNode, type Copying, cannotSend, tooDeep, type Window, within } from "./copying.ts";
import { isMadeFor } from "./copystate.ts";
import { isEntry } from "./entry.ts";
import { builtinReference, globalReference } from "./globals.ts";
import { mayInspect, privateMembersOf } from "./inspector.ts";
import { belongsToLoop } from "./loopclasses.ts";
import { moduleOfExports } from "./modules.ts";
import { enumerableKeysOf, integrityOf, keysOf, propertiesOf, valuesOf } from "./properties.ts";
import type { CopyNode, Integrity, Reference, Slot } from "./recipe.ts";
import { whyLost } from "./references.ts";
import { scriptUrl } from "./scripts.ts";
import type { ShipError } from "./shiperror.ts";
import { isApart } from "./unexported.ts";
import {
  addedKeys,
  className,
  dataSize,
  hasMoreThanItems,
  isDetached,
  isIterator,
  isOwnPrototype,
  isSparse,
  kindOf,
} from "./values.ts";

const passOrCreate = (): string =>
  `Pass what the function needs of it as an argument, create it inside the function, or ${bringFromModule("the function")}` +
  (isBundled()
    ? ""
    : ". In a bundle, leave that module or package external, or declare the function with task()");

const SHARE_OR_CREATE =
  "Create it inside the function, or use what threads share: SharedLock and the other Shared classes of threadloop/workers";

/** The node for an object. */
export function copyObject(copying: Copying, object: object): CopyNode {
  const size = copying.whole || !isContainer(object) ? sizeOf(copying, object) : undefined;
  if (size !== undefined) {
    copying.size += size;
    if (ArrayBuffer.isView(object)) noteBytes(copying, object.buffer);
    return { kind: "data", value: object };
  }
  const reference = referenceTo(object);
  if (!reference || isApart(copying, { value: object, reference })) return takenApart(copying, object);
  copying.referred.push({ value: object, reference });
  return { kind: "reference", reference };
}

const isContainer = (object: object): boolean => /^(array|map|set|plain)$/.test(kindOf(object));

function sizeOf(copying: Copying, object: object): number | undefined {
  try {
    return dataSize(object);
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(copying);
    throw error;
  }
}

/** An object that every thread has under a name: a global, a built-in module, the exports of a module. */
function referenceTo(object: object): Reference | null {
  const found = globalReference(object) ?? builtinReference(object);
  if (found) return found;
  const module = moduleOfExports(object);
  if (!module || ("url" in module.address && isEntry(module.address.url))) return null;
  const reference = comparable(object, { ...module.address, path: [] });
  return whyLost(reference) === undefined ? reference : null;
}

function takenApart(copying: Copying, object: object): CopyNode {
  const owner: unknown =
    Object.hasOwn(object, "constructor") && Object.getOwnPropertyDescriptor(object, "constructor")?.value;
  if (typeof owner === "function" && owner.prototype === object && isMadeFor(owner, object)) {
    const of = within(copying, { kind: "property", text: ".constructor" }, () => copying.slot(owner));
    return { kind: "prototype", of };
  }
  switch (kindOf(object)) {
    case "stuck":
      throw cannotSend(copying, `${stuckName(object)} belongs to this thread`, passOrCreate());
    case "buffer":
      return copyBuffer(copying, object as Buffer);
    case "arguments":
      return { kind: "arguments", items: itemsOf(copying, Array.from(object as ArrayLike<unknown>)) };
    case "weak": {
      const entries: (readonly [Slot, Slot])[] = [];
      copying.weak.set(object as WeakSet<object>, entries);
      return { kind: "weak", isMap: types.isWeakMap(object), entries };
    }
    case "array":
      return copyArray(copying, object as unknown[]);
    case "map":
      return ofClass(copying, object, {
        kind: "map",
        entries: entriesOf(copying, object as Map<unknown, unknown>),
      });
    case "set":
      return ofClass(copying, object, {
        kind: "set",
        items: itemsOf(copying, [...(object as Set<unknown>)]),
      });
    case "builtin":
      return copyBuiltin(copying, object);
    case "namespace":
    case "plain":
      return copyPlain(copying, object);
    case "instance":
      return copyInstance(copying, object);
  }
}

function copyArray(copying: Copying, array: unknown[]): CopyNode {
  if (isSparse(array)) return copySparse(copying, array);
  const holes = Array.from(array.keys()).filter((i) => !(i in array));
  const node: CopyNode = {
    kind: "array",
    items: itemsOf(copying, array),
    ...(holes.length > 0 && { holes }),
    ...closed(array),
  };
  if (!isOwnPrototype(array)) return ofClass(copying, array, node);
  const keys = hasMoreThanItems(array)
    ? keysOf(copying, array).filter((key) => !isIndex(key) && key !== "length")
    : [];
  return keys.length === 0 ? node : { ...node, properties: propertiesOf(copying, array, keys) };
}

function copySparse(copying: Copying, array: unknown[]): CopyNode {
  const properties = propertiesOf(copying, array, Object.keys(array));
  const node: CopyNode = { kind: "array", items: [], length: array.length, properties, ...closed(array) };
  return isOwnPrototype(array) ? node : ofClass(copying, array, node);
}

function copyBuiltin(copying: Copying, object: object): CopyNode {
  if (isDetached(object)) throw detached(copying, object);
  if (types.isNativeError(object))
    return copyError(copying, object, (base) => copyInstance(copying, object, base));
  const node: CopyNode = types.isRegExp(object)
    ? { kind: "regexp", source: object.source, flags: object.flags, lastIndex: object.lastIndex }
    : { kind: "data", value: object };
  return ofClass(copying, object, node);
}

function detached(copying: Copying, object: object): ShipError {
  return cannotSend(
    copying,
    `an instance of ${className(object)}, whose bytes were transferred away`,
    "Send the function before that, or transfer a copy of it",
  );
}

/** A Map, Set, Date, ... as it is, or of a class that extends it. */
function ofClass(copying: Copying, object: object, node: CopyNode): CopyNode {
  if (!isOwnPrototype(object)) return copyInstance(copying, object, addNode(copying, node));
  const added = Array.isArray(object) ? [] : addedKeys(object);
  if (added.length === 0) return node;
  const path = [className(object)];
  const of = addNode(copying, { kind: "reference", reference: { kind: "global", path } });
  return {
    kind: "instance",
    of,
    base: addNode(copying, node),
    properties: propertiesOf(copying, object, added),
  };
}

function stuckName(object: object): string {
  if (isIterator(object)) return "an iterator, which may be under way and";
  return types.isGeneratorObject(object) ? "a running generator, which" : `a ${className(object)}, which`;
}

function copyPlain(copying: Copying, object: object): CopyNode {
  const properties = types.isModuleNamespaceObject(object)
    ? valuesOf(copying, object, enumerableKeysOf(copying, object))
    : propertiesOf(copying, object, keysOf(copying, object));
  return {
    kind: "object",
    ...(Object.getPrototypeOf(object) === null && { prototype: null }),
    properties,
    ...closed(object),
  };
}

function closed(object: object): { integrity?: Integrity } {
  const integrity = types.isModuleNamespaceObject(object) ? undefined : integrityOf(object);
  return integrity ? { integrity } : {};
}

/** Small Buffers are windows on a shared pool: only the windows travel, those that overlap as one. */
function copyBuffer(copying: Copying, buffer: Buffer): CopyNode {
  if (isDetached(buffer)) throw detached(copying, buffer);
  const isShared = types.isSharedArrayBuffer(buffer.buffer);
  copying.size += isShared ? 0 : buffer.byteLength;
  const isWindow = !isShared && buffer.byteLength < buffer.buffer.byteLength;
  const node = { kind: "buffer", value: buffer as Uint8Array } as const;
  noteBytes(copying, buffer.buffer, isWindow ? node : undefined);
  return node;
}

/** Notes who uses these bytes; without a window: all of them travel. */
function noteBytes({ bytes }: Copying, buffer: ArrayBufferLike, window?: Window): void {
  const users = bytes.get(buffer) ?? { windows: [], whole: false };
  bytes.set(buffer, users);
  if (window) users.windows.push(window);
  else users.whole = true;
}

/** Cuts what travels of large buffers out of them. */
export function cutWindows({ bytes }: Copying): void {
  for (const { windows, whole } of bytes.values()) {
    if (whole) continue;
    windows.sort((a, b) => a.value.byteOffset - b.value.byteOffset);
    for (let at = 0; at < windows.length; ) at = cutCluster(windows, at);
  }
}

/** Copies the windows from `first` on that overlap; returns the one behind them. */
function cutCluster(windows: readonly Window[], first: number): number {
  const { buffer, byteOffset: start } = windows[first]!.value;
  let end = start;
  let next = first;
  for (
    let window = windows[next];
    window && (next === first || window.value.byteOffset < end);
    window = windows[++next]
  )
    end = Math.max(end, window.value.byteOffset + window.value.byteLength);
  const copy = new Uint8Array(buffer, start, end - start).slice().buffer;
  for (const window of windows.slice(first, next)) {
    const { byteOffset, byteLength } = window.value;
    window.value = new Uint8Array(copy, byteOffset - start, byteLength);
  }
  return next;
}

function copyInstance(copying: Copying, object: object, base?: Slot): CopyNode {
  if (object instanceof ContextVar) return copyVariable(copying, object);
  const rebuilt = constructedAgain(copying, object);
  if (rebuilt) return rebuilt;
  if (!base && isCloneable(object)) return { kind: "data", value: object };
  if (!base && belongsToLoop(object)) {
    throw cannotSend(
      copying,
      `an instance of ${className(object)}, which belongs to the loop of this thread`,
      SHARE_OR_CREATE,
    );
  }
  const prototype: object = Object.getPrototypeOf(object);
  const type: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  const name = className(object);
  if (typeof type !== "function" || type.prototype !== prototype)
    return withPrototype(copying, object, prototype);
  if (type !== EventEmitter && (globalReference(type) || builtinReference(type) || isNodes(copying, type))) {
    throw cannotSend(copying, `an instance of ${name}, which belongs to this thread`, passOrCreate());
  }
  refuseSecrets(copying, object);
  // One that was assigned is not there yet when the function is made.
  if (!base && !isMadeFor(type, prototype)) return withPrototype(copying, object, prototype);
  const of = within(copying, { kind: "property", text: ".constructor" }, () => copying.slot(type));
  const keys = base
    ? enumerableKeysOf(copying, object).filter((key) => !isIndex(key))
    : keysOf(copying, object);
  const properties = propertiesOf(copying, object, keys);
  return { kind: "instance", of, ...(base && { base }), properties, ...closed(object) };
}

function refuseSecrets(copying: Copying, object: object): void {
  const [secret] = mayInspect() ? privateMembersOf(object).keys() : [];
  if (secret === undefined) return;
  throw cannotSend(
    copying,
    `an instance of ${className(object)}, whose #private members (${secret}) cannot be copied`,
    passOrCreate(),
  );
}

/** An object of no class, or of one whose prototype is another object than the one that was made with it. */
function withPrototype(copying: Copying, object: object, prototype: object): CopyNode {
  const slot = within(copying, { kind: "property", text: ".__proto__" }, () => copying.slot(prototype));
  return {
    kind: "object",
    prototype: slot,
    properties: propertiesOf(copying, object, keysOf(copying, object)),
    ...closed(object),
  };
}

/** Whether Node defines a class, for itself. */
function isNodes(copying: Copying, type: object): boolean {
  const inspection = copying.moment.inspect(type);
  if (inspection.kind === "native") return true;
  return inspection.kind === "code" && scriptUrl(inspection.scriptId).startsWith("node:");
}

/** The variable, not its value: `toThread` and the pool's `context` option carry that. */
function copyVariable(copying: Copying, { _definition }: ContextVar<unknown>): CopyNode {
  const { name, key } = _definition;
  if (!("default" in _definition)) return { kind: "contextvar", name, key };
  const slot = within(copying, { kind: "property", text: ".default" }, () =>
    copying.slot(_definition.default),
  );
  return { kind: "contextvar", name, key, default: slot };
}

/** Small objects of the platform that structured clone refuses and that their constructor makes again. */
function constructedAgain(copying: Copying, object: object): CopyNode | undefined {
  const args = constructorArguments(object, Object.getPrototypeOf(object));
  return (
    args && {
      kind: "constructed",
      constructor: copying.slot(object.constructor),
      args: args.map((arg) => copying.slot(arg)),
    }
  );
}

function constructorArguments(object: object, prototype: object): unknown[] | undefined {
  if (prototype === URL.prototype || prototype === URLSearchParams.prototype) return [String(object)];
  if (prototype === TextEncoder.prototype) return [];
  if (prototype !== TextDecoder.prototype) return undefined;
  const { encoding, fatal, ignoreBOM } = object as InstanceType<typeof TextDecoder>;
  return [encoding, { fatal, ignoreBOM }];
}

/** Some objects of the platform clone as what they are: Blob, CryptoKey. */
function isCloneable(object: object): boolean {
  try {
    return Object.getPrototypeOf(structuredClone(object)) === Object.getPrototypeOf(object);
  } catch {
    return false;
  }
}

/** The items of an array or typed array: its base has them. */
const isIndex = (key: string | symbol): boolean => typeof key === "string" && /^\d+$/.test(key);

function itemsOf(copying: Copying, items: readonly unknown[]): Slot[] {
  return Array.from(items, (item, i) =>
    within(copying, { kind: "property", text: `[${i}]` }, () => copying.slot(item)),
  );
}

function entriesOf(copying: Copying, map: Map<unknown, unknown>): (readonly [Slot, Slot])[] {
  return [...map].map(([key, value]) => {
    const text = typeof key === "string" ? `.get(${JSON.stringify(key)})` : ".get(...)";
    return [
      within(copying, { kind: "property", text: ".keys()" }, () => copying.slot(key)),
      within(copying, { kind: "property", text }, () => copying.slot(value)),
    ] as const;
  });
}
