/**
 * Context variables, as in Python's `contextvars`: a task and a callback run in a copy of the context taken when they
 * were created. AsyncLocalStorage values of the application travel beside them by themselves.
 */
import { RuntimeError } from "./errors.ts";
import { type ContextRunner, currentRunner, type RunnerContext, runAs, scopeOf, taskOf } from "./events.ts";

const NOTHING = Symbol("no value");

/** A set of values of context variables. Copying it costs nothing: the map behind it is shared until one is set. */
export class Context implements RunnerContext {
  /** @internal */
  _values: ReadonlyMap<object, unknown> | null = null;
  /** @internal For whom its code runs, such as a job of a pool. It cannot be set by the code itself. */
  _owner: object | null = null;

  /** Returns a context with the same values, which then changes on its own. */
  copy(): Context {
    return copyOf(this);
  }

  /** Returns the value of a variable in this context, or undefined. */
  get<T>(variable: ContextVar<T>): T | undefined {
    return this._values?.get(variable) as T | undefined;
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
    return this._apply(fn, args);
  }

  /** @internal */
  _apply<A extends readonly unknown[], R>(fn: (...args: A) => R, args: A): R {
    const around = currentRunner.getStore();
    const runner: ContextRunner = {
      _isTask: false,
      _context: this,
      _task: taskOf(around),
      _scope: scopeOf(around),
    };
    return runAs(runner, fn, args);
  }
}

/** The context of code that runs outside every task and callback of a loop. */
const outside = new Context();

function currentContext(): RunnerContext {
  return currentRunner.getStore()?._context ?? outside;
}

function copyOf(context: RunnerContext): Context {
  const copy = new Context();
  copy._values = context._values;
  copy._owner = context._owner;
  return copy;
}

/** @internal For whom the current code runs, or null. */
export function currentOwner(): object | null {
  return currentContext()._owner;
}

/** Returns a copy of the current context. */
export function copyContext(): Context {
  return copyOf(currentContext());
}

/** What `ContextVar.set` returns, to put the old value back with `reset`. */
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

  constructor(name: string, options: { default?: T } = {}) {
    this.name = name;
    this.#default = "default" in options ? (options.default as T) : NOTHING;
  }

  /** Returns the value in the current context, else the default; throws RangeError when there is neither. */
  get(): T {
    const values = currentContext()._values;
    if (values?.has(this)) return values.get(this) as T;
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
