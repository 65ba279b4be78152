/**
 * These are the signals that end a program, as CPython's runner handles SIGINT: the first one cancels the main task,
 * the second one ends the process.
 *
 * Other libraries listen too, and some of them (signal-exit) leave a signal to whoever else does. So nothing here is
 * left to others: only a listener from before `run`, or a handler of a loop, says that the program handles a signal
 * itself. After the first signal no listener of ours stays that is not needed, so that the system's own default ends
 * even a program that never comes back to its loop.
 */

import { KeyboardInterrupt, SignalInterrupt } from "../errors/interrupts.ts";
import type { EventLoop } from "../loop/loop.ts";
import { exitCodeOf, isHandled, listenerCountOf, listenTo } from "../loop/signalhandlers.ts";
import { setImmediate } from "../platform/node/timers.ts";
import { isCancelled } from "../task/scope.ts";
import type { Task } from "../task/task.ts";

/** What a runner has to do with signals, from the start of a program to its end. */
export interface Interrupts {
  /** Those that the program did not listen to when it began. */
  readonly signals: readonly NodeJS.Signals[];
  /** The first one that came. */
  interrupt: SignalInterrupt | null;
}

/** Begins with those of some signals that the program does not listen to itself. */
export function interruptsOf(signals: readonly NodeJS.Signals[]): Interrupts {
  return { signals: signals.filter((signal) => listenerCountOf(signal) === 0), interrupt: null };
}

/** Runs something with the first signal cancelling the task, and the second one ending the process. */
export async function interruptible<T>(
  task: Task<T>,
  interrupts: Interrupts,
  body: () => Promise<T>,
): Promise<T> {
  const unlisten = listen(interrupts, (interrupt) => task.cancel(undefined, interrupt));
  try {
    return await body();
  } catch (error) {
    const { interrupt } = interrupts;
    if (interrupt === null || task.uncancel() !== 0 || !isCancelled(error)) throw error;
    throw uncaughtEndsProcess(interruptOf(interrupt.signal, { cause: error }));
  } finally {
    unlisten();
  }
}

/** Runs what ends a program: a signal ends the process, and the first one says what the program waited for. */
export async function interruptibleEnd<T>(
  loop: EventLoop,
  interrupts: Interrupts,
  body: () => Promise<T>,
): Promise<T> {
  const unlisten = listen(interrupts, () => {
    const waiting = loop._describeTasks();
    if (waiting !== "") console.error(`run() has ended, and waited for ${waiting}`);
    return false;
  });
  try {
    return await body();
  } finally {
    unlisten();
  }
}

/** Tells of the first signal. Where that gives false, and at the second one, it ends the process. */
function listen(interrupts: Interrupts, tell: (interrupt: SignalInterrupt) => boolean): () => void {
  const { signals } = interrupts;
  const off = () => {
    process.removeListener("newListener", onNewListener);
    for (const signal of signals) process.removeListener(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (isHandled(signal)) return;
    if (interrupts.interrupt === null) {
      interrupts.interrupt = interruptOf(signal);
      if (tell(interrupts.interrupt)) return listenWhereOthersDo();
    }
    off(); // one that leaves the signal to others now finds itself alone
    setImmediate(endProcessBy, signal);
  };
  const on = (signal: NodeJS.Signals) => listenTo(signal, onSignal, "first");
  const listenWhereOthersDo = () => {
    off();
    for (const signal of signals) if (process.listenerCount(signal) > 0) on(signal);
    process.on("newListener", onNewListener);
  };
  const onNewListener = (event: string | symbol, listener: unknown) => {
    const signal = signals.find((each) => each === event);
    if (signal === undefined || listener === onSignal) return;
    if (!process.listeners(signal).includes(onSignal)) on(signal);
  };
  if (interrupts.interrupt === null) for (const signal of signals) on(signal);
  else listenWhereOthersDo();
  return off;
}

function interruptOf(signal: NodeJS.Signals, options?: ErrorOptions): SignalInterrupt {
  return signal === "SIGINT" ? new KeyboardInterrupt(signal, options) : new SignalInterrupt(signal, options);
}

function endProcessBy(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** The interrupts that came out of `run`. */
const thrown = new WeakSet<object>();

function uncaughtEndsProcess(interrupt: SignalInterrupt): SignalInterrupt {
  thrown.add(interrupt);
  if (!process.listeners("uncaughtExceptionMonitor").includes(onUncaught))
    process.on("uncaughtExceptionMonitor", onUncaught);
  return interrupt;
}

/** An error that nobody catches is about to end the process: an interrupt of ours ends it as its signal would. */
function onUncaught(error: unknown): void {
  if (typeof error !== "object" || error === null || !thrown.has(error)) return;
  if (process.listenerCount("uncaughtException") > 0 || process.hasUncaughtExceptionCaptureCallback()) return;
  const { signal, stack } = error as SignalInterrupt;
  console.error(stack);
  process.on("exit", () => endProcessBy(signal));
  process.exit(exitCodeOf(signal));
}
