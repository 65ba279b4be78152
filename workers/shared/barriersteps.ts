/** This is what a barrier does in several sections, as the steps of steps.ts. */
import { arrive, breakIfDead, sendAway, statusOf } from "./barriersections.ts";
import { NEXT, OF, records, THREAD, WAITING } from "./records.ts";
import { isDead } from "./roster.ts";
import * as s from "./sections.ts";
import { type Steps, serveSteps } from "./steps.ts";

/** Joins the line, or lets all through as the last one; returns what `arrive` does, never REFUSED. */
export function* arriveSteps(
  m: Int32Array,
  g: number,
  parties: number,
  record: number,
  sync: number,
): Steps<number> {
  for (;;) {
    const result = arrive(m, g, parties, record, sync);
    if (result !== s.REFUSED && statusOf(result) !== s.GRANTED) return result;
    yield 0;
    yield* serveSteps(m, g);
    if (result !== s.REFUSED) return result;
  }
}

/** Sends all who wait away, and shuts the barrier (1) or opens it (0). */
export function* sendAwaySteps(m: Int32Array, g: number, closed: number): Steps {
  let head: number;
  do {
    head = sendAway(m, g, closed);
    yield 0;
    yield* serveSteps(m, g);
  } while (head === s.REFUSED);
}

/** Breaks the barrier if somebody waits in it whose thread has died. */
export function* breakSteps(m: Int32Array, g: number): Steps {
  for (;;) {
    const record = yield* findDead(m, g);
    if (record === 0 || breakIfDead(m, g, record) === 0) return;
    yield 0;
    yield* serveSteps(m, g);
  }
}

/** Walks along the line without its latch: what is found is looked at again under it. */
function* findDead(m: Int32Array, g: number): Steps<number> {
  const r = records.words;
  let record = Atomics.load(m, g + s.HEAD);
  for (let left = 2 * Atomics.load(m, g + s.SIZE) + 2; record !== 0 && left > 0; left--) {
    yield -record;
    if (Atomics.load(r, record) !== WAITING || r[record + OF] !== m[s.ID]) {
      record = Atomics.load(m, g + s.HEAD);
    } else if (isDead(r[record + THREAD]!)) return record;
    else record = Atomics.load(r, record + NEXT);
  }
  return 0;
}
