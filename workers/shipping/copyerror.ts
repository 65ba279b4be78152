// These are errors among the captured values. Structured clone drops their own properties (`code`) and may refuse
// their cause: they are taken apart when they have either.
import { addNode, type Copying } from "./copying.ts";
import { enumerableKeysOf, propertiesOf } from "./properties.ts";
import type { CopyNode, Slot } from "./recipe.ts";
import { className, hiddenParts, isOwnPrototype } from "./values.ts";

/** The node for an error. `ofItsClass` makes that of one whose class extends a standard one. */
export function copyError(copying: Copying, error: Error, ofItsClass: (base: Slot) => CopyNode): CopyNode {
  const base = addNode(copying, { kind: "data", value: bare(error) });
  const node = isOwnPrototype(error) ? ofStandardClass(copying, error, base) : ofItsClass(base);
  const hidden = hiddenParts(error);
  if (node.kind !== "instance" || hidden.length === 0) return node;
  return { ...node, properties: [...node.properties, ...propertiesOf(copying, error, hidden)] };
}

/** By name: the classes of another vm context are not those of globalThis. */
function ofStandardClass(copying: Copying, error: Error, base: Slot): CopyNode {
  const of = addNode(copying, {
    kind: "reference",
    reference: { kind: "global", path: [className(error)] },
  });
  return {
    kind: "instance",
    of,
    base,
    properties: propertiesOf(copying, error, enumerableKeysOf(copying, error)),
  };
}

/** Its message and stack. */
function bare({ message, stack }: Error): Error {
  const error = new Error(message);
  Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true });
  return error;
}
