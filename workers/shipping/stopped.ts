// This is a function that is called and stopped before its first statement, for what V8 tells nowhere else: its
// `this`, and which scope is which. The call is ended there, so no code of the user runs. It takes the Debugger,
// which is switched on for the rest of one copy (15 ms the first time, then 3 ms). Where coverage is counted it
// stays on: to switch it off would erase the counts, and what it slows down are tests.

import { mayCountCoverage } from "./coverage.ts";
import {
  exchangeIn,
  handleOf,
  inspect,
  listen,
  post,
  type RemoteValue,
  randomKey,
  release,
  valueBehind,
} from "./inspector.ts";

/** How a function is called so that it begins: undefined when that cannot be without running code of the user. */
export type Start = "call" | "next" | undefined;

/** The call that was stopped. */
export interface Frame {
  readonly callFrameId: string;
  readonly scopeChain: readonly { readonly type: string; readonly object: RemoteValue }[];
  /** The exchange of values with the inspector, as a handle in the vm context of the function: for what is said of the call. */
  readonly exchange: string;
}

const FRAME_GROUP = "threadloop-frame";

let state: "off" | "allowed" | "on" = "off";
let isLeftOn = false;

/** Allows the Debugger to be on while `work` runs. */
export function whileDebuggable<T>(work: () => T): T {
  if (state !== "off") return work();
  state = "allowed";
  try {
    return work();
  } finally {
    const isOn = (state as string) === "on";
    if (isOn && mayCountCoverage()) isLeftOn = true;
    else if (isOn && !isLeftOn) post("Debugger.disable");
    if (isOn) release();
    state = "off";
  }
}

/** Switches the Debugger on, if it may be. */
export function isDebuggable(): boolean {
  if (state === "allowed") {
    if (!isLeftOn) post("Debugger.enable");
    state = "on";
  }
  return state === "on";
}

/** Has the Debugger tell of all scripts, as it does when it is switched on; then it is as it was. */
export function tellScripts(): void {
  if (state === "on") post("Debugger.disable");
  post("Debugger.enable");
  if (state !== "on") post("Debugger.disable");
}

const thises = new WeakMap<object, { readonly value: unknown }>();

/** The `this` of an arrow function; undefined where it cannot be told. */
export function thisOf(fn: object, start: Start): { readonly value: unknown } | undefined {
  const known = thises.get(fn);
  if (known || !start || !isDebuggable()) return known;
  stoppedIn(fn, start, ({ callFrameId, exchange }) => {
    const { result } = post<{ result: RemoteValue }>("Debugger.evaluateOnCallFrame", {
      callFrameId,
      expression: "this",
      silent: true,
    });
    thises.set(fn, { value: valueBehind(result, exchange) });
  });
  return thises.get(fn);
}

/** Those of a function's captured variables that cannot be assigned: told by V8 as each is assigned its own value. */
export function constantsOf(fn: object, start: Start, names: readonly string[]): string[] {
  const constants: string[] = [];
  if (!start || !isDebuggable()) return constants;
  stoppedIn(fn, start, ({ callFrameId }) => {
    for (const name of names) {
      const { exceptionDetails } = post<{
        exceptionDetails?: { readonly exception?: { readonly description?: string } };
      }>("Debugger.evaluateOnCallFrame", { callFrameId, expression: `${name} = ${name}`, silent: true });
      if (/^TypeError: Assignment to constant/.test(exceptionDetails?.exception?.description ?? ""))
        constants.push(name);
    }
  });
  return constants;
}

/** The source of a script as V8 has it. */
export function sourceOfScript(scriptId: string): string | undefined {
  if (!isDebuggable()) return undefined;
  return post<{ scriptSource: string }>("Debugger.getScriptSource", { scriptId }).scriptSource;
}

/** Calls a function, stops it before its first statement, and ends it when `during` has run. */
export function stoppedIn(fn: object, start: "call" | "next", during: (frame: Frame) => void): void {
  const key = randomKey();
  const global = globalOf(fn);
  const { result } = post<{ result: { objectId: string } }>("Runtime.evaluate", { expression: "globalThis" });
  const objectId = handleOf(fn);
  setGlobal(result.objectId, key, objectId);
  const { breakpointId } = post<{ breakpointId: string }>("Debugger.setBreakpointOnFunctionCall", {
    objectId,
  });
  let failure: unknown;
  const stopped = (params: unknown): void => {
    try {
      const frame = (params as { callFrames: Omit<Frame, "exchange">[] }).callFrames[0]!;
      const globalId = frame.scopeChain.at(-1)!.object.objectId!;
      during({ ...frame, exchange: exchangeIn(global, globalId, FRAME_GROUP) });
    } catch (error) {
      failure = error;
    } finally {
      post("Runtime.releaseObjectGroup", { objectGroup: FRAME_GROUP });
      post("Debugger.resume", { terminateOnResume: true });
    }
  };
  try {
    const expression = `globalThis[${JSON.stringify(key)}]()${start === "next" ? ".next()" : ""}`;
    listen("Debugger.paused", stopped, () => evaluateAndEnd(expression));
  } finally {
    post("Debugger.removeBreakpoint", { breakpointId });
    setGlobal(result.objectId, key, undefined);
  }
  if (failure !== undefined) throw failure;
}

/** The global object of the vm context in which a function was made. */
function globalOf(fn: object): object {
  const inspection = inspect(fn);
  const scope = inspection.kind === "code" ? inspection.scopes.at(-1) : undefined;
  return scope?.kind === "Global" ? scope.variables : globalThis;
}

/** With a timeout V8 takes the termination back when the evaluation ends. */
function evaluateAndEnd(expression: string): void {
  try {
    post("Runtime.evaluate", { expression, silent: true, timeout: 60_000 });
  } catch {
    // It was terminated.
  }
}

function setGlobal(globalId: string, key: string, valueId: string | undefined): void {
  post("Runtime.callFunctionOn", {
    objectId: globalId,
    functionDeclaration: `function (value) { if (value) Object.defineProperty(this, ${JSON.stringify(key)}, { value, configurable: true }); else delete this[${JSON.stringify(key)}] }`,
    arguments: valueId === undefined ? [] : [{ objectId: valueId }],
    silent: true,
  });
}
