/** These are the errors of streams and connections. */
import { named, RuntimeError } from "./errors.ts";

/** Is thrown by `loop.sendfile` without its fallback: Node has no sendfile of the system. */
export class SendfileNotAvailableError extends RuntimeError {}
named(SendfileNotAvailableError, "SendfileNotAvailableError");

/**
 * Is thrown when a stream ends before what was asked for had come.
 *
 * `partial` is what came, and is no longer in the stream; `expected` how many bytes were asked for, null when it was a
 * separator.
 *
 * @example
 * ```ts
 * import { IncompleteReadError, run, StreamReader } from "threadloop";
 *
 * await run(async () => {
 *   const reader = new StreamReader();
 *   reader.feedData(Buffer.from("abc"));
 *   reader.feedEof();
 *   try {
 *     await reader.readExactly(5);
 *   } catch (error) {
 *     if (error instanceof IncompleteReadError) console.log(String(error.partial), error.expected); // abc 5
 *   }
 * });
 * ```
 */
export class IncompleteReadError extends Error {
  readonly partial: Buffer;
  readonly expected: number | null;

  constructor(partial: Buffer, expected: number | null) {
    super(`${partial.length} bytes read on a total of ${expected ?? "undefined"} expected bytes`);
    this.partial = partial;
    this.expected = expected;
  }
}
named(IncompleteReadError, "IncompleteReadError");

/**
 * Is thrown when a separator does not come within the limit of a stream. What came stays in the stream; `consumed` is
 * how many bytes of it belong to no separator and can be read and dropped.
 *
 * @example
 * ```ts
 * import { LimitOverrunError, run, StreamReader } from "threadloop";
 *
 * await run(async () => {
 *   const reader = new StreamReader({ limit: 4 });
 *   reader.feedData(Buffer.from("too long\n"));
 *   try {
 *     await reader.readUntil("\n");
 *   } catch (error) {
 *     console.log(error instanceof LimitOverrunError); // true
 *   }
 * });
 * ```
 */
export class LimitOverrunError extends Error {
  readonly consumed: number;

  constructor(message: string, consumed: number) {
    super(message);
    this.consumed = consumed;
  }
}
named(LimitOverrunError, "LimitOverrunError");
