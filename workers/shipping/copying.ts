// One copy in the making: its nodes, and the way from the function to where the work is, for messages.
import type { Moment } from "./moment.ts";
import type { CopyNode, Slot } from "./recipe.ts";
import { ShipError, type ShipErrorCode } from "./shiperror.ts";

/** A step on the way to a value: a captured variable, a property, or a function that was taken apart. */
export type Step =
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "property"; readonly text: string }
  | { readonly kind: "function"; readonly title: string };

/** The state of one copy. */
export interface Copying {
  readonly moment: Moment;
  readonly nodes: CopyNode[];
  /** The node of an object that was met before. */
  readonly numbers: Map<object, number>;
  readonly trail: Step[];
  /** Modules that have to be looked at first; then the copy is made again. */
  readonly pending: Promise<unknown>[];
  readonly captures: Capture[];
  /** True until a variable is read, whose value is that of this moment only. */
  stable: boolean;
  /** The bytes of data so far, about. */
  size: number;
  /** The file of the function that is being taken apart. */
  url: string;
  /** Copies a value. `only`: nothing but these properties of an object is used. */
  slot(value: unknown, only?: readonly string[]): Slot;
}

/** One captured variable, for the log. */
export interface Capture {
  readonly name: string;
  readonly how: string;
}

/** Does a part of the work one step further down. */
export function within<T>(copying: Copying, step: Step, work: () => T): T {
  copying.trail.push(step);
  try {
    return work();
  } finally {
    copying.trail.pop();
  }
}

/** Adds a node. */
export function addNode(copying: Copying, node: CopyNode): Slot {
  return [copying.nodes.push(node) - 1];
}

/** The error for a value that cannot travel: `what` completes "it is ...". */
export function cannotSend(
  copying: Copying,
  what: string,
  fix: string,
  code: ShipErrorCode = "ERR_SHIP_VALUE",
): ShipError {
  const [root, ...rest] = copying.trail;
  const title = root?.kind === "function" ? root.title : "the function";
  return new ShipError(
    code,
    `Cannot send function ${title} to a worker thread: ${describeWay(rest)} is ${what}. ${fix}`,
  );
}

function describeWay(steps: readonly Step[]): string {
  let way = "";
  for (const step of steps) {
    if (step.kind === "variable") way += `${way === "" ? "its captured variable " : " → "}${step.name}`;
    else way += step.kind === "property" ? step.text : ` (${step.title})`;
  }
  return way === "" ? "it" : way;
}
