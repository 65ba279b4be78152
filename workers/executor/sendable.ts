// These are the types of what can be given to a function in another thread.

type Nothing = ReturnType<() => void>;

/** The callbacks among these types that say that they return something at once; in a thread each call is a message. */
type AtOnce<T> = T extends (...args: never[]) => infer R
  ? unknown extends R
    ? never
    : [Extract<R, PromiseLike<unknown>>] extends [never]
      ? [R] extends [Nothing]
        ? never
        : T
      : never
  : never;

/**
 * The arguments `A` of a function that runs in a thread; none will do when it declares a callback that returns something
 * at once: there it gets a promise, and would take that for the value.
 */
export type Sendable<A extends unknown[]> = [AtOnce<A[number]>] extends [never]
  ? A
  : [refused: { "A callback returns a promise in a thread: its type must say so": AtOnce<A[number]> }];
