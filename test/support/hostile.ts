/** These are values that misbehave: what they are asked for throws, or they break the rules that others rely on. */
import { inspect } from "node:util";
import { createContext, runInContext } from "node:vm";
import { CancelledError } from "threadloop";

/** How a misbehaving value is called, and how it is made: each time anew, as some can be used once. */
export interface Hostile {
  readonly name: string;
  readonly make: () => unknown;
}

const realm = createContext({});

function refuse(): never {
  throw new Error("hands off");
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

/** A Proxy all of whose traps throw. */
function forbidden(target: object): object {
  const traps = Reflect.ownKeys(Reflect).filter((key) => typeof key === "string");
  return new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, refuse])));
}

function withGetters(target: object, ...keys: PropertyKey[]): object {
  for (const key of keys) Object.defineProperty(target, key, { get: refuse, configurable: true });
  return target;
}

function thenable(
  then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void,
): object {
  return { then };
}

/** A promise of which nobody complains that it is handled late. */
function rejected(reason: unknown): Promise<never> {
  const promise = Promise.reject(reason);
  promise.catch(() => {});
  return promise;
}

function knowsItself(): Error {
  const error = new Error("knows itself");
  error.cause = error;
  return Object.assign(error, { self: error, errors: [error] });
}

const deep = ((): Error => {
  let error = new Error("at the bottom");
  for (let i = 0; i < 5000; i++) error = new Error(`level ${i}`, { cause: error });
  return error;
})();

/** Values that are no thenables; each can be thrown and returned. */
export const plainHostiles: readonly Hostile[] = [
  { name: "null", make: () => null },
  { name: "undefined", make: () => undefined },
  { name: "zero", make: () => 0 },
  { name: "not a number", make: () => Number.NaN },
  { name: "an empty string", make: () => "" },
  { name: "false", make: () => false },
  { name: "a symbol", make: () => Symbol("thrown") },
  { name: "a bigint", make: () => 10n },
  { name: "an error class", make: () => RangeError },
  { name: "a function", make: () => refuse },
  { name: "a revoked Proxy", make: () => revoked({}) },
  { name: "a revoked Proxy of a function", make: () => revoked(() => {}) },
  { name: "a revoked Proxy of an error", make: () => revoked(new Error("revoked")) },
  { name: "an object without prototype", make: () => Object.create(null) },
  {
    name: "an error that inspect cannot show",
    make: () => Object.assign(new Error("unshowable"), { [inspect.custom]: refuse }),
  },
  { name: "an error whose stack throws", make: () => withGetters(new Error("no stack"), "stack") },
  {
    name: "an error whose every property throws",
    make: () => withGetters(new Error("nothing"), "stack", "name", "message", "cause", "constructor"),
  },
  { name: "an AbortError whose cause throws", make: () => withGetters({ name: "AbortError" }, "cause") },
  { name: "an AbortError with a revoked cause", make: () => ({ name: "AbortError", cause: revoked({}) }) },
  {
    name: "an object that becomes no string",
    make: () => ({ toString: refuse, [Symbol.toPrimitive]: refuse }),
  },
  { name: "a frozen error", make: () => Object.freeze(new Error("frozen")) },
  { name: "an error that knows itself", make: knowsItself },
  { name: "an error with a long chain of causes", make: () => deep },
  { name: "an error of another realm", make: () => runInContext('new Error("from elsewhere")', realm) },
  { name: "a CancelledError", make: () => new CancelledError("thrown by hand") },
  {
    name: "an array of itself",
    make: () => {
      const list: unknown[] = [];
      list.push(list);
      return list;
    },
  },
];

/** Values that an `await` would look into. */
export const thenableHostiles: readonly Hostile[] = [
  { name: "a Proxy all of whose traps throw", make: () => forbidden({}) },
  { name: "a function whose Proxy throws", make: () => forbidden(() => {}) },
  {
    name: "a thenable that resolves twice",
    make: () =>
      thenable((resolve) => {
        resolve("one");
        resolve("two");
      }),
  },
  {
    name: "a thenable that resolves and then rejects",
    make: () =>
      thenable((resolve, reject) => {
        resolve("first");
        reject(new Error("second"));
      }),
  },
  {
    name: "a thenable that resolves and then is cancelled",
    make: () =>
      thenable((resolve, reject) => {
        resolve("first");
        reject(new CancelledError("second"));
      }),
  },
  {
    name: "a thenable that rejects twice, the second time later",
    make: () =>
      thenable((_, reject) => {
        reject("first");
        queueMicrotask(() => reject("second"));
      }),
  },
  { name: "a thenable that rejects with null", make: () => thenable((_, reject) => reject(null)) },
  {
    name: "a thenable that throws",
    make: () =>
      thenable(() => {
        throw "thrown by then";
      }),
  },
  {
    name: "a thenable that throws after it has resolved",
    make: () =>
      thenable((resolve) => {
        resolve("first");
        throw new Error("too late");
      }),
  },
  {
    name: "a thenable that gives a promise",
    make: () => thenable((resolve) => resolve(Promise.resolve("inner"))),
  },
  {
    name: "a thenable that gives a rejected promise",
    make: () => thenable((resolve) => resolve(rejected("inner rejection"))),
  },
  {
    name: "a thenable that gives a thenable",
    make: () => thenable((resolve) => resolve(thenable((go) => go("deep")))),
  },
  { name: "an object whose then throws", make: () => withGetters({}, "then") },
  {
    name: "an object whose then is there once",
    make: () => {
      let asked = 0;
      const get = () => (asked++ === 0 ? (resolve: (value: string) => void) => resolve("once") : undefined);
      return Object.defineProperty({}, "then", { get });
    },
  },
  { name: "an object whose then is no function", make: () => ({ then: "soon" }) },
  { name: "an object that only inherits from Promise", make: () => Object.create(Promise.prototype) },
  {
    name: "a promise of another realm",
    make: () => runInContext('Promise.resolve("from elsewhere")', realm),
  },
  {
    name: "a rejected promise of another realm",
    make: () =>
      runInContext('const p = Promise.reject("rejected elsewhere"); p.catch(() => {}); p', createContext({})),
  },
  {
    name: "a promise whose constructor throws",
    make: () => withGetters(Promise.resolve("own"), "constructor"),
  },
  { name: "a promise rejected with null", make: () => rejected(null) },
  { name: "a promise rejected with a revoked Proxy", make: () => rejected(revoked({})) },
];
