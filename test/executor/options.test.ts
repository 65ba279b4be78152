import { CancelledError } from "threadloop";
import { describe, expect } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { errorOf, harnesses, suiteOf } from "./harness/index.ts";

describe.each(harnesses)("$name", (harness) => {
  const { it, make } = suiteOf(harness);

  describe("options", () => {
    for (const name of harness.refuses) {
      it(`refuses what it has not, by name: ${name}`, async () => {
        expect(() => make({ [name]: undefined } as object)).toThrow(
          `Option \`${name}\` is unknown to ${harness.name}`,
        );
      });
    }

    it("are checked, by name", async () => {
      for (const options of harness.checked) {
        const [name] = Object.keys(options);
        expect(() => make(options)).toThrow(`Expected \`${name}\` to be`);
      }
      expect(() => make().with({ timeout: -1 })).toThrow("Expected `timeout` to be milliseconds >= 0");
      expect(() => make().with({ colour: 1 } as object)).toThrow("Option `colour` is unknown to with()");
      expect(() => make().submit(5 as never)).toThrow("Expected `fn` to be a function, got `5` (number)");
    });

    it("of calls add up, view by view", async () => {
      const view = make().with({ name: "first" }).with({ timeout: 1e6 });
      const job = view.submit(jobs.echo, 1);
      expect(job.name).toBe("first");
      expect(await job).toBe(1);
    });
  });

  describe("a job", () => {
    it("knows its surroundings: a loop that runs, a task of its name, no context of its caller", async () => {
      expect(await make().with({ name: "named" }).submit(jobs.surroundings)).toEqual({
        loop: true,
        task: "named",
        child: "child",
      });
    });

    it("keeps the class, the fields and the cause of its error", async () => {
      const error = await errorOf(make().submit(jobs.throwTeapot));
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ name: "Teapot", message: "short and stout", code: 418 });
      expect(error.cause).toEqual(new TypeError("no handle"));
    });

    it("is counted", async () => {
      const executor = make();
      await executor.submit(jobs.echo, 1);
      await errorOf(executor.submit(jobs.throwTeapot));
      const cancelled = executor.submit(jobs.nap, 1e6, 0);
      cancelled.cancel();
      await errorOf(cancelled);
      const { settled, running, queued, runTime } = executor.stats();
      expect(settled).toEqual({ succeeded: 1, failed: 1, cancelled: 1 });
      expect([running, queued]).toEqual([0, 0]);
      expect(runTime.count).toBeGreaterThanOrEqual(2);
    });

    it("is among the tasks, below who awaits it and above the task that runs it", async () => {
      const executor = make();
      const job = executor.with({ name: "shown" }).submit(jobs.nap, 3_600_000, 0);
      while (!job.running()) await executor.submit(jobs.nap, 1, 0);
      // A thread that is too busy to answer in time is left out.
      const shown = async () =>
        (await executor.tasks()).all.find(({ kind, name }) => kind === "job" && name === "shown");
      let node = await shown();
      while (node?.waitsFor.length === 0) node = await shown();
      expect(node).toMatchObject({ state: "running" });
      expect(node?.waitsFor.map(({ name }) => name)).toEqual(["shown"]);
      job.cancel();
      await expect(job).rejects.toThrow(CancelledError);
    });
  });
});
