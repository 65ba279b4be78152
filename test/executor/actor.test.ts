import { PoolClosedError } from "threadloop/workers";
import { describe, expect } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { errorOf, Gate, harnesses, suiteOf } from "./harness/index.ts";

describe.each(harnesses)("$name", (harness) => {
  const { it, make, whereOffered } = suiteOf(harness);

  describe("an actor", () =>
    whereOffered("spawn", () => {
      it("is an object whose methods are called by jobs, in order", async () => {
        const counter = await make().spawn(jobs.Counter, 10);
        const sums = [counter.add(1), counter.add(2), counter.add(3)];
        expect(await Promise.all(sums)).toEqual([11, 13, 16]);
        expect(await counter.addLater(5, 4)).toBe(20);
      });

      it("disposes of itself when it is closed, and is not called any more", async () => {
        const gate = new Gate();
        const counter = await make().spawn(jobs.Counter);
        await counter.disposeAt(gate.buffer);
        const late = counter.addLater(5, 1);
        await counter.close();
        expect(late.result()).toBe(1);
        expect(gate.step).toBe(7);
        expect(() => counter.add(1)).toThrow("Actor Counter is closed: spawn another one");
      });

      it("says what it cannot do", async () => {
        const executor = make();
        const counter = await executor.spawn(jobs.Counter);
        const error = await errorOf((counter as unknown as { fly(): PromiseLike<unknown> }).fly());
        expect(error.message).toBe("Actor Counter has no method `fly`");
        expect((await errorOf(executor.spawn(jobs.Unborn))).message).toBe("not today");
        expect((await errorOf(executor.spawn(jobs.echo as never))).message).toMatch(
          "Expected `Class` to be a class",
        );
      });

      it("goes with its executor", async () => {
        const executor = make();
        const counter = await executor.spawn(jobs.Counter);
        await executor.close();
        expect(() => counter.add(1)).toThrow(PoolClosedError);
      });
    }));

  describe("a broadcast", () =>
    whereOffered("broadcast", () => {
      it("runs wherever jobs run, and gives what it returned there", async () => {
        const executor = make();
        await executor.submit(jobs.echo, 1);
        const results = await executor.broadcast(jobs.echo, { n: 1 });
        expect(results.length).toBeGreaterThanOrEqual(1);
        for (const result of results) expect(result).toEqual({ n: 1 });
        expect((await errorOf(executor.broadcast(jobs.throwTeapot))).message).toBe("short and stout");
      });
    }));

  describe("a module", () => {
    it("is loaded where jobs run", async () => {
      const path = make().module<typeof import("node:path")>("node:path");
      expect(await path.basename("/srv/readme.md")).toBe("readme.md");
    });

    it("that is not there, or lacks the function, is named", async () => {
      const executor = make();
      const lost = executor.module<{ go(): void }>(new URL("./not-there.mjs", import.meta.url));
      expect(await errorOf(lost.go())).toMatchObject({ name: "ShipError", code: "ERR_SHIP_UNREACHABLE" });
      const path = executor.module<{ fly(): void }>("node:path");
      expect(await errorOf(path.fly())).toMatchObject({ name: "ShipError", code: "ERR_SHIP_NO_EXPORT" });
    });
  });
});
