/**
 * These are several errors that happened together, as Python's ExceptionGroup: an AggregateError whose members can
 * be picked out, at any depth, by class or by a condition (PEP 654).
 */
import { isInstance, named } from "./errors.ts";

/** What `split` and `subgroup` select by: an error class, or a condition on a member. */
export type ErrorFilter = (abstract new (...args: never[]) => Error) | ((error: unknown) => boolean);

/**
 * Is thrown by a task group whose children failed; `errors` holds what they threw, in the order they ended.
 *
 * @example
 * ```ts
 * import { ExceptionGroup } from "threadloop";
 *
 * const group = new ExceptionGroup("two failed", [new TypeError("a"), new RangeError("b")]);
 * const [types, rest] = group.split(TypeError);
 * console.log(types?.errors.length, rest?.errors.length); // 1 1
 * ```
 */
export class ExceptionGroup extends AggregateError {
  /** Throws RangeError when `errors` is empty. */
  constructor(message: string, errors: readonly unknown[]) {
    if (errors.length === 0) {
      throw new RangeError("Expected `errors` to have at least one member, got an empty list");
    }
    super(errors, message);
  }

  /** Returns the group of the members that match, nested as they were, or null if none does. */
  subgroup(filter: ErrorFilter): ExceptionGroup | null {
    return this.split(filter)[0];
  }

  /** Returns two groups, of the members that match and of the rest, nested as they were; null for an empty one. */
  split(filter: ErrorFilter): [ExceptionGroup | null, ExceptionGroup | null] {
    const matches = asCondition(filter);
    if (matches(this)) return [this, null];
    const inside: unknown[] = [];
    const outside: unknown[] = [];
    for (const error of this.errors) {
      if (isGroup(error)) {
        const [yes, no] = error.split(filter);
        if (yes !== null) inside.push(yes);
        if (no !== null) outside.push(no);
      } else {
        (matches(error) ? inside : outside).push(error);
      }
    }
    return [derived(this, inside), derived(this, outside)];
  }
}
named(ExceptionGroup, "ExceptionGroup");

const isGroup = (error: unknown): error is ExceptionGroup => isInstance(error, ExceptionGroup);

/** A part of a group. */
function derived({ message, stack, cause }: ExceptionGroup, errors: unknown[]): ExceptionGroup | null {
  if (errors.length === 0) return null;
  const group = new ExceptionGroup(message, errors);
  if (stack !== undefined) group.stack = stack;
  if (cause !== undefined) group.cause = cause;
  return group;
}

function asCondition(filter: ErrorFilter): (error: unknown) => boolean {
  if (filter === Error || filter.prototype instanceof Error) {
    const type = filter as abstract new (...args: never[]) => Error;
    return (error) => isInstance(error, type);
  }
  return filter as (error: unknown) => boolean;
}
