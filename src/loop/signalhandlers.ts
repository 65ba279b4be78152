/** Signals of the system are told as callbacks of a loop: this is what `loop.addSignalHandler` is made of. */

import { got, RuntimeError } from "../errors/errors.ts";
import { signalNumbers } from "../platform/node/signalnumbers.ts";
// Not those of the global object: a test runner's fake timers must not let the process end.
import { clearInterval, LONGEST_WAIT, setInterval } from "../platform/node/timers.ts";
import type { AbstractEventLoop } from "../scheduling/events.ts";
import type { Handle } from "../scheduling/handle.ts";

export class SignalHandlers {
  readonly #loop: AbstractEventLoop;
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  #running: boolean;
  #hold: NodeJS.Timeout | null = null;

  constructor(loop: AbstractEventLoop, running: boolean) {
    this.#loop = loop;
    this.#running = running;
  }

  /** Has the loop run this handle at each signal, instead of the one it ran before. */
  add(signal: NodeJS.Signals, handle: Handle): void {
    checkSignal(signal);
    const listener = () => this.#loop._push(handle);
    listenTo(signal, listener);
    this.remove(signal);
    this.#listeners.set(signal, listener);
    handled.set(signal, handlersOf(signal) + 1);
    this.#keepAwake();
  }

  /** Returns false when there is none. */
  remove(signal: NodeJS.Signals): boolean {
    checkSignal(signal);
    const listener = this.#listeners.get(signal);
    if (listener === undefined) return false;
    process.off(signal, listener);
    handled.set(signal, handlersOf(signal) - 1);
    this.#listeners.delete(signal);
    this.#keepAwake();
    return true;
  }

  /** Removes all, when the loop closes. */
  clear(): void {
    for (const signal of this.#listeners.keys()) this.remove(signal);
  }

  /** Says whether the loop runs. */
  setRunning(running: boolean): void {
    this.#running = running;
    this.#keepAwake();
  }

  /** A signal may wake a loop that has nothing else to wait for, but Node does not stay for a signal's sake. */
  #keepAwake(): void {
    const wanted = this.#running && this.#listeners.size > 0;
    if (wanted === (this.#hold !== null)) return;
    if (this.#hold !== null) clearInterval(this.#hold);
    this.#hold = wanted ? setInterval(() => {}, LONGEST_WAIT) : null;
  }
}

/** How many loops have a handler of a signal. */
const handled = new Map<NodeJS.Signals, number>();
const handlersOf = (signal: NodeJS.Signals) => handled.get(signal) ?? 0;

/** Tells whether a loop has a handler of this signal. */
export function isHandled(signal: NodeJS.Signals): boolean {
  return handlersOf(signal) > 0;
}

/** How many listen to a signal, beside the handlers of loops. */
export function listenerCountOf(signal: NodeJS.Signals): number {
  return process.listenerCount(signal) - handlersOf(signal);
}

/** Listens to a signal. Throws RuntimeError when it cannot be caught. */
export function listenTo(
  signal: NodeJS.Signals,
  listener: NodeJS.SignalsListener,
  place: "first" | "last" = "last",
): void {
  try {
    if (place === "first") process.prependListener(signal, listener);
    else process.on(signal, listener);
  } catch (cause) {
    throw new RuntimeError(`sig ${signal} cannot be caught`, { cause });
  }
}

/** What a shell shows of a process that a signal ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + signalNumbers()[signal];
}

/** Throws TypeError or RangeError when a value is no signal of this system. */
export function checkSignal(signal: NodeJS.Signals): void {
  if (typeof signal !== "string")
    throw new TypeError(`Expected \`signal\` to be the name of a signal, as "SIGTERM", got ${got(signal)}`);
  if (!Object.hasOwn(signalNumbers(), signal))
    throw new RangeError(`Expected \`signal\` to be a signal of this system, got ${got(signal)}`);
}
