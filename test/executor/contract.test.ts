// These tests ask what concurrent.futures promises of an executor, and what CPython's own tests of it try to break.

import {
  asCompleted,
  CancelledError,
  InvalidStateError,
  RuntimeError,
  TimeoutError,
  wait,
  waitFor,
} from "threadloop";
import { PoolClosedError } from "threadloop/workers";
import { describe, expect } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { errorOf, Gate, harnesses, suiteOf } from "./harness/index.ts";

describe.each(harnesses)("$name", (harness) => {
  const { it, make } = suiteOf(harness);

  describe("an executor", () => {
    it("gives a future for each submit, with result, exception and state", async () => {
      const pool = make();
      const job = pool.submit(jobs.add, 2, 3);
      expect(job.done()).toBe(false);
      expect(() => job.result()).toThrow(InvalidStateError);
      expect(await job).toBe(5);
      expect([job.done(), job.cancelled(), job.exception(), job.result()]).toEqual([true, false, null, 5]);
      const failing = pool.submit(jobs.throwTeapot);
      await errorOf(failing);
      expect(failing.exception()).toMatchObject({ name: "Teapot" });
    });

    it("is running between its start and its end only", async () => {
      const pool = make({ size: 1, tasksPerWorker: 1 });
      const gate = new Gate();
      const [first, second, third] = [1, 2, 3].map(() => pool.submit(jobs.awaitUntilOpen, gate.buffer));
      await gate.at(1);
      expect([first?.running(), second?.running(), third?.running()]).toEqual([true, false, false]);
      gate.open();
      await Promise.all([first, second, third]);
      expect(first?.running()).toBe(false);
    });

    it("cancels what has not started; a cancel of what is done changes nothing", async () => {
      const pool = make({ size: 1, tasksPerWorker: 1 });
      const gate = new Gate();
      const running = pool.submit(jobs.awaitUntilOpen, gate.buffer);
      await gate.at(1);
      const waiting = pool.submit(jobs.echo, 1);
      expect(waiting.cancel()).toBe(true);
      expect(waiting.cancelled()).toBe(true);
      expect(waiting.cancel()).toBe(false);
      expect(() => waiting.exception()).toThrow(CancelledError);
      gate.open();
      await running;
      expect(running.cancel()).toBe(false);
    });

    it("calls done callbacks once, in order, with the future; one that is added later too", async () => {
      const pool = make();
      const job = pool.submit(jobs.echo, "x");
      const calls: string[] = [];
      job.addDoneCallback((done) => calls.push(`first ${done.result()}`));
      job.addDoneCallback((done) => calls.push(`second ${done.result()}`));
      await job;
      const later = new Promise<void>((resolve) => {
        job.addDoneCallback(() => resolve());
      });
      await later;
      expect(calls).toEqual(["first x", "second x"]);
    });

    it("works with wait: the finished ones first, whatever the order of submits", async () => {
      const pool = make({ size: 1 });
      const gate = new Gate();
      const slow = pool.submit(jobs.awaitUntilOpen, gate.buffer);
      const quick = pool.submit(jobs.echo, "quick");
      const { done, pending } = await wait([slow, quick], { returnWhen: "FIRST_COMPLETED" });
      expect([done.has(quick), pending.has(slow)]).toEqual([true, true]);
      const late = await wait([slow], { timeout: 5 });
      expect(late.pending.has(slow)).toBe(true);
      gate.open();
      expect((await wait([slow, quick])).done.size).toBe(2);
    });

    it("works with asCompleted and waitFor over several pools", async () => {
      const [one, two] = [make({ size: 1 }), make({ size: 1 })];
      const values: unknown[] = [];
      const both = [one.submit(jobs.echo, 1), two.submit(jobs.echo, 2)];
      for await (const { future } of asCompleted(both)) values.push(future.result());
      expect([...values].sort()).toEqual([1, 2]);
      const gate = new Gate();
      const blocked = one.submit(jobs.waitAndCleanUp, gate.buffer);
      await expect(waitFor(blocked, 10)).rejects.toBeInstanceOf(TimeoutError);
      expect(blocked.cancelled()).toBe(true);
    });

    it("refuses submits after close with a RuntimeError, from callbacks too", async () => {
      const pool = make();
      const job = pool.submit(jobs.echo, 1);
      const refused = new Promise((resolve) => {
        job.addDoneCallback(() => {
          try {
            pool.submit(jobs.echo, 2);
          } catch (error) {
            resolve(error);
          }
        });
      });
      void pool.close();
      expect(await refused).toBeInstanceOf(PoolClosedError);
      expect(await refused).toBeInstanceOf(RuntimeError);
    });

    it("lets close be called twice, at once and without any job", async () => {
      const pool = make();
      expect(await Promise.all([pool.close(), pool.close()])).toHaveLength(2);
    });

    it("takes a job that submits from its own done callback", async () => {
      const pool = make({ size: 1 });
      const chained = new Promise((resolve) => {
        pool.submit(jobs.echo, 1).addDoneCallback((first) => {
          pool.submit(jobs.add, first.result(), 1).addDoneCallback((second) => resolve(second.result()));
        });
      });
      expect(await chained).toBe(2);
    });
  });

  describe("what other pools get wrong", () => {
    it("cancelling a running job really stops it", async () => {
      const pool = make({ size: 1 });
      const gate = new Gate();
      const job = pool.submit(jobs.countAtGate, gate.buffer);
      await gate.at(10);
      job.cancel();
      expect(await errorOf(job)).toBeInstanceOf(CancelledError);
      const counted = gate.step;
      await pool.submit(jobs.nap, 20, 0);
      expect(gate.step).toBe(counted);
    });

    it("close waits for every worker, not for the first idle one", async () => {
      const pool = make({ size: 2 });
      const [short, long] = [pool.submit(jobs.nap, 1, "short"), pool.submit(jobs.nap, 200, "long")];
      await pool.close();
      expect([short.result(), long.result()]).toEqual(["short", "long"]);
    });

    it("messages of a job arrive before its result, in order", async () => {
      const pool = make();
      for (let round = 0; round < 20; round++) {
        const seen: number[] = [];
        await pool.submit(jobs.reportProgress, 3, (n: number) => seen.push(n));
        expect(seen).toEqual([1, 2, 3]);
      }
    });
  });
});
