// Where the time of long turns goes: a tree of calls, and the functions of the program in it that could run elsewhere.

import { type Frame, isCollecting, type ProfileNode, type Run, type Sample } from "./profile.ts";

/** Where threadloop itself is: its functions are a package's, wherever it was installed from. */
const OURS = new URL("../../", import.meta.url).href;

export type FrameKind = "engine" | "builtin" | "node" | "package" | "app";

/** Whose a function is. */
export function kindOf({ url, functionName, isPackage = false }: Frame): FrameKind {
  if (functionName.startsWith("(") && url === "") return "engine";
  if (url === "") return "builtin";
  if (url.startsWith("node:")) return "node";
  const isOfPackage = isPackage || /[\\/]node_modules[\\/]/.test(url) || url.startsWith(OURS);
  return isOfPackage ? "package" : "app";
}

/** Tells functions apart. */
export function keyOf({ scriptId, lineNumber, columnNumber, functionName, url }: Frame): string {
  return url === "" ? `builtin ${functionName}` : `${scriptId}:${lineNumber}:${columnNumber}`;
}

/** A function in the tree, called by the one above. Times are microseconds. */
export class CallPlace {
  readonly below = new Map<string, CallPlace>();
  readonly node: ProfileNode;
  readonly kind: FrameKind;
  readonly key: string;
  readonly above: CallPlace | null;
  /** The lines of its own samples, from 1. */
  readonly lines = new Map<number, number>();
  /** By the number of the run: what would leave it. */
  readonly perRun = new Map<number, number>();
  total = 0;
  collecting = 0;

  constructor(node: ProfileNode, above: CallPlace | null) {
    this.node = node;
    this.kind = kindOf(node.callFrame);
    this.key = keyOf(node.callFrame);
    this.above = above;
  }

  get frame(): Frame {
    return this.node.callFrame;
  }

  at(node: ProfileNode): CallPlace {
    const key = keyOf(node.callFrame);
    let place = this.below.get(key);
    if (place === undefined) {
      place = new CallPlace(node, this);
      this.below.set(key, place);
    }
    return place;
  }
}

const ROOT: ProfileNode = {
  id: 0,
  callFrame: { functionName: "(root)", scriptId: "0", url: "", lineNumber: -1, columnNumber: -1 },
};

/** The calls of some runs, below the outermost frame that is not Node's own. A recursive function is one place. */
export function callTree(runs: readonly { readonly run: Run; readonly index: number }[]): CallPlace {
  const root = new CallPlace(ROOT, null);
  for (const { run, index } of runs) {
    let before: readonly ProfileNode[] = [];
    for (const sample of run.samples) {
      // The profiler puts the collector beside the stack that it interrupts, which is most likely the one before.
      const stack = isCollecting(sample) ? before : sample.stack;
      before = stack;
      addSample(root, stack, sample, index);
    }
  }
  return root;
}

function addSample(root: CallPlace, stack: readonly ProfileNode[], sample: Sample, index: number): void {
  const place = placeOf(root, stack);
  root.total += sample.lasts;
  if (isCollecting(sample)) root.collecting += sample.lasts;
  for (const { line, ticks } of stack.at(-1)?.positionTicks ?? [])
    if (place.frame === stack.at(-1)?.callFrame) place.lines.set(line, ticks);
  for (let at: CallPlace | null = place; at !== null && at !== root; at = at.above) {
    at.total += sample.lasts;
    if (isCollecting(sample)) at.collecting += sample.lasts;
    at.perRun.set(index, (at.perRun.get(index) ?? 0) + sample.lasts);
  }
}

function placeOf(root: CallPlace, stack: readonly ProfileNode[]): CallPlace {
  let place = root;
  const met = new Set<string>();
  for (const node of stack) {
    const kind = kindOf(node.callFrame);
    if (kind === "engine" || (place === root && (kind === "node" || kind === "builtin"))) continue;
    const key = keyOf(node.callFrame);
    if (met.has(key)) {
      for (; place.key !== key && place.above !== null; place = place.above) met.delete(place.key);
      continue;
    }
    met.add(key);
    place = place.at(node);
  }
  return place;
}

/** A function that may be worth a thread, and who calls it. */
export interface Suspect {
  readonly place: CallPlace;
  readonly entry: CallPlace;
  /** It is a function of the program, one of somebody else's that an entry calls, or lines of the entry itself. */
  readonly how: "function" | "foreign" | "lines";
  total: number;
  collecting: number;
  readonly perRun: Map<number, number>;
}

/** Shares of the time: what is worth naming, and what makes a package one that passes its time on, as a router does. */
const WORTH = 0.05;
const PASSES_ON = 0.7;

/** The lines of a file, by its URL; null where they are not known. */
export type LinesOf = (url: string) => readonly string[] | null;

/**
 * The outermost functions that an entry calls. What Node or a package calls is an entry: a handler, a continuation, a
 * middleware. What has no parameters to hand over but the entry's own scope is its lines.
 */
export function suspectsOf(root: CallPlace, linesOf: LinesOf): Suspect[] {
  const found: Suspect[] = [];
  const worth = root.total * WORTH;
  for (const outermost of root.below.values()) {
    if (outermost.total < worth) continue;
    const entries = outermost.kind === "app" ? [outermost] : entriesBelow(outermost);
    if (entries.length === 0) found.push(suspect(outermost, outermost, "foreign"));
    for (const entry of entries) lookInto(entry, worth, found, linesOf);
  }
  return merged(found);
}

function lookInto(entry: CallPlace, worth: number, found: Suspect[], linesOf: LinesOf): void {
  const named: Suspect[] = [];
  const own = suspect(entry, entry, "lines");
  lookBelow(entry, { entry, own, named, worth, linesOf });
  found.push(...named);
  if (own.total < worth) return;
  const called = calledOn(entry, named, linesOf);
  if (called === null) found.push(own);
  else add(called, own);
}

/**
 * The function whose calls are all that stands on the hot lines of an entry: it was inlined there, and some of its samples
 * pass for the entry's.
 */
function calledOn(entry: CallPlace, named: readonly Suspect[], linesOf: LinesOf): Suspect | null {
  const texts = linesOf(entry.frame.url);
  const hot = hotLinesOf(entry);
  if (texts === null || hot.length === 0) return null;
  const functions = named.filter(({ how }) => how === "function").sort((a, b) => b.total - a.total);
  const isCalledOn = ({ place }: Suspect, line: number) => {
    const name = place.frame.functionName.split(/[. ]/).at(-1) ?? "";
    return name !== "" && (texts[line - 1] ?? "").replace(name, "\0").includes("\0(");
  };
  return functions.find((one) => hot.every((line) => isCalledOn(one, line))) ?? null;
}

/** The lines, from 1, on which most of a function's own samples are. */
export function hotLinesOf({ lines }: CallPlace): number[] {
  const all = [...lines.values()].reduce((sum, ticks) => sum + ticks, 0);
  return [...lines].filter(([, ticks]) => ticks >= 0.05 * all).map(([line]) => line);
}

interface Look {
  readonly entry: CallPlace;
  /** What is left to the entry itself. */
  readonly own: Suspect;
  readonly named: Suspect[];
  readonly worth: number;
  readonly linesOf: LinesOf;
}

/** Finds what a function of the entry calls. One without a name is some lines of the entry. */
function lookBelow(at: CallPlace, look: Look): void {
  for (const child of at.below.values()) {
    if (child.total < look.worth) continue;
    if (child.kind === "app" && child.frame.functionName === "") {
      for (const [line, ticks] of child.lines) look.entry.lines.set(line, ticks);
      lookBelow(child, look);
    } else {
      lookAt(child, look);
      look.own.total -= child.total;
      for (const [run, lasts] of child.perRun)
        look.own.perRun.set(run, Math.max(0, (look.own.perRun.get(run) ?? 0) - lasts));
    }
  }
}

function lookAt(child: CallPlace, { entry, named, worth, linesOf }: Look): void {
  const passed = child.kind === "package" || child.kind === "node" ? entriesBelow(child) : [];
  for (const one of passed) lookInto(one, worth, named, linesOf);
  if (passed.length === 0) named.push(suspect(child, entry, child.kind === "app" ? "function" : "foreign"));
}

function add(to: Suspect, from: Suspect): void {
  to.total += from.total;
  to.collecting += from.collecting;
  for (const [run, lasts] of from.perRun) to.perRun.set(run, (to.perRun.get(run) ?? 0) + lasts);
}

function suspect(place: CallPlace, entry: CallPlace, how: Suspect["how"]): Suspect {
  const { total, collecting, perRun } = place;
  return { place, entry, how, total, collecting, perRun: new Map(perRun) };
}

/** The functions of the program that a package only passes its time on to. */
function entriesBelow(place: CallPlace): CallPlace[] {
  const own: CallPlace[] = [];
  const look = (at: CallPlace) => {
    for (const child of at.below.values())
      if (child.kind === "app") own.push(child);
      else look(child);
  };
  look(place);
  const passed = own.reduce((sum, { total }) => sum + total, 0);
  return passed >= place.total * PASSES_ON ? own : [];
}

/** One function found below several entries is one suspect. */
function merged(found: readonly Suspect[]): Suspect[] {
  const byKey = new Map<string, Suspect>();
  for (const one of found) {
    const key = `${one.how} ${one.place.key} ${one.how === "foreign" ? one.entry.key : ""}`;
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, one);
    else add(known, one);
  }
  return [...byKey.values()].sort((a, b) => b.total - a.total);
}

/** From a place down to the innermost function that still has most of its time. */
export function innermostOf(place: CallPlace): Frame | null {
  let at = place;
  for (;;) {
    const [next] = [...at.below.values()].sort((a, b) => b.total - a.total);
    if (next === undefined || next.total < 0.6 * at.total) return at === place ? null : at.frame;
    at = next;
  }
}
