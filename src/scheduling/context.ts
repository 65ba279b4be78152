/**
 * These are context variables, as in Python's `contextvars`: a task and a callback run in a copy of the context
 * taken when they were created. AsyncLocalStorage values of the application travel beside them by themselves.
 */

import { got, RuntimeError } from "../errors/errors.ts";
import { checkOptionNames, type OptionNames } from "../errors/optionnames.ts";
import { userFrames } from "./debug.ts";
import {
  type ContextRunner,
  currentRunner,
  type RunnerContext,
  runAs,
  type ScopeRunner,
  scopeOf,
  taskOf,
  waitingTaskOf,
} from "./events.ts";

const NOTHING = Symbol("no value");

/**
 * A set of values of context variables. Copying it costs nothing: the map behind it is shared until one is set.
 *
 * @example
 * ```ts
 * import { ContextVar, copyContext } from "threadloop";
 *
 * const user = new ContextVar("user", { default: "nobody" });
 * const context = copyContext();
 * context.run(() => user.set("ann"));
 * console.log(context.get(user), user.get()); // ann nobody
 * ```
 */
export class Context implements RunnerContext {
  /** @internal */
  _values: ReadonlyMap<object | string, unknown> | null = null;
  /** @internal For whom its code runs, such as a job of a pool. It cannot be set by the code itself. */
  _owner: object | null = null;

  /** Returns a context with the same values, which then changes on its own. */
  copy(): Context {
    return copyOf(this);
  }

  /** Returns the value of a variable in this context, or undefined. */
  get<T>(variable: ContextVar<T>): T | undefined {
    return variable?._valueIn?.(this);
  }

  /**
   * Runs a function in this context: what it sets stays in the context and nowhere else.
   *
   * @example
   * ```ts
   * import { ContextVar, copyContext } from "threadloop";
   *
   * const user = new ContextVar("user", { default: "nobody" });
   * copyContext().run(() => user.set("ada"));
   * console.log(user.get()); // nobody
   * ```
   */
  run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    if (typeof fn !== "function") throw new TypeError(`Expected \`fn\` to be a function, got ${got(fn)}`);
    return this._apply(fn, args);
  }

  /** @internal */
  _apply<A extends readonly unknown[], R>(fn: (...args: A) => R, args: A): R {
    return runAs(new Entered(this, currentRunner.getStore()), fn, args);
  }
}

/** Code that a context was entered for, in whatever task and block it was called. */
class Entered implements ContextRunner {
  readonly _isTask = false;
  readonly _context: RunnerContext;
  readonly #around: ContextRunner | undefined;

  constructor(context: RunnerContext, around: ContextRunner | undefined) {
    this._context = context;
    this.#around = around;
  }

  get _task(): ContextRunner | null {
    return taskOf(this.#around);
  }

  get _scope(): ScopeRunner | null {
    return scopeOf(this.#around);
  }

  _makeTask(): ContextRunner | null {
    return waitingTaskOf(this.#around);
  }
}

/** The context of code that runs outside every task and callback of a loop. */
const outside = new Context();

function currentContext(): RunnerContext {
  return currentRunner.getStore()?._context ?? outside;
}

/** The value of a variable in a context, set here or brought from another thread, or NOTHING. */
function valueIn({ _values: values }: RunnerContext, variable: { readonly _key: string }): unknown {
  if (values === null) return NOTHING;
  if (values.has(variable)) return values.get(variable);
  if (!values.has(CARRIED)) return NOTHING;
  const key = variable._key;
  if (!values.has(key)) return NOTHING;
  const value = values.get(key);
  if (value instanceof Missing) throw new RuntimeError(value.why);
  return value;
}

/** @internal Throws TypeError when a value is no Context. */
export function checkContext(value: unknown): asserts value is Context {
  if (!(value instanceof Context))
    throw new TypeError(`Expected \`context\` to be a Context, as copyContext() gives, got ${got(value)}`);
}

function copyOf(context: RunnerContext): Context {
  const copy = new Context();
  copy._values = context._values;
  copy._owner = context._owner;
  return copy;
}

/** @internal The same for a task: null where no variable has a value, as most tasks never ask for their context. */
export function copyOfValues(): Context | null {
  const context = currentContext();
  return context._values === null && context._owner === null ? null : copyOf(context);
}

/** @internal For whom the current code runs, or null. */
export function currentOwner(): object | null {
  return currentContext()._owner;
}

/**
 * Returns a copy of the current context: what is set in one of the two afterwards does not show in the other.
 *
 * @example
 * ```ts
 * import { ContextVar, copyContext } from "threadloop";
 *
 * const user = new ContextVar("user", { default: "nobody" });
 * const before = copyContext();
 * user.set("ada");
 * console.log(user.get(), before.run(() => user.get())); // ada nobody
 * ```
 */
export function copyContext(): Context {
  return copyOf(currentContext());
}

/** How a context variable is known in other threads: by the file in which it was made, and its name. */
export interface ContextVarDefinition {
  readonly name: string;
  readonly key: string;
  readonly default?: unknown;
}

/** A value of a context variable on its way to another thread, or why it cannot get there. */
export interface CarriedVariable {
  readonly key: string;
  readonly value?: unknown;
  readonly missing?: string;
}

/** Marks a context with values from another thread, which are under the keys of their variables. */
const CARRIED = "threadloop:carried";

/** In place of a value that could not be brought to this thread. */
class Missing {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** @internal The variables that have a value in the current context, for another thread. */
export function carriedVariables(): CarriedVariable[] {
  const carried = new Map<string, CarriedVariable>();
  const own = new Set<string>();
  for (const [variable, value] of currentContext()._values ?? []) {
    if (variable === CARRIED) continue;
    const key = typeof variable === "string" ? variable : (variable as ContextVar<unknown>)._key;
    if (typeof variable === "string" && own.has(key)) continue; // it was set here since
    carried.set(key, own.has(key) ? { key, missing: ambiguity(key) } : carriedAs(key, value));
    if (typeof variable !== "string") own.add(key);
  }
  return [...carried.values()];
}

const carriedAs = (key: string, value: unknown): CarriedVariable =>
  value instanceof Missing ? { key, missing: value.why } : { key, value };

function ambiguity(key: string): string {
  const name = key.slice(key.lastIndexOf("#") + 1);
  return (
    `Several context variables named \`${name}\` of one file have values where the job was submitted: another thread ` +
    "cannot tell them apart. Give each a name of its own"
  );
}

/** @internal Gives the current context the values that came from another thread. */
export function receiveVariables(variables: readonly CarriedVariable[]): void {
  const context = currentContext();
  const values = new Map(context._values ?? []).set(CARRIED, true);
  for (const { key, value, missing } of variables) {
    values.set(key, missing === undefined ? value : new Missing(missing));
  }
  context._values = values;
}

const definitions = new Map<string, ContextVar<unknown>>();

/** @internal The variable that another thread knows by this key. */
export function variableOf({ key, ...definition }: ContextVarDefinition): ContextVar<unknown> {
  let variable = definitions.get(key);
  if (variable === undefined) {
    variable = ContextVar._of(definition, key);
    definitions.set(key, variable);
  }
  return variable;
}

/** The file of a stack's first frame, the same however it is written. */
function fileOf(made: Error): string {
  const file = /\(?((?:file:\/\/|[A-Za-z]:[\\/]|\/)[^()]*?):\d+:\d+\)?$/.exec(userFrames(made)[0] ?? "")?.[1];
  return (file ?? "").replace(/^file:\/\//, "").replace(/\?.*$/, "");
}

/**
 * What `ContextVar.set` returns, to put the old value back with `reset`.
 *
 * @example
 * ```ts
 * import { ContextVar, type Token } from "threadloop";
 *
 * const user = new ContextVar("user", { default: "nobody" });
 * const token: Token<string> = user.set("ann");
 * user.reset(token);
 * console.log(user.get()); // nobody
 * ```
 */
export class Token<T> {
  readonly variable: ContextVar<T>;
  /** @internal */
  readonly _context: RunnerContext;
  /** @internal */
  readonly _old: T | typeof NOTHING;
  /** @internal */
  _used = false;

  /** @internal */
  constructor(variable: ContextVar<T>, context: RunnerContext, old: T | typeof NOTHING) {
    this.variable = variable;
    this._context = context;
    this._old = old;
  }
}

/** Made without a call, so that bundlers see what has no effect. */
const VARIABLE_OPTIONS: OptionNames = new Set(["default"]);

/**
 * A variable with a value of its own in every task, as `contextvars.ContextVar`.
 *
 * A task starts with the values of the code that created it; what it sets is seen by it, its callbacks and the tasks
 * it creates afterwards, and by nobody else.
 *
 * @example
 * ```ts
 * import { ContextVar, createTask, run } from "threadloop";
 *
 * const requestId = new ContextVar("requestId", { default: 0 });
 * await run(async () => {
 *   requestId.set(7);
 *   const child = createTask(async () => requestId.get());
 *   requestId.set(8);
 *   console.log(await child, requestId.get()); // 7 8
 * });
 * ```
 */
export class ContextVar<T> {
  readonly name: string;
  readonly #default: T | typeof NOTHING;
  /** Where: its stack is written out only when another thread has to know it. */
  readonly #made: Error;
  #key: string | null = null;

  constructor(name: string, options: { default?: T } = {}) {
    checkOptionNames("ContextVar", options, VARIABLE_OPTIONS);
    this.name = name;
    this.#default = "default" in options ? (options.default as T) : NOTHING;
    this.#made = new Error();
  }

  /** @internal */
  static _of({ name, ...options }: { name: string; default?: unknown }, key: string): ContextVar<unknown> {
    const variable = new ContextVar<unknown>(name, options);
    variable.#key = key;
    return variable;
  }

  /** @internal The same in all threads that load the file in which it was made. */
  get _key(): string {
    this.#key ??= `${fileOf(this.#made)}#${this.name}`;
    return this.#key;
  }

  /** @internal What makes it again in another thread. */
  get _definition(): ContextVarDefinition {
    const { name, _key: key } = this;
    return this.#default === NOTHING ? { name, key } : { name, key, default: this.#default };
  }

  /** @internal Its value in a context, or undefined. */
  _valueIn(context: RunnerContext): T | undefined {
    const value = valueIn(context, this);
    return value === NOTHING ? undefined : (value as T);
  }

  /**
   * Returns the value in the current context, else the default; throws RangeError when there is neither, RuntimeError
   * when it has one that could not be brought to this thread.
   */
  get(): T {
    const value = valueIn(currentContext(), this);
    if (value !== NOTHING) return value as T;
    if (this.#default !== NOTHING) return this.#default;
    throw new RangeError(
      `Context variable \`${this.name}\` has no value here and no default: set it first, or give its constructor one`,
    );
  }

  /** Sets the value in the current context and returns a token for `reset`. */
  set(value: T): Token<T> {
    const context = currentContext();
    const old = context._values?.has(this) ? (context._values.get(this) as T) : NOTHING;
    context._values = new Map(context._values ?? []).set(this, value);
    return new Token(this, context, old);
  }

  /**
   * Puts back the value from before the `set` that returned the token. Throws RuntimeError when the token was used
   * already, RangeError when it is another variable's or was made in another context.
   */
  reset(token: Token<T>): void {
    if (token._used)
      throw new RuntimeError(`This token of \`${this.name}\` was already used: each resets once`);
    if (token.variable !== this) {
      throw new RangeError(`Expected a token of \`${this.name}\`, got one of \`${token.variable.name}\``);
    }
    if (token._context !== currentContext()) {
      throw new RangeError(
        `This token of \`${this.name}\` was made in another context: reset it in the task that set it`,
      );
    }
    token._used = true;
    const values = new Map(token._context._values ?? []);
    if (token._old === NOTHING) values.delete(this);
    else values.set(this, token._old);
    token._context._values = values;
  }
}
