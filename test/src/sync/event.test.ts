import { CancelledError, createTask, Event } from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

describe("Event", () => {
  it("is not set at first, and then what it was last told", () =>
    virtual(async () => {
      const event = new Event();
      const states = [event.isSet()];
      for (const change of ["set", "set", "clear", "clear"] as const) {
        event[change]();
        states.push(event.isSet());
      }
      expect(states).toEqual([false, true, true, false, false]);
    }));

  it("wakes all that wait, in the order in which they came, with true", () =>
    virtual(async () => {
      const event = new Event();
      const order: [string, boolean][] = [];
      for (const name of ["a", "b", "c"]) createTask(async () => void order.push([name, await event.wait()]));
      await turns(2);
      event.set();
      expect(order).toEqual([]);
      await turns(1);
      expect(order).toEqual([
        ["a", true],
        ["b", true],
        ["c", true],
      ]);
    }));

  it("that is set does not suspend", () =>
    virtual(async () => {
      const event = new Event();
      event.set();
      let others = 0;
      createTask(async () => {
        others += 1;
      });
      expect([await event.wait(), others]).toEqual([true, 0]);
    }));

  it("wakes those that wait even if it is cleared before they run, and nobody who comes later", () =>
    virtual(async () => {
      const event = new Event();
      const early = createTask(() => event.wait());
      await turns(1);
      event.set();
      event.clear();
      const late = createTask(() => event.wait());
      await turns(3);
      expect([early.done(), late.done()]).toEqual([true, false]);
    }));

  it("forgets a waiter that is cancelled and wakes the others", () =>
    virtual(async () => {
      const event = new Event();
      const [a, b] = [createTask(() => event.wait()), createTask(() => event.wait())];
      await turns(1);
      a.cancel();
      event.set();
      expect(await failureOf(a)).toBeInstanceOf(CancelledError);
      expect(await b).toBe(true);
    }));
});
