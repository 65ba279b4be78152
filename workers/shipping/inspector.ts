// V8's inspector, connected to this very thread, tells what the language hides: where a function was written, which
// variables it closes over, what a bound function binds, whether an object has #private members.
//
// Rules, each measured: `post` to one's own thread is synchronous. Neither the Debugger nor the Profiler domain is left
// enabled (with the Debugger on, `await` takes ten times as long; disabling the Profiler destroys everybody's coverage;
// stopped.ts and scripts.ts have the two guarded exceptions). The session is never disconnected. Every read releases its handles.
// `[[FunctionLocation]]` and `[[Scopes]]` are V8's own names, the same since Node 11 but not documented.
import { requireFrom } from "../../src/core.ts";

/** Variables of one scope, read at the moment of the inspection. */
export interface Scope {
  /** V8's kind: Local, Block, Closure, Module, Script, Global, ... */
  readonly kind: string;
  readonly variables: Record<string, unknown>;
}

/** The value of a variable; `missing` where it is not initialised yet. */
export function valueIn({ variables }: Scope, name: string, missing?: unknown): unknown {
  try {
    return variables[name];
  } catch {
    return missing;
  }
}

/** A function that was written in JavaScript. Lines and columns count from 0. */
export interface CodeInspection {
  readonly kind: "code";
  readonly scriptId: string;
  readonly line: number;
  readonly column: number;
  /** Innermost first. */
  readonly scopes: readonly Scope[];
}

/** What `bind` made. */
export interface BoundInspection {
  readonly kind: "bound";
  readonly target: unknown;
  readonly self: unknown;
  readonly args: readonly unknown[];
}

export type Inspection = CodeInspection | BoundInspection | { readonly kind: "native" };

export interface RemoteValue {
  readonly type: string;
  readonly objectId?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
}

interface Properties {
  readonly internalProperties?: readonly { readonly name: string; readonly value?: RemoteValue }[];
  readonly privateProperties?: readonly { readonly name: string; readonly value?: RemoteValue }[];
}

interface Evaluation {
  readonly result: RemoteValue;
  readonly exceptionDetails?: object;
}

interface Session {
  connect(): void;
  post(
    method: string,
    params: object,
    callback: (error: { message: string } | null, result: unknown) => void,
  ): void;
  on(event: string, listener: (message: { params: unknown }) => void): unknown;
  off(event: string, listener: (message: { params: unknown }) => void): unknown;
}

/** How values pass between JavaScript and the inspector: this object's two properties. */
const exchange: { give: unknown; take: unknown } = { give: null, take: null };
const READ_GROUP = { objectGroup: "threadloop" };
let session: Session | undefined;
let refusal: Error | undefined;
let exchangeId = "";

/** Sends one message to this thread's inspector and returns its answer. Opens the session at first use (about 1.5 ms). */
export function post<R>(method: string, params: object = {}): R {
  session ??= open();
  return postTo<R>(session, method, params);
}

/** Calls `listener` for each message of that name while `during` runs. */
export function listen(event: string, listener: (params: unknown) => void, during: () => void): void {
  session ??= open();
  const on = (message: { params: unknown }) => listener(message.params);
  session.on(event, on);
  try {
    during();
  } finally {
    session.off(event, on);
  }
}

/** Whether this process may inspect itself. `node --permission` forbids it. */
export function mayInspect(): boolean {
  if (session) return true;
  if (refusal) return false;
  try {
    session = open();
    return true;
  } catch (error) {
    refusal = error as Error;
    return false;
  }
}

/** Why this process may not inspect itself. */
export const inspectorRefusal = (): Error | undefined => refusal;

/** Where a function comes from and what it closes over, at this moment (60 to 120 µs). */
export function inspect(fn: object): Inspection {
  return reading(fn, (properties) => {
    const internal = new Map(properties.internalProperties?.map(({ name, value }) => [name, value]));
    const target = internal.get("[[TargetFunction]]");
    if (target) {
      const args = valueBehind(internal.get("[[BoundArgs]]")) as ArrayLike<unknown>;
      return {
        kind: "bound",
        target: valueBehind(target),
        self: valueBehind(internal.get("[[BoundThis]]")),
        args: Array.from(args),
      };
    }
    const location = internal.get("[[FunctionLocation]]")?.value as
      | { scriptId: string; lineNumber: number; columnNumber: number }
      | undefined;
    if (!location) return { kind: "native" };
    const scopes = scopesOf(valueBehind(internal.get("[[Scopes]]")));
    return {
      kind: "code",
      scriptId: location.scriptId,
      line: location.lineNumber,
      column: location.columnNumber,
      scopes,
    };
  });
}

/** The #private members of an object, by their names. */
export function privateMembersOf(object: object): ReadonlyMap<string, unknown> {
  return reading(object, ({ privateProperties = [] }) => {
    return new Map(privateProperties.map(({ name, value }) => [name, valueBehind(value)]));
  });
}

function reading<T>(object: object, read: (properties: Properties) => T): T {
  try {
    const objectId = handleOf(object);
    return read(post<Properties>("Runtime.getProperties", { objectId, ownProperties: true }));
  } finally {
    release();
  }
}

/** Lets go of the handles that were made since. */
export function release(): void {
  if (session) postTo(session, "Runtime.releaseObjectGroup", READ_GROUP);
}

/**
 * The inspector's handle of an object, until `release`. A handle is of one vm context, and no message may name handles
 * of two: `within` is the exchange's own in that context.
 */
export function handleOf(object: object, within?: string): string {
  session ??= open();
  exchange.give = object;
  try {
    const declaration = { functionDeclaration: "function () { return this.give }", silent: true };
    return post<{ result: { objectId: string } }>("Runtime.callFunctionOn", {
      objectId: within ?? exchangeId,
      ...declaration,
      ...READ_GROUP,
    }).result.objectId;
  } finally {
    exchange.give = null;
  }
}

/** The handle of the exchange in the vm context of `global`, whose handle there is known; until its group is released. */
export function exchangeIn(global: object, globalId: string, objectGroup: string): string {
  const key = randomKey();
  Object.defineProperty(global, key, { value: exchange, configurable: true });
  try {
    return post<{ result: { objectId: string } }>("Runtime.callFunctionOn", {
      objectId: globalId,
      functionDeclaration: "function (key) { return this[key] }",
      arguments: [{ value: key }],
      silent: true,
      objectGroup,
    }).result.objectId;
  } finally {
    Reflect.deleteProperty(global, key);
  }
}

/** A name that nobody has. */
export const randomKey = (): string => `threadloop.${Math.random().toString(36).slice(2)}`;

/** The value behind a handle: the very object, not a copy. `within`: the exchange in the context of the handle. */
export function valueBehind(remote: RemoteValue | undefined, within?: string): unknown {
  if (!remote || remote.type === "undefined") return undefined;
  if (remote.unserializableValue !== undefined) return parseUnserializable(remote.unserializableValue);
  if (remote.objectId === undefined) return remote.value;
  const declaration = { functionDeclaration: "function (exchange) { exchange.take = this }", silent: true };
  post("Runtime.callFunctionOn", {
    objectId: remote.objectId,
    arguments: [{ objectId: within ?? exchangeId }],
    ...declaration,
  });
  const value = exchange.take;
  exchange.take = null;
  return value;
}

/** `NaN`, `-0`, `Infinity`, `10n`. */
function parseUnserializable(text: string): unknown {
  return text.endsWith("n") ? BigInt(text.slice(0, -1)) : Number(text);
}

function scopesOf(list: unknown): Scope[] {
  const entries = Array.from(
    (list ?? []) as ArrayLike<{ description: string; object: Record<string, unknown> }>,
  );
  return entries.map(({ description, object }) => ({
    kind: /^\w*/.exec(description)![0],
    variables: object,
  }));
}

function open(): Session {
  const inspector = requireFrom()("node:inspector") as { Session: new () => Session };
  const opened = new inspector.Session();
  opened.connect();
  exchangeId = rootHandle(opened, inspector);
  return opened;
}

/**
 * Hung for a moment on a built-in module, which is one object in all vm contexts: globalThis is not, and Jest gives its
 * contexts a copy of `process`.
 */
function rootHandle(opened: Session, shared: object): string {
  const key = randomKey();
  Object.defineProperty(shared, key, { value: exchange, configurable: true });
  try {
    const evaluation = {
      expression: `process.getBuiltinModule("node:inspector")[${JSON.stringify(key)}]`,
      objectGroup: "threadloop-root",
    };
    const { result, exceptionDetails } = postTo<Evaluation>(opened, "Runtime.evaluate", evaluation);
    if (exceptionDetails || result.objectId === undefined)
      throw new Error("The built-in modules of this context are not those of the main context");
    return result.objectId;
  } finally {
    Reflect.deleteProperty(shared, key);
  }
}

function postTo<R>(target: Session, method: string, params: object): R {
  let failure: { message: string } | null = null;
  let answer: unknown;
  let hasAnswered = false;
  target.post(method, params, (error, result) => {
    failure = error;
    answer = result;
    hasAnswered = true;
  });
  if (!hasAnswered) throw new Error(`${method}: this inspector does not answer at once`);
  if (failure) throw new Error(`${method}: ${(failure as { message: string }).message}`);
  return answer as R;
}
