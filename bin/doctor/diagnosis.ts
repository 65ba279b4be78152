// What an examination means: which functions block the loop, what others wait for them, and what a thread would bring.

import { fileURLToPath } from "node:url";
import {
  type CallPlace,
  callTree,
  hotLinesOf,
  innermostOf,
  kindOf,
  type LinesOf,
  type Suspect,
  suspectsOf,
} from "./calltree.ts";
import { callsKey, type Examination } from "./examination.ts";
import {
  type Frame,
  isCollecting,
  isIdle,
  type ProfileNode,
  type Run,
  runsOf,
  type Sample,
  samplesOf,
} from "./profile.ts";
import { type BusyRun, waitOf } from "./waits.ts";

/**
 * - `free`: no turn is long; `busy`: nor is any, but the loop never rests;
 * - `blocked`: functions block the loop; `garbage`: the collector does;
 * - `unclear`: the loop is blocked by what has no name: native code, or other processes that have the processor.
 */
export type DoctorVerdict = "free" | "busy" | "blocked" | "garbage" | "unclear";

/**
 * - `offload`: run it in a thread; `extract`: make a function of the lines, and run that in a thread;
 * - `twin`: Node has an asynchronous one; `garbage`: most of its time is the collector's;
 * - `copy`: it turns values into text or back, and a thread would have to be sent a copy, which takes as long;
 * - `job`: it runs in a worker thread already, as a job.
 */
export type Advice = "offload" | "extract" | "twin" | "garbage" | "copy" | "job";

/** Times are milliseconds. */
export interface Diagnosis {
  readonly verdict: DoctorVerdict;
  /** The number of the worker thread; 0 for the main thread. */
  readonly thread: number;
  readonly watched: number;
  /** Shares of the time. */
  readonly busy: number;
  readonly collector: number;
  /** Of the time in which there was work: the thread had no processor. Known on Linux. */
  readonly stolen: number;
  /** So much of it that the times are those of the machine, and not of the program. */
  readonly isCrowded: boolean;
  /** HTTP requests a second; 0 where there were none. */
  readonly requestsPerSecond: number;
  readonly turns: { readonly long: number; readonly longest: number; readonly threshold: number };
  /** What one of a hundred requests waits for the loop, at least. */
  readonly wait: { readonly p99: number };
  readonly findings: readonly Finding[];
}

export interface CodePlace {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

export interface Finding extends CodePlace {
  /** The lines that take the time, where it is the function's own. */
  readonly lines: readonly [number, number] | null;
  readonly calledFrom: CodePlace;
  readonly how: Suspect["how"];
  /** Of the time of the long turns. */
  readonly share: number;
  /** Long turns that it was in. */
  readonly turns: number;
  /** null where no HTTP requests came. */
  readonly msPerRequest: number | null;
  /** null where calls were not counted, or the function shares its name with another one in its file. */
  readonly msPerCall: number | null;
  readonly callsPerSecond: number | null;
  /** What others wait, p99, as it is and without it. */
  readonly wait: { readonly before: number; readonly after: number };
  /** The synchronous function of Node that has an asynchronous twin. */
  readonly twin: string | null;
  /** Where most of its time goes. */
  readonly inside: CodePlace | null;
  readonly advice: Advice;
}

/** The least share of the long turns that is worth a finding. */
const NAMED = 0.1;
/** Long turns with less of all the time block nobody. */
const BLOCKS = 0.02;
const BUSY = 0.85;
const GARBAGE = 0.3;
const CROWDED = 0.25;
const P99 = 0.99;
/** What the loop keeps of a call in a thread. */
const TRIP = 0.06;

const TWINS =
  /^(pbkdf2|scrypt|hkdf|randomFill|generateKeyPair|gzip|gunzip|deflate|deflateRaw|inflate|inflateRaw|unzip|brotliCompress|brotliDecompress|zstdCompress|zstdDecompress|readFile|writeFile|appendFile|copyFile|exec|execFile|spawn|readdir|rm|cp)Sync$/;

/** Diagnoses what was seen; turns of `threshold` milliseconds and more are long. */
export function diagnose(examination: Examination, threshold: number): Diagnosis {
  const { marks, thread, sources } = examination;
  const [from, to] = [marks.from, marks.turns.at(-1) ?? marks.from];
  const samples = samplesOf(examination.profile).filter(({ at }) => at >= from && at <= to);
  const whole = Math.max(1, (to - from) / 1000);
  const runs = runsOf(samples, marks.turns);
  const waits = runs.map(({ start, end }) => ({ start: start / 1000, lasts: (end - start) / 1000 }));
  const long = runs.flatMap((run, index) =>
    ownTime(run) >= threshold && isOfProgram(run) ? [{ run, index }] : [],
  );
  const root = callTree(long);
  const before = waitOf(waits, whole, P99);
  const isJobs = thread > 0 && jobsIn(long.map(({ run }) => run)) > 0.5;
  const found = narrowed(suspectsOf(root, sources.linesOf), sources.linesOf)
    .filter(isUsable)
    .filter(({ total }) => total >= NAMED * root.total);
  const isGarbage = root.collecting > GARBAGE * root.total;
  const findings = found.map((suspect): Finding => {
    const time = timeIn(suspect.place.frame, samples);
    const calls = suspect.how === "lines" ? null : callsOf(suspect.place.frame, examination);
    const inner = innermostOf(suspect.place);
    const twin = twinBelow(suspect);
    return {
      ...placeOf(suspect.place.frame),
      lines: suspect.how === "lines" ? hotLines(suspect) : null,
      calledFrom: placeOf(suspect.entry.frame),
      how: suspect.how,
      share: suspect.total / root.total,
      turns: suspect.perRun.size,
      msPerRequest: marks.requests === 0 ? null : time / marks.requests,
      msPerCall: calls === null ? null : time / calls,
      callsPerSecond: calls === null ? null : (calls / whole) * 1000,
      wait: { before, after: waitOf(without(suspect, waits), whole, P99) },
      twin,
      inside: inner === null ? null : placeOf(inner),
      advice: isJobs ? "job" : adviceFor(suspect, twin, isGarbage, sources.linesOf),
    };
  });
  findings.sort((a, b) => a.wait.after - b.wait.after || b.share - a.share);
  const idle = timeOf(samples.filter(isIdle));
  const stolen =
    sumOf(runs.map((run) => run.stolen / 1000)) / Math.max(1, sumOf(waits.map(({ lasts }) => lasts)));
  const seen = {
    busy: Math.max(0, 1 - idle / whole),
    longShare: sumOf(long.map(({ run }) => ownTime(run))) / whole,
    collecting: root.total === 0 ? 0 : root.collecting / root.total,
    isCrowded: stolen > CROWDED,
  };
  const verdict = verdictFor(seen, findings);
  return {
    verdict,
    thread,
    watched: whole,
    busy: seen.busy,
    collector: timeOf(samples.filter(isCollecting)) / whole,
    stolen,
    isCrowded: seen.isCrowded,
    requestsPerSecond: (marks.requests / whole) * 1000,
    turns: {
      long: long.length,
      longest: waits.reduce((longest, { lasts }) => Math.max(longest, lasts), 0),
      threshold,
    },
    wait: { p99: before },
    findings: verdict === "free" || verdict === "busy" ? [] : findings,
  };
}

/** The time that a run had the processor, in milliseconds. */
function ownTime({ start, end, stolen }: Run): number {
  return (end - start - stolen) / 1000;
}

/** The turns without what a function has of them. */
function without({ perRun }: Suspect, waits: readonly BusyRun[]): BusyRun[] {
  return waits.map(({ start, lasts }, i) => {
    const of = perRun.get(i);
    return { start, lasts: of === undefined ? lasts : Math.max(TRIP, lasts - of / 1000) };
  });
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}

/** How much of some turns is the answer to messages that the thread got. */
function jobsIn(runs: readonly Run[]): number {
  const isJob = ({ callFrame }: ProfileNode) =>
    callFrame.url.includes("per_context/messageport") || callFrame.functionName === "emitMessage";
  const all = sumOf(runs.map(ownTime));
  const ofJobs = runs.filter(({ samples }) => samples.some(({ stack }) => stack.some(isJob)));
  return all === 0 ? 0 : sumOf(ofJobs.map(ownTime)) / all;
}

function timeOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { lasts }) => sum + lasts, 0) / 1000;
}

/** A turn without a function of the program is native code, or the machine that gave the processor to somebody else. */
function isOfProgram({ samples }: Run): boolean {
  return samples.some(({ stack }) =>
    stack.some(({ callFrame }) => kindOf(callFrame) === "app" || kindOf(callFrame) === "package"),
  );
}

function verdictFor(
  seen: {
    readonly busy: number;
    readonly longShare: number;
    readonly collecting: number;
    readonly isCrowded: boolean;
  },
  findings: readonly Finding[],
): DoctorVerdict {
  if (seen.longShare < BLOCKS) {
    if (seen.isCrowded && seen.busy > CROWDED) return "unclear";
    return seen.busy > BUSY ? "busy" : "free";
  }
  if (seen.collecting > GARBAGE) return "garbage";
  return findings.length === 0 ? "unclear" : "blocked";
}

function adviceFor(suspect: Suspect, twin: string | null, isGarbage: boolean, linesOf: LinesOf): Advice {
  if (suspect.collecting > 0.5 * suspect.total) return "garbage";
  if (twin !== null) return "twin";
  if (isGarbage) return "garbage";
  if (isCopying(suspect, linesOf)) return "copy";
  return suspect.how === "function" ? "offload" : "extract";
}

const COPIES = /^(stringify|parse|structuredClone|serialize|deserialize)$/;
const COPYING_LINE = /\b(JSON\.(stringify|parse)|structuredClone|v8\.(de)?serialize)\(/;

/** Most of it is a builtin that copies: one that is seen, or the one on the hot lines. */
function isCopying({ place, total }: Suspect, linesOf: LinesOf): boolean {
  for (let at = place; ; ) {
    if (at.kind === "builtin" && COPIES.test(at.frame.functionName)) return true;
    const [next] = [...at.below.values()].sort((a, b) => b.total - a.total);
    if (next !== undefined && next.total >= PASSES_TIME * total) at = next;
    else {
      const own = at.total - sumOf([...at.below.values()].map((one) => one.total));
      const texts = at.kind === "app" ? linesOf(at.frame.url) : null;
      const hot = hotLinesOf(at);
      return (
        own >= PASSES_TIME * total &&
        hot.length > 0 &&
        hot.every((line) => COPYING_LINE.test(texts?.[line - 1] ?? ""))
      );
    }
  }
}

const isTwin = ({ functionName, url }: Frame) => /^(node:|$)/.test(url) && TWINS.test(functionName);

/** How much of a function's time another one has that it only passes its arguments on to. */
const PASSES_ON = 0.9;
const PASSES_TIME = 0.7;

/** What only calls one other function, and not in a loop, is no more than the way to that: a method that answers. */
function narrowed(suspects: readonly Suspect[], linesOf: LinesOf): Suspect[] {
  return suspects.map((suspect) => {
    let { place } = suspect;
    while (suspect.how === "function" && !mayRepeat(place, linesOf)) {
      const next = [...place.below.values()].find(
        (one) => one.kind === "app" && one.frame.functionName !== "" && one.total >= PASSES_ON * place.total,
      );
      if (next === undefined) break;
      place = next;
    }
    return { ...suspect, place };
  });
}

const REPEATS =
  /\b(for|while|do|function|yield)\b|=>|\.(map|forEach|reduce|filter|some|every|sort|flatMap|find)\(/;

/** Whether a function may call another one often: it has a loop, or a function within it. True where its text is unknown. */
function mayRepeat({ frame }: CallPlace, linesOf: LinesOf): boolean {
  const body = bodyOf(
    linesOf(frame.url)
      ?.slice(frame.lineNumber, frame.lineNumber + 200)
      .join("\n") ?? "",
  );
  return body === null || REPEATS.test(body);
}

/** What stands between the braces of the function that begins a text; null where that is not plain. */
function bodyOf(text: string): string | null {
  const plain = text.replace(
    /\/\/.*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g,
    '""',
  );
  const begin = /\)\s*(?::[^{;]+)?\{/.exec(plain);
  if (begin === null) return null;
  let depth = 1;
  for (let at = begin.index + begin[0].length; at < plain.length; at++) {
    if (plain[at] === "{") depth++;
    if (plain[at] === "}" && --depth === 0) return plain.slice(begin.index + begin[0].length, at);
  }
  return null;
}

/** What Node does for a program needs what is in this thread, unless Node has it in threads of its own. */
function isUsable(suspect: Suspect): boolean {
  return suspect.place.kind !== "node" || twinBelow(suspect) !== null;
}

/** A twin that has most of the time, somewhere on the way down. */
function twinBelow({ place }: Suspect): string | null {
  for (let at = place; ; ) {
    if (isTwin(at.frame)) return at.frame.functionName;
    if (at.frame.functionName === "syncBufferWrapper") return "the function of zlib"; // as all of them are called
    const [next] = [...at.below.values()].sort((a, b) => b.total - a.total);
    if (next === undefined || next.total < 0.5 * place.total) return null;
    at = next;
  }
}

/** null where they were not counted. */
function callsOf(frame: Frame, { calls }: Examination): number | null {
  const count = calls?.get(callsKey(frame.scriptId, frame.functionName));
  return count !== undefined && count > 0 ? count : null; // NaN of a name that several have
}

/** The time in a function and what it calls, in all turns: milliseconds. */
function timeIn(frame: Frame, samples: readonly Sample[]): number {
  let isIn = false;
  return timeOf(
    samples.filter((sample) => {
      isIn = isCollecting(sample) ? isIn : sample.stack.some(({ callFrame }) => isSame(callFrame, frame));
      return isIn;
    }),
  );
}

function isSame(one: Frame, other: Frame): boolean {
  return (
    one.scriptId === other.scriptId &&
    one.lineNumber === other.lineNumber &&
    one.columnNumber === other.columnNumber
  );
}

function hotLines({ place }: Suspect): readonly [number, number] | null {
  const hot = hotLinesOf(place);
  return hot.length === 0 ? null : [Math.min(...hot), Math.max(...hot)];
}

function placeOf({ functionName, url, lineNumber }: Frame): CodePlace {
  const file = url.startsWith("file:") ? fileURLToPath(url) : url;
  return { name: functionName || "(anonymous)", file, line: lineNumber + 1 };
}
