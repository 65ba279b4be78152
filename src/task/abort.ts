/**
 * These are AbortSignals, the platform's own cancellation: one given to a task cancels it, and a task's own is
 * aborted.
 *
 * Whoever follows a signal does so here, behind one listener: Node keeps the listeners of a signal in a list, which is
 * walked whenever one is added or removed, and it warns of a leak from the eleventh on.
 */
import { type CancelledError, CancelReason, cancelledError, got } from "../errors/errors.ts";

/** What a signal does to a task. */
interface SignalledTask {
  cancel(message?: string, cause?: unknown): boolean;
  _listen(listen: () => void, settles: null, looks: boolean): void;
}

/** Those who follow one signal, in the order of their coming. */
class Followers {
  readonly #signal: AbortSignal;
  readonly #told = new Set<{ readonly tell: () => void }>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#aborted, { once: true });
  }

  add(tell: () => void): () => void {
    const follower = { tell };
    this.#told.add(follower);
    return () => this.#remove(follower);
  }

  #remove(follower: { readonly tell: () => void }): void {
    if (!this.#told.delete(follower) || this.#told.size > 0 || followersOf.get(this.#signal) !== this) return;
    followersOf.delete(this.#signal);
    this.#signal.removeEventListener("abort", this.#aborted);
  }

  /** One that throws keeps nobody from being told; the first error is the signal's to report, as a listener's is. */
  readonly #aborted = (): void => {
    followersOf.delete(this.#signal);
    const errors: unknown[] = [];
    for (const follower of this.#told) {
      this.#told.delete(follower);
      try {
        follower.tell();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  };
}

const followersOf = new WeakMap<AbortSignal, Followers>();

/** Calls a function when the signal aborts, at once when it has; returns what takes that back. */
export function followSignal(signal: AbortSignal, tell: () => void): () => void {
  if (signal.aborted) {
    tell();
    return () => {};
  }
  let followers = followersOf.get(signal);
  if (followers === undefined) {
    followers = new Followers(signal);
    followersOf.set(signal, followers);
  }
  return followers.add(tell);
}

/** Throws TypeError when a value is no AbortSignal. */
export function checkAbortSignal(signal: unknown): void {
  if (typeof (signal as Partial<AbortSignal> | null)?.addEventListener !== "function")
    throw new TypeError(`Expected \`signal\` to be an AbortSignal, got ${got(signal)}`);
}

/** Cancels the task when the signal aborts, with the signal's reason as the cause. */
export function linkSignal(task: SignalledTask, signal: AbortSignal): void {
  const leave = followSignal(signal, () => void task.cancel(messageOf(signal.reason), signal.reason));
  if (!signal.aborted) task._listen(leave, null, false);
}

/** Aborts with the CancelledError of a reason; the first time counts. */
export function abortWith(
  controller: AbortController,
  reason: CancelReason | CancelledError | undefined,
): void {
  if (controller.signal.aborted) return;
  controller.abort(cancelledError(reason instanceof CancelReason ? reason : undefined));
}

function messageOf(reason: unknown): string | undefined {
  if (typeof reason === "string") return reason;
  try {
    return reason instanceof Error ? reason.message : undefined;
  } catch {
    return undefined; // a Proxy or getter that throws: it is the cause all the same
  }
}
