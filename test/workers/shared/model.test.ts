import { describe, expect, it } from "vitest";
import {
  arriveSteps,
  breakSteps,
  callSteps,
  create,
  type GateSetup,
  INDEX_SHIFT,
  type Layout,
  notifySteps,
  OWN,
  queueSections as q,
  records,
  sections as s,
  sendAwaySteps,
  shutSteps,
  statusOf,
  WAITING,
} from "../../../dist/workers/core.js";
import { GateModel } from "../../support/gatemodel.ts";
import { each, explore, type Model, type Program, type Thread } from "../../support/interleavings.ts";

interface Options {
  cancels?: number;
  mayDie?: boolean;
}

function gateOf(setup: GateSetup, entryCount: number): GateModel {
  const layout: Layout = { name: "model", kind: 99, own: 0, gates: [entryCount] };
  return new GateModel(new Int32Array(create(layout, [setup])), OWN, entryCount);
}

function drain(steps: Iterable<unknown>): void {
  for (const _ of steps);
}

/** Threads that each take a permit, are inside, and give it back; of a lock, or of a semaphore. */
function permits(kind: "lock" | "semaphore", count: number, threads: readonly Options[]): () => Model {
  return () => {
    const isLock = kind === "lock";
    const gate = gateOf({ value: count, bound: count, fatal: isLock }, isLock ? 1 : 3);
    const inside = new Set<Thread>();
    let [diedInside, told, came] = [0, 0, 0];
    const program: Program = function* (thread) {
      const passOn = () => gate.give(thread, () => inside.delete(thread));
      const granted = () => {
        inside.add(thread);
        if (diedInside > 0) came++;
      };
      const outcome = yield* gate.pass(thread, { granted, passOn });
      if (outcome === s.OWNER_DIED) told++;
      if (outcome !== s.GRANTED) return;
      yield "is inside";
      yield* passOn();
    };
    return {
      programs: threads.map((options) => ({ program, ...options })),
      state: () => [...gate.state(), inside.size, diedInside, told, came],
      check: () => {
        if (inside.size > count) throw new Error(`${inside.size} are inside`);
      },
      died: (thread) => {
        if (inside.delete(thread)) diedInside++;
      },
      finish: () => {
        drain(gate.recovery());
        expect([gate.word(s.VALUE), gate.word(s.HEAD), gate.word(s.SIZE)]).toEqual([count, 0, 0]);
        if (!isLock) return;
        if (diedInside === 0) expect(told + gate.word(s.UNTOLD)).toBe(0);
        // Nobody comes in before somebody has been told, unless all who were told had been cancelled.
        else if (came > 0 && threads.every(({ cancels = 0 }) => cancels === 0))
          expect(told).toBeGreaterThan(0);
      },
    };
  };
}

/** Threads that wait for an event which two others set, one of whom may die. */
function event(): Model {
  const gate = gateOf({ value: 0, cost: 0 }, 1);
  let isSet = false;
  const waiter: Program = function* (thread) {
    expect(yield* gate.pass(thread, {})).not.toBe(s.OWNER_DIED);
  };
  const setter: Program = function* () {
    yield "sets";
    isSet = true;
    yield* each(callSteps(gate.m, gate.at, s.GRANTED, 1), "calls");
  };
  return {
    programs: [{ program: waiter, cancels: 1 }, { program: setter, mayDie: true }, { program: setter }],
    state: () => [...gate.state(), Number(isSet)],
    finish: () => expect([gate.word(s.HEAD), gate.word(s.VALUE)]).toEqual([0, 1]),
  };
}

/** Two threads that wait, one of whom may be cancelled, and one that notifies twice when both have come. */
function condition(): Model {
  const gate = gateOf({ value: 0 }, 1);
  let [notified, woken, cancelled] = [0, 0, 0];
  const passOn: Program = () => each(notifySteps(gate.m, gate.at, 1), "passes on");
  const waiter: Program = function* (thread) {
    if ((yield* gate.pass(thread, { passOn })) === s.GRANTED) woken++;
    else cancelled++;
  };
  const notifier: Program = function* () {
    for (; notified < 2; notified++) {
      while (gate.word(s.TICKETS) !== 2) yield "is early";
      yield* each(notifySteps(gate.m, gate.at, 1), "notifies");
    }
  };
  return {
    programs: [{ program: waiter, cancels: 1 }, { program: waiter }, { program: notifier }],
    state: () => [...gate.state(), gate.word(s.TICKETS), notified, woken, cancelled],
    finish: () => expect([notified, woken + cancelled]).toEqual([2, 2]),
  };
}

interface BarrierOptions extends Options {
  /** What a thread does that does not wait. */
  does?: "reset" | "abort";
}

/** Threads that meet at a barrier once each, one of whom may break or empty it instead. */
function barrier(parties: number, threads: readonly BarrierOptions[]): () => Model {
  return () => {
    const gate = gateOf({ value: 0, cost: 0 }, 1);
    const { m, at } = gate;
    gate.afterDeath = () => breakSteps(m, at);
    const ends = new Map<number, { outcome: number; index: number }>();
    const diedInLine = new Set<number>();
    const waiting: Program = function* (thread) {
      let index = -1;
      const outcome = yield* gate.join(thread, function* (record) {
        const result = yield* arriveSteps(m, at, parties, record, 0);
        index = result >> INDEX_SHIFT;
        return statusOf(result);
      });
      ends.set(thread.id, { outcome, index });
    };
    const ending = (does: "reset" | "abort"): Program =>
      function* () {
        yield "comes";
        yield* each(sendAwaySteps(m, at, does === "abort" ? 1 : 0), "sends away");
      };
    const programs = threads.map(({ does, ...options }) => {
      return { program: does === undefined ? waiting : ending(does), ...options };
    });
    const granted = () => [...ends.values()].filter(({ outcome }) => outcome === s.GRANTED);
    const allEnd = threads.every(({ cancels = 0, mayDie = false }) => cancels === 0 && !mayDie);
    return {
      programs,
      state: () => [
        ...gate.state(),
        m[s.CLOSED]!,
        ...diedInLine,
        ...[...ends].flatMap(([id, { outcome, index }]) => [id, outcome, index]).sort((a, b) => a - b),
      ],
      died: ({ id, record }) => {
        if (records.words[record] === WAITING) diedInLine.add(id);
      },
      // The round is not full, and nobody in it is dead.
      mayWait: () =>
        gate.word(s.SIZE) < parties && m[s.CLOSED] === 0 && !gate.line().some((id) => diedInLine.has(id)),
      finish: () => {
        const through = granted();
        if (allEnd) {
          expect(through.length % parties).toBe(0);
          expect(new Set(through.map(({ index }) => index)).size).toBe(Math.min(through.length, parties));
        }
        const told = [...ends.values()].filter(({ outcome }) => outcome === s.OWNER_DIED);
        if (diedInLine.size === 0) expect(told).toEqual([]);
        if (!threads.some(({ does }) => does !== undefined) && diedInLine.size === 0)
          expect(m[s.CLOSED]).toBe(0);
      },
    };
  };
}

const CHUNK = 4;
const QUEUE: Layout = { name: "model", kind: 98, own: q.OWN_WORDS, gates: [3, 3, 3, 1] };

/** A queue of one place: the first thread puts two items and shuts it down, the others take one each. */
function queue(threads: readonly Options[]): () => Model {
  return () => {
    const setups = [{ value: 0 }, { value: 1, bound: 1 }, { value: 0 }, { value: 1, cost: 0 as const }];
    const m = new Int32Array(create(QUEUE, setups));
    const a = new Int32Array(1024);
    q.setUp(m, 1, a.length);
    let at = OWN + q.OWN_WORDS;
    const [items, room, hands, join] = QUEUE.gates.map((count) => {
      const gate = new GateModel(m, at, count);
      at += s.GATE_WORDS + count * s.ENTRY_WORDS;
      return gate;
    }) as [GateModel, GateModel, GateModel, GateModel];
    const put: number[] = [];
    const taken: number[] = [];
    const putter: Program = function* (thread) {
      for (const id of [1, 2]) {
        const outcome = yield* room.pass(thread, { passOn: () => room.give(thread) });
        if (outcome !== s.GRANTED) continue;
        const chunk = q.allocate(m, a, 0);
        a[chunk + CHUNK] = id;
        yield `wrote ${id}`;
        const head = q.append(m, a, chunk, items.at, join.at, room.entry(thread));
        put.push(id);
        yield `appended ${id} ${head}`;
        if (head > 0) yield* items.serve();
      }
      m[s.CLOSED] = 1;
      yield "shut down";
      yield* each(shutSteps(m, items.at), "sends takers away");
    };
    items.afterDeath = () => (m[s.CLOSED] === 1 ? shutSteps(m, items.at) : []);
    const taker: Program = function* (thread) {
      const outcome = yield* items.pass(thread, { passOn: () => items.give(thread) });
      if (outcome !== s.GRANTED) return;
      const chunk = q.take(m, a, items.entry(thread), room.entry(thread), hands.entry(thread));
      taken.push(a[chunk + CHUNK]!);
      yield "took";
      yield* room.give(thread);
    };
    return {
      programs: threads.map((options, i) => ({ program: i === 0 ? putter : taker, ...options })),
      state: () => [...items.state(), ...room.state(), ...hands.state(), m[s.CLOSED]!, ...put, -1, ...taken],
      // Who puts, when the queue is full and all who would take are gone; who takes, when the one who puts is gone.
      mayWait: ({ id }) =>
        id === 1001 ? put.length - taken.length === 1 : m[s.CLOSED] === 0 && put.length === taken.length,
      finish: () => {
        drain(items.recovery());
        drain(room.recovery());
        for (let chunk = q.drop(m, a, items.at); chunk !== 0; chunk = q.drop(m, a, items.at)) {
          taken.push(a[chunk + CHUNK]!);
          drain(room.give({ id: 1001 } as Thread));
        }
        expect(taken).toEqual(put);
        const reserved = room.entries.map((entry) => m[entry + s.COUNT]!);
        expect(reserved.reduce((sum, count) => sum + count, room.word(s.VALUE))).toBe(1);
        expect(items.word(s.VALUE)).toBe(0);
      },
    };
  };
}

describe("Every order of the steps of three threads", () => {
  it("leaves a lock free, with nobody waiting for ever", () => {
    expect(explore(permits("lock", 1, [{}, {}, {}])).ends).toBeGreaterThan(0);
  });

  it("loses no wake-up when waiters are cancelled, also as they are woken", () => {
    explore(permits("lock", 1, [{}, { cancels: 1 }, { cancels: 1 }]));
  });

  it("tells those who wait for a lock that its holder died, and only then", () => {
    explore(permits("lock", 1, [{ mayDie: true }, { mayDie: true }, {}]));
    explore(permits("lock", 1, [{ mayDie: true, cancels: 1 }, { cancels: 1 }, {}]));
  });

  it("brings the permits of a dead thread back", () => {
    explore(permits("semaphore", 1, [{ mayDie: true }, { mayDie: true }, { cancels: 1 }]));
    explore(permits("semaphore", 2, [{ mayDie: true }, { cancels: 1 }, {}]));
  });

  it("wakes all who waited when an event was set, also when one who sets it dies", () => {
    explore(event);
  });

  it("wakes one for each notification, though the notified one is cancelled", () => {
    explore(condition);
  });

  it("lets a barrier's round through when it is full, also while waiters are cancelled", () => {
    for (const parties of [2, 3]) {
      explore(barrier(parties, [{}, {}, {}]));
      explore(barrier(parties, [{ cancels: 1 }, { cancels: 1 }, {}]));
    }
  });

  it("breaks a barrier when somebody who waits there dies, and only then", () => {
    for (const parties of [2, 3]) {
      explore(barrier(parties, [{ mayDie: true }, { mayDie: true }, { mayDie: true }]));
      explore(barrier(parties, [{ mayDie: true, cancels: 1 }, { cancels: 1 }, { cancels: 1 }]));
    }
  });

  it("leaves nobody at a barrier that is aborted or reset, also when one who waits there dies", () => {
    for (const does of ["abort", "reset"] as const) {
      explore(barrier(2, [{ mayDie: true }, { cancels: 1 }, { does, mayDie: true }]));
      explore(barrier(3, [{ mayDie: true }, {}, { does, mayDie: true }]));
    }
  });

  it("brings every item of a queue to one who takes it", () => {
    explore(queue([{ cancels: 1 }, { mayDie: true }, {}]));
    explore(queue([{}, { cancels: 1 }, { cancels: 1, mayDie: true }]));
  });

  it("leaves nobody at a queue that a dying thread was shutting down", () => {
    explore(queue([{ mayDie: true }, {}]));
    explore(queue([{ mayDie: true }, {}, { cancels: 1 }]));
  });
});
