// `threadloop doctor`: which functions of a running process block its loop, and what a thread would bring.

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { printableLines } from "../../src/errors/printable.ts";
import { attached } from "../attach.ts";
import { runsNode } from "../isnode.ts";
import { nodesBelow } from "../nodesbelow.ts";
import { Problem } from "../problem.ts";
import { checkWritable } from "../writable.ts";
import { type Advice, type Diagnosis, diagnose } from "./diagnosis.ts";
import { type Examination, examine } from "./examination.ts";
import { handoverOf } from "./handover.ts";
import { reportOf } from "./report.ts";

export interface DoctorSettings {
  readonly port: number;
  /** Default 10 for a process, and until it ends for a program that is started. */
  readonly seconds: number | null;
  readonly json: boolean;
  readonly calls: boolean;
  /** Where to write to instead of printing. */
  readonly output?: string | undefined;
}

interface Outcome {
  readonly text: string;
  readonly code: number;
}

const SECONDS = 10;
/** Of a program that is watched until it ends. */
const FOR_EVER = 1_000_000;
/** Milliseconds that make a turn a long one. */
const THRESHOLD = 10;
/** Shorter turns than these are not noted: milliseconds. */
const LEAST = 2;
/** Microseconds between samples. */
const INTERVAL = 500;
/** A target whose loop never turns does not take our leave: that is not waited for longer. */
const LEAVE_WITHIN = 3000;
/** Exit codes beside 1, which is a problem. */
const CODES = { nothing: 0, something: 3, cannotBeTold: 4 };
const SOMETHING: ReadonlySet<Advice> = new Set(["offload", "extract", "twin"]);

/** Examines a process; gives what to print and the exit code. Ctrl-C ends the watch early. */
export async function doctor(pid: number, settings: DoctorSettings): Promise<Outcome> {
  if (settings.output !== undefined) await checkWritable(settings.output);
  const end = new AbortController();
  const stop = () => end.abort();
  for (const name of ENDING) process.once(name, stop);
  const { text, code } = await told(pid, { ...settings, seconds: settings.seconds ?? SECONDS }, end.signal);
  for (const name of ENDING) process.off(name, stop);
  if (settings.output === undefined) return { text, code };
  await writeFile(settings.output, `${text}\n`);
  return { text: "", code };
}

/** Signals that end a watch, and are passed on to a program that was started for it. */
const ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
/** How long a program may take to end when it is told to. */
const END_WITHIN = 5000;

/**
 * Starts a program, examines it until it ends, or until we are told to, or for some seconds, and ends it. What it prints
 * is its own: the diagnosis goes to stderr. It has a session of its own, so that Ctrl-C in the terminal is for us first.
 */
export async function doctorOf(command: readonly string[], settings: DoctorSettings): Promise<Outcome> {
  const [program, ...args] = command;
  if (program === undefined) throw new Problem("Expected a command after --, got nothing");
  if (settings.output !== undefined) await checkWritable(settings.output);
  const child = spawn(program, args, { stdio: "inherit", detached: true, env: environment() });
  const ended = endOf(child, program);
  ended.catch(() => {});
  const end = new AbortController();
  let passed: NodeJS.Signals | null = null;
  const pass = (name: NodeJS.Signals) => {
    if (passed !== null || end.signal.aborted) child.kill(name);
    passed = name;
    end.abort();
  };
  for (const name of ENDING) process.on(name, pass);
  try {
    await started(child, ended, end.signal);
    const seconds = settings.seconds ?? FOR_EVER;
    const { text, code } = await told(child.pid as number, { ...settings, seconds }, end.signal).catch(
      async (error: unknown) => {
        throw (await endsNow(ended)) ? endedEarly(await ended) : error;
      },
    );
    const isOurs = passed !== null || !(await endsNow(ended));
    if (isOurs) child.kill(passed ?? "SIGTERM");
    const killing = setTimeout(() => child.kill("SIGKILL"), END_WITHIN);
    const own = await ended;
    clearTimeout(killing);
    if (settings.output === undefined) process.stderr.write(`${printableLines(text)}\n`);
    else await writeFile(settings.output, `${text}\n`);
    return { text: "", code: isOurs || own === 0 ? code : own };
  } finally {
    for (const name of ENDING) process.off(name, pass);
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  }
}

/** Its inspector takes a port that is free, and says nothing of it. */
function environment(): NodeJS.ProcessEnv {
  const options = `${process.env.NODE_OPTIONS ?? ""} --inspect-port=0 --inspect-publish-uid=http`;
  return { ...process.env, NODE_OPTIONS: options.trim() };
}

/** How the program ended, as a shell tells it; throws when it cannot be started. */
async function endOf(child: ChildProcess, program: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Problem(`Cannot start ${program}: ${error.message}`)));
    child.once("exit", (code, signal) =>
      resolve(code ?? 128 + (constants.signals[signal as NodeJS.Signals] ?? 0)),
    );
  });
}

/** Whether the program has ended by itself: it waits for us to leave before it does. */
async function endsNow(ended: Promise<number>): Promise<boolean> {
  const NOT = Symbol("not");
  return (await Promise.race([ended, wait(ENDS_WITHIN, NOT)])) !== NOT;
}

const ENDS_WITHIN = 500;
/** Node takes the signal that opens its inspector some time after its start. */
const START_WITHIN = 10_000;
/** And what is to become Node has become it earlier: a script that is executed, or `env`. */
const NODE_WITHIN = 2000;
const LOOK_EVERY = 20;
const SIGUSR1_BIT = 1n << 9n;

async function started(child: ChildProcess, ended: Promise<number>, signal: AbortSignal): Promise<void> {
  const failed = ended.then((code) => {
    throw endedEarly(code);
  });
  failed.catch(() => {});
  for (
    let waited = 0;
    waited < START_WITHIN &&
    !takesSignal(child.pid) &&
    !signal.aborted &&
    (waited < NODE_WITHIN || isNode(child));
    waited += LOOK_EVERY
  )
    await Promise.race([wait(LOOK_EVERY), failed]);
}

function endedEarly(code: number): Problem {
  return new Problem(`The program ended with ${code} before there was enough to tell`);
}

function isNode({ pid }: ChildProcess): boolean {
  return pid !== undefined && runsNode(pid);
}

/** By /proc; true where that cannot be known. */
function takesSignal(pid: number | undefined): boolean {
  if (process.platform !== "linux") return true;
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return (BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`) & SIGUSR1_BIT) !== 0n;
  } catch {
    return false;
  }
}

async function told(
  pid: number,
  { port, seconds, calls, json }: DoctorSettings & { readonly seconds: number },
  signal: AbortSignal,
): Promise<Outcome> {
  const seen = await examinations(pid, port, { seconds, calls, signal });
  const mains = new Map(seen.map(({ thread, main }) => [thread, main]));
  const [main, ...threads] = seen.map((one) => diagnose(one, THRESHOLD));
  const processes = nodesBelow(pid);
  const whole = { ...(main as Diagnosis), threads, processes };
  const text = json
    ? JSON.stringify(whole, null, 2)
    : reportOf(whole, (finding, thread) => handoverOf(finding, mains.get(thread) ?? null));
  return { text, code: codeOf([main as Diagnosis, ...threads]) };
}

async function examinations(
  pid: number,
  port: number,
  settings: { readonly seconds: number; readonly calls: boolean; readonly signal: AbortSignal },
): Promise<Examination[]> {
  return new Promise((resolve, reject) => {
    attached(pid, port, async (remote) => {
      const seen = await examine(remote, { ...settings, interval: INTERVAL, least: LEAST });
      setTimeout(resolve, LEAVE_WITHIN, seen).unref();
      return seen;
    }).then(resolve, reject);
  });
}

function codeOf(diagnoses: readonly Diagnosis[]): number {
  if (diagnoses.some(({ findings }) => findings.some(({ advice }) => SOMETHING.has(advice))))
    return CODES.something;
  return diagnoses[0]?.verdict === "unclear" ? CODES.cannotBeTold : CODES.nothing;
}
