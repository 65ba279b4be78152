import { CancelledError, createTask, sleep } from "threadloop";
import { CloneError } from "threadloop/workers";
import { describe, expect } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { errorOf, Gate, harnesses, suiteOf } from "./harness/index.ts";

describe.each(harnesses)("$name", (harness) => {
  const { it, make } = suiteOf(harness);

  describe("stream", () => {
    it("gives what a generator in a worker yields, in order, to its end", async () => {
      const pool = make();
      const gate = new Gate();
      const items: number[] = [];
      for await (const item of pool.stream(jobs.produce, 100, gate.buffer)) items.push(item);
      expect(items).toEqual(Array.from({ length: 100 }, (_, i) => i));
      expect(gate.words[2]).toBe(1);
    });

    it("takes a synchronous generator too", async () => {
      const items: number[] = [];
      for await (const item of make().stream(jobs.produceSync, 50)) items.push(item);
      expect(items).toHaveLength(50);
    });

    it("lets the producer run ahead of the reader by so much only", async () => {
      const pool = make();
      const gate = new Gate();
      const stream = pool.stream(jobs.produce, 1000, gate.buffer);
      await gate.at(16);
      await pool.submit(jobs.nap, 20, 0);
      expect(gate.step).toBe(16);
      for (let i = 0; i < 8; i++) await stream.next();
      await gate.at(24);
      await pool.submit(jobs.nap, 20, 0);
      expect(gate.step).toBe(24);
      await stream.return();
    });

    it("runs the generator's finally in the worker before an early break is over", async () => {
      const pool = make();
      const gate = new Gate();
      for await (const item of pool.stream(jobs.produce, 1000, gate.buffer)) if (item === 3) break;
      expect(gate.words[2]).toBe(1);
    });

    it("is left when the task that reads it is cancelled", async () => {
      const pool = make();
      const gate = new Gate();
      const task = createTask(async () => {
        for await (const item of pool.stream(jobs.produceOneAndWait, gate.buffer)) expect(item).toBe(0);
      });
      await gate.at(1);
      task.cancel();
      await expect(task.toPromise()).rejects.toBeInstanceOf(CancelledError);
      expect(gate.words[2]).toBe(1);
    });

    it("answers several calls of next() at once, in order", async () => {
      const stream = make().stream(jobs.produceSlowly, 3);
      const results = await Promise.all([1, 2, 3, 4].map(() => stream.next()));
      expect(results.map(({ value }) => value)).toEqual([0, 1, 2, undefined]);
    });

    it("throws what the generator throws, after its items", async () => {
      const items: number[] = [];
      const reading = (async () => {
        for await (const item of make().stream(jobs.produceThenFail, 3)) items.push(item);
      })();
      expect(await errorOf(reading)).toEqual(new RangeError("ran dry"));
      expect(items).toEqual([0, 1, 2]);
    });

    it("names an item that cannot be cloned", async () => {
      const stream = make().stream(jobs.produceUncloneable);
      expect((await stream.next()).value).toBe(1);
      const error = await errorOf(stream.next());
      expect(error).toBeInstanceOf(CloneError);
      expect(error.message).toMatch(/result of job `produceUncloneable` back: it is a function/);
    });

    it("refuses a function that gives nothing to iterate over", async () => {
      const error = await errorOf(
        make()
          .stream(jobs.add as never, 1, 2)
          .next(),
      );
      expect(error.message).toMatch(/Expected `add` to return something to iterate over.*got number/);
    });
  });

  describe("a stream that nobody reads", () => {
    it("goes on while its pool closes as long as somebody waits for its items", async () => {
      const pool = make({ size: 1 });
      const gate = new Gate();
      const stream = pool.stream(jobs.produceOneAndWait, gate.buffer);
      expect((await stream.next()).value).toBe(0);
      const next = stream.next();
      const closed = pool.close();
      await sleep(1500); // longer than a stream without a reader is left alone
      expect(gate.words[2]).toBe(0);
      await stream.return();
      await Promise.all([closed, next.catch(() => {})]);
    });
  });
});
