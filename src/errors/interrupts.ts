/** These are the errors of a program that a signal ended. */
import { named } from "./errors.ts";

/** Is thrown out of `run` when a signal cancelled the main task: which one is its `signal`. */
export class SignalInterrupt extends Error {
  readonly signal: NodeJS.Signals;

  /** It has no stack: the loop made it, and not the code it stops. */
  constructor(signal: NodeJS.Signals, options?: ErrorOptions) {
    super(signal, options);
    this.signal = signal;
    this.stack = `${this.name}: ${signal}`;
  }
}
named(SignalInterrupt, "SignalInterrupt");

/**
 * Is thrown out of `run` when SIGINT (Ctrl-C) cancelled the main task. One that nobody catches ends the process as
 * SIGINT does, with one line, after the listeners of `exit` have run: a shell shows 130.
 */
export class KeyboardInterrupt extends SignalInterrupt {}
named(KeyboardInterrupt, "KeyboardInterrupt");
