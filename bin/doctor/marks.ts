// What the doctor evaluates in a thread that it examines. An immediate without a reference runs once a turn, in the loop's
// check phase, and does not keep the loop from waiting in its poll phase: it marks where turns end, for under a
// microsecond a turn. The CPU profile has the same clock. Several doctors may watch a thread, each with marks of its own.

/** What was marked. */
export interface Marks {
  /** Since when: microseconds. */
  readonly from: number;
  /** Pairs of begin and end, microseconds. */
  readonly turns: readonly number[];
  /** HTTP requests that began. */
  readonly requests: number;
}

const doctors = `globalThis[Symbol.for("threadloop.doctors")]`;

/**
 * Notes every turn longer than `least` microseconds, idle time included, until it is told to stop, or for `lifetime`
 * milliseconds: we may be killed. When the program ends before, `binding` is called with what was noted.
 */
export function watchTurns(id: string, binding: string, least: number, lifetime: number): string {
  return `(() => {
  const { performance } = process.getBuiltinModule("node:perf_hooks");
  const { setImmediate } = process.getBuiltinModule("node:timers");
  const { subscribe, unsubscribe } = process.getBuiltinModule("node:diagnostics_channel");
  const hand = globalThis[${JSON.stringify(binding)}];
  const origin = Number(process.hrtime.bigint()) / 1000 - performance.now() * 1000;
  const began = performance.now();
  let last = began;
  let isOver = false;
  const turns = [];
  let requests = 0;
  const count = () => { requests++; };
  const take = () => {
    stop();
    return JSON.stringify({ from: origin + began * 1000, turns: [...turns, origin + last * 1000, origin + performance.now() * 1000], requests });
  };
  const leave = () => hand?.(take());
  const stop = () => {
    isOver = true;
    unsubscribe("http.server.request.start", count);
    process.removeListener("exit", leave);
    ${doctors}?.delete(${JSON.stringify(id)});
  };
  const check = () => {
    if (isOver) return;
    const now = performance.now();
    if ((now - last) * 1000 > ${least}) turns.push(origin + last * 1000, origin + now * 1000);
    last = now;
    if (now - began > ${lifetime}) stop();
    else setImmediate(check).unref();
  };
  (${doctors} ??= new Map()).set(${JSON.stringify(id)}, take);
  subscribe("http.server.request.start", count);
  process.once("exit", leave);
  setImmediate(check).unref();
  return 0;
})()`;
}

/** Gives what was marked, the turn that this interrupts as the last, and marks no more. */
export const takeTurns = (id: string): string => `${doctors}?.get(${JSON.stringify(id)})?.() ?? null`;
