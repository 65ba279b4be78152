// This is one copy in the making: its nodes, and the way from the function to where the work is, for messages.
import { keepData } from "./advice.ts";
import type { CodeInspection } from "./inspector.ts";
import type { Member } from "./members.ts";
import type { CallMoment } from "./moment.ts";
import type { Plan } from "./plan.ts";
import type { CopyNode, Reference, Slot } from "./recipe.ts";
import { ShipError } from "./shiperror.ts";

/** A step on the way to a value. */
export type Step =
  /** A captured variable, or what stands for one: `bound this`. */
  | { readonly kind: "variable"; readonly name: string; readonly how: "captured" | "bound" }
  | { readonly kind: "property"; readonly text: string }
  /** A captured function that is taken apart as well. */
  | { readonly kind: "function"; readonly title: string };

/** A way that is longer is cut in messages. */
const LONGEST_WAY = 300;

/** The state of one copy. */
export interface Copying {
  readonly moment: CallMoment;
  readonly nodes: CopyNode[];
  /** The node of an object that was met before. */
  readonly numbers: Map<object, number>;
  /** The node of an object of which only some properties are used so far. */
  readonly narrowed: Map<object, number>;
  /** Structured clone may take what it can carry; false: each object has to be known, as a WeakMap may hold something for it. */
  readonly whole: boolean;
  /** The WeakMaps and WeakSets among them, with their entries: complete when all else is. */
  readonly weak: Map<WeakMap<object, unknown> | WeakSet<object>, (readonly [Slot, Slot])[]>;
  /** Who uses the bytes of an ArrayBuffer. */
  readonly bytes: Map<ArrayBufferLike, { readonly windows: Window[]; whole: boolean }>;
  readonly trail: Step[];
  /** The function that is sent, for people. */
  root: string;
  /** Modules that have to be looked at first; then the copy is made again. */
  readonly pending: Promise<unknown>[];
  readonly captures: Capture[];
  /** The exports that it refers to, as they are now: those of `export let` may be assigned. */
  readonly uses: UsedExport[];
  /** The functions that go by value. */
  readonly shipped: Shipped[];
  /** What goes by reference. */
  readonly referred: Referred[];
  /** Files of which nothing may go by reference, as something that they keep to themselves goes by value. */
  readonly apart: ReadonlySet<string>;
  /** True until a variable is read, whose value is that of this moment only. */
  stable: boolean;
  /** The bytes of data so far, about. */
  size: number;
  /** The file of the function that is being taken apart. */
  url: string;
  /** Copies a value. `only`: nothing but these properties of an object is used. */
  slot(value: unknown, only?: readonly string[]): Slot;
}

/** What a copy refers to, as it was when that was made. */
export type UsedExport =
  /** An export of a loaded module. */
  | { readonly exports: object; readonly name: string; readonly value: unknown }
  /** A function of what was exported. */
  | { readonly holder: object; readonly member: Member }
  /** How many functions it had; and how many properties, when they were last counted. */
  | { readonly holder: object; readonly functions: number; properties: number };

/** A function, or an object with functions, that goes by reference. */
export interface Referred {
  readonly value: object;
  /** Those of its properties that are used, if it is a namespace. */
  readonly used?: readonly string[] | undefined;
  readonly reference: Reference;
}

/** A function that goes by value. */
export interface Shipped {
  readonly fn: object;
  readonly plan: Plan;
  readonly inspection: CodeInspection;
  /** Its node. */
  readonly number: number;
}

/** The node of a Buffer that is a part of a larger one. */
export interface Window {
  readonly kind: "buffer";
  value: Uint8Array;
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
export function cannotSend(copying: Copying, what: string, fix: string, cause?: unknown): ShipError {
  const way = shortened(copying.trail.reduce(describeStep, ""));
  return new ShipError(
    "ERR_SHIP_VALUE",
    `Cannot send function ${copying.root} to a worker thread: ${way || "it"} is ${what}. ${fix}`,
    cause === undefined ? {} : { cause },
  );
}

/** The error for a value that holds others, which hold others, and so on, beyond what the stack has room for. */
export function tooDeep(copying: Copying): ShipError {
  return cannotSend(
    copying,
    "nested too deeply to be copied",
    `Keep it flat, in an array or a Map, or ${keepData()}`,
  );
}

function shortened(way: string): string {
  return way.length > LONGEST_WAY ? `${way.slice(0, LONGEST_WAY)}...` : way;
}

function describeStep(way: string, step: Step): string {
  if (step.kind === "property") return way + step.text;
  if (step.kind === "function") return `${way} [function ${step.title}]`;
  return way === ""
    ? `its ${step.how} ${step.how === "captured" ? "variable " : ""}${step.name}`
    : `${way} → ${step.name}`;
}
