// This says why a function could not be compared.

/**
 * - `threw`: the function threw, on the loop or in a thread;
 * - `unsendable`: the function, its arguments or its result cannot be sent to another thread;
 * - `timeout`: the first call did not return in time;
 * - `different`: it gave another result in a thread than on the loop, as it depends on what is not sent.
 */
export type ComparisonErrorCode = "threw" | "unsendable" | "timeout" | "different";

/**
 * A function cannot be compared; the message says why and what to do, `cause` is what it threw.
 *
 * @example
 * ```ts
 * import { compare, ComparisonError } from "threadloop/bench";
 *
 * const fail = () => {
 *   throw new RangeError("no such page");
 * };
 * await compare(fail, [[]]).catch((error) => {
 *   if (error instanceof ComparisonError) console.log(error.code); // threw
 * });
 * ```
 */
export class ComparisonError extends Error {
  readonly code: ComparisonErrorCode;

  constructor(code: ComparisonErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  override get name(): string {
    return "ComparisonError";
  }
}
