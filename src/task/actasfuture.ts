/** How the futures that every task switch makes are made cheaply. */
import { Future } from "./future.ts";

/**
 * Makes a class a Future that does not call Future's constructor but sets its fields itself: for what every task switch
 * makes, as V8 does not inline `super()`, which is a seventh of a switch.
 */
export function actAsFuture(kind: { readonly prototype: object }): void {
  Object.setPrototypeOf(kind.prototype, Future.prototype);
  ownThen(kind);
}

/** Gives a kind of future its own `then`: V8 looks it up for each `await`, and need not go to Future for it. */
export function ownThen(kind: { readonly prototype: object }): void {
  const then = Object.getOwnPropertyDescriptor(Future.prototype, "then") as PropertyDescriptor;
  if (!Object.hasOwn(kind.prototype, "then")) Object.defineProperty(kind.prototype, "then", then);
}
