import {
  CancelledError,
  createTask,
  Event,
  sleep,
  staggeredRace,
  Timeout,
  TimeoutError,
  timeout,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, virtual } from "../../support/virtual.ts";

const boom = new Error("boom");
const later = (delay: number, name: string) => () => sleep(delay, name);
const failing = (delay: number) => async () => {
  await sleep(delay);
  throw boom;
};

describe("staggeredRace", () => {
  it("of nobody is won by nobody", () =>
    virtual(async () => {
      expect(await staggeredRace([], 10)).toEqual({ result: undefined, index: null, errors: [] });
    }));

  it("is won by the first when it is quick enough, and the others never start", () =>
    virtual(async () => {
      let started = false;
      const second = async () => {
        started = true;
        return "second";
      };
      const race = await staggeredRace([later(5, "first"), second], 10);
      expect([race, started, now()]).toEqual([{ result: "first", index: 0, errors: [null] }, false, 5]);
    }));

  it("starts the next at once when one fails", () =>
    virtual(async () => {
      const race = await staggeredRace([failing(1), later(2, "second")], 1000);
      expect([race, now()]).toEqual([{ result: "second", index: 1, errors: [boom, null] }, 3]);
    }));

  it("starts the next after the delay, and cancels the losers when one has won", () =>
    virtual(async () => {
      const race = await staggeredRace([later(1000, "first"), later(1000, "second"), later(5, "third")], 10);
      expect([race, now()]).toEqual([
        { result: "third", index: 2, errors: [expect.any(CancelledError), expect.any(CancelledError), null] },
        25,
      ]);
    }));

  it("can still be won by one that was started early", () =>
    virtual(async () => {
      const race = await staggeredRace([later(12, "first"), later(1000, "second")], 10);
      expect([race.result, race.index, now()]).toEqual(["first", 0, 12]);
    }));

  it("without a delay starts the next only when one fails", () =>
    virtual(async () => {
      const race = await staggeredRace([failing(500), later(500, "second"), later(1, "third")], null);
      expect([race, now()]).toEqual([{ result: "second", index: 1, errors: [boom, null] }, 1000]);
    }));

  it("that all lose gives their errors", () =>
    virtual(async () => {
      const race = await staggeredRace([failing(1), failing(1)], 10);
      expect(race).toEqual({ result: undefined, index: null, errors: [boom, boom] });
    }));

  it("waits for the losers' cleanups", () =>
    virtual(async () => {
      const loser = async () => {
        try {
          return await sleep(1000, "loser");
        } finally {
          await sleep(7);
        }
      };
      const race = await staggeredRace([loser, later(5, "winner")], 10);
      expect([race.result, now()]).toEqual(["winner", 22]);
    }));

  it("that is cancelled cancels them all", () =>
    virtual(async () => {
      const ends: string[] = [];
      const runner = (name: string) => async () => {
        const error = await failureOf(sleep(1000));
        ends.push(name);
        throw error;
      };
      const race = createTask(() => staggeredRace([runner("a"), runner("b")], 10));
      await sleep(20);
      race.cancel();
      expect(await failureOf(race)).toBeInstanceOf(CancelledError);
      expect([ends, now()]).toEqual([["a", "b"], 20]);
    }));

  it("passes each cancel on, also to a runner that went on after the one before", () =>
    virtual(async () => {
      const cancels: string[] = [];
      const stubborn = (name: string) => async () => {
        for (;;) {
          await failureOf(sleep(1000));
          if (cancels.push(name) > 2) throw boom;
        }
      };
      const race = createTask(() => staggeredRace([stubborn("a"), stubborn("b")], 1));
      for (let i = 0; i < 2; i++) {
        await sleep(5);
        race.cancel();
      }
      expect(await failureOf(race)).toBeInstanceOf(CancelledError);
      expect([cancels, now()]).toEqual([["a", "b", "a", "b"], 10]);
    }));

  it("passes on the cancels of two deadlines around it, one after the other", () =>
    virtual(async () => {
      const log: string[] = [];
      const [inner, outer] = [new Timeout(null), new Timeout(null)];
      const cancelled = async (name: string) => {
        await sleep(0);
        if ((await failureOf(sleep(0))) instanceof CancelledError) log.push(name);
      };
      const runner = async () => {
        inner.reschedule(-1);
        await cancelled("first");
        outer.reschedule(-1);
        await cancelled("second");
      };
      const race = async () => {
        log.push((await failureOf(staggeredRace([runner], null))) instanceof CancelledError ? "race" : "no");
        throw new CancelledError();
      };
      const error = await failureOf(outer.run(() => inner.run(race)));
      expect([error, log]).toEqual([expect.any(TimeoutError), ["first", "second", "race"]]);
    }));

  it("is won by one alone when several could", () =>
    virtual(async () => {
      const event = new Event();
      const waiting = (name: string) => () => event.wait().then(() => name);
      const setting = async () => {
        event.set();
        await new Event().wait();
        return "never";
      };
      const race = await staggeredRace([waiting("first"), waiting("second"), setting], 100);
      const loser = expect.any(CancelledError);
      expect(race).toEqual({ result: "first", index: 0, errors: [null, loser, loser] });
    }));

  it("is ended by a deadline around it and not by one beside it", () =>
    virtual(async () => {
      const race = () => staggeredRace([later(50, "first"), later(60, "second")], 10);
      const [ended, beside] = await Promise.allSettled([timeout(20, race), race()]);
      expect([ended.status, (beside as PromiseFulfilledResult<{ result: unknown }>).value.result]).toEqual([
        "rejected",
        "first",
      ]);
    }));

  it("of starters that cannot be iterated over to the end throws that error when the others have ended", () =>
    virtual(async () => {
      function* starters() {
        yield later(1000, "first");
        throw boom;
      }
      expect(await failureOf(staggeredRace(starters(), 5))).toBe(boom);
      expect(now()).toBe(0);
    }));
});
