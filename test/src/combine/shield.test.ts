import {
  CancelledError,
  createTask,
  Future,
  gather,
  getRunningLoop,
  shield,
  sleep,
  TimeoutError,
  waitFor,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, now, turns, virtual } from "../../support/virtual.ts";

const boom = new Error("boom");

describe("shield", () => {
  it("passes on a result and an exception", () =>
    virtual(async () => {
      const [good, bad] = [new Future<number>(), new Future()];
      const shields = [shield(good), shield(bad)];
      good.setResult(42);
      bad.setException(boom);
      expect([await shields[0], await failureOf(shields[1]!)]).toEqual([42, boom]);
    }));

  it("starts a coroutine as a task", () =>
    virtual(async () => {
      expect(await shield(() => sleep(3, "done"))).toBe("done");
    }));

  it("gives a future that is done back as it is", () =>
    virtual(async () => {
      const done = new Future<number>();
      done.setResult(1);
      expect(shield(done)).toBe(done);
    }));

  it("is cancelled when what it shields is cancelled", () =>
    virtual(async () => {
      const inner = new Future();
      const outer = shield(inner);
      inner.cancel();
      await turns(1);
      expect(outer.cancelled()).toBe(true);
    }));

  it("lets what it shields run on when the one that waits is cancelled", () =>
    virtual(async () => {
      const inner = createTask(() => sleep(10, "alive"));
      const outer = createTask(async () => await shield(inner));
      await sleep(1);
      outer.cancel();
      expect(await failureOf(outer)).toBeInstanceOf(CancelledError);
      expect([now(), inner.done(), await inner]).toEqual([1, false, "alive"]);
    }));

  it("reports a failure that comes after its cancel, once per shielded future", () =>
    virtual(async () => {
      const reports: unknown[] = [];
      getRunningLoop().setExceptionHandler((_, { message, exception }) => reports.push([message, exception]));
      const inner = new Future();
      const shields = [shield(inner), shield(inner)];
      for (const outer of shields) outer.cancel();
      await turns(1);
      inner.setException(boom);
      await turns(2);
      expect(reports).toEqual([[expect.stringContaining("exception in shielded future"), boom]]);
    }));

  it("reports nothing when what it shields succeeds or is cancelled after its cancel", () =>
    virtual(async () => {
      const reports: unknown[] = [];
      getRunningLoop().setExceptionHandler((_, context) => reports.push(context));
      const [good, gone] = [new Future<number>(), new Future()];
      for (const outer of [shield(good), shield(gone)]) outer.cancel();
      await turns(1);
      good.setResult(1);
      gone.cancel();
      await turns(2);
      expect(reports).toEqual([]);
    }));

  it("of a gather keeps all its children from a cancel", () =>
    virtual(async () => {
      const children = [createTask(() => sleep(5, "a")), createTask(() => sleep(6, "b"))];
      const all = gather(children);
      const outer = shield(all);
      await turns(1);
      outer.cancel();
      expect(await failureOf(outer)).toBeInstanceOf(CancelledError);
      expect(await all).toEqual(["a", "b"]);
    }));

  it("inside waitFor lets the work survive the timeout", () =>
    virtual(async () => {
      const work = createTask(() => sleep(10, "survived"));
      expect(await failureOf(() => waitFor(shield(work), 5))).toBeInstanceOf(TimeoutError);
      expect([now(), await work, now()]).toEqual([5, "survived", 10]);
    }));
});
