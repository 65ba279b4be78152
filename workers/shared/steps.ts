/**
 * This is what takes several sections. Each function yields after a section, where other threads may come in
 * between, or where the thread may die: the tests try every order. What it yields is the record that is to be woken
 * now, or 0, or the negative of a record that it only looks at.
 */
import * as s from "./sections.ts";

export type Steps<T = void> = Generator<number, T, void>;

/** Tells all whose turn it is. */
export function* serveSteps(m: Int32Array, g: number): Steps {
  for (let record = s.serve(m, g, 0); record !== 0; record = s.serve(m, g, 0)) {
    yield record === s.DROPPED ? 0 : record;
  }
}

/** Calls all who wait, with what they are called as, and sets the number of permits, or leaves it with -1. */
export function* callSteps(m: Int32Array, g: number, outcome: number, value: number): Steps {
  let head = s.call(m, g, outcome, value);
  while (head === s.REFUSED) {
    yield 0;
    yield* serveSteps(m, g);
    head = s.call(m, g, outcome, value);
  }
  if (head === 0) return;
  yield 0;
  yield* serveSteps(m, g);
}

/** Sends away all who wait in a line that nobody may join any more, but whoever was promised something gets it. */
export function* shutSteps(m: Int32Array, g: number): Steps {
  yield* serveSteps(m, g);
  yield* callSteps(m, g, s.SHUT, -1);
}

/** Wakes the first so many who wait, without a permit. */
export function* notifySteps(m: Int32Array, g: number, count: number): Steps {
  for (let told = 0; told < count; ) {
    const record = s.serve(m, g, s.GRANTED);
    if (record === 0) return;
    if (record !== s.DROPPED) told++;
    yield record === s.DROPPED ? 0 : record;
  }
}

/** Takes back what dead threads hold, with the section that does it for this object. */
export function* recoverSteps(
  m: Int32Array,
  g: number,
  entries: Iterable<number>,
  reclaim: (entry: number) => unknown,
): Steps {
  for (const entry of entries) {
    reclaim(entry);
    yield 0;
  }
  yield* serveSteps(m, g);
}
