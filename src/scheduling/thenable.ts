/**
 * This is the border to thenables that are not of this runtime: whatever such a thing does, one of two functions is
 * called, once, as an `await` would have it by the rules of Promises/A+. It may settle twice, throw after it has
 * settled, give a promise as its result, or throw when it is looked at.
 */

/** What a native promise of this realm has as its `then`, unless somebody has replaced it. */
export const promiseThen = Promise.prototype.then;

type Settle = (value: unknown) => void;
export type Then = (resolve: Settle, reject: Settle) => unknown;

/** Calls one of the two as a thenable settles, or with what is none; never within this call. */
export function settleWith(thenable: unknown, resolved: Settle, rejected: Settle): void {
  promiseThen.call(new Promise((resolve) => resolve(thenable)), resolved, rejected);
}

/** The same where `then` was read already: it is read once, as a getter may give another one the next time. */
export function settleByThen(thenable: unknown, then: Then, resolved: Settle, rejected: Settle): void {
  const settling = new Promise((resolve, reject) => void then.call(thenable, resolve, reject));
  promiseThen.call(settling, resolved, rejected);
}
