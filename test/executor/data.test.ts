import { AsyncLocalStorage } from "node:async_hooks";
import { CancelledError, currentTask, sleep } from "threadloop";
import { CloneError, transfer } from "threadloop/workers";
import { describe, expect } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import * as peers from "../fixtures/workers/peers.mjs";
import { errorOf, Gate, harnesses, suiteOf } from "./harness/index.ts";

describe.each(harnesses)("$name", (harness) => {
  const { it, make } = suiteOf(harness);

  describe("a function among the arguments", () => {
    it("calls back, and its answer is awaited", async () => {
      const pool = make();
      expect(await pool.submit(jobs.askTwice, (n: number) => n * 10)).toEqual([10, 20]);
      expect(await pool.submit(jobs.askTwice, async (n: number) => n + 1)).toEqual([2, 3]);
    });

    it("has been called as often as it was when the job settles, awaited or not", async () => {
      const pool = make();
      const seen: number[] = [];
      expect(await pool.submit(jobs.reportProgress, 50, (done: number) => seen.push(done))).toBe(50);
      expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    });

    it("throws into the worker what it throws, in full", async () => {
      const error = await errorOf(
        make().submit(jobs.askTwice, () => {
          throw Object.assign(new RangeError("do not ask"), { code: "E_ASK" });
        }),
      );
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ message: "do not ask", code: "E_ASK" });
    });

    it("runs in the caller's context, as a task where a loop runs", async () => {
      const user = new AsyncLocalStorage<string>();
      const pool = make();
      const names = await user.run("ada", () =>
        pool.submit(jobs.askTwice, () => [user.getStore(), currentTask() !== null]),
      );
      expect(names).toEqual([
        ["ada", true],
        ["ada", true],
      ]);
    });

    it("can be cancelled at", async () => {
      const pool = make();
      const gate = new Gate();
      const job = pool.submit(jobs.askTwice, () => {
        gate.reach(1);
        return sleep(1e6);
      });
      await gate.at(1);
      job.cancel();
      expect(await errorOf(job)).toBeInstanceOf(CancelledError);
    });

    it("that gives what cannot be cloned is named, with its job", async () => {
      const job = make().submit(jobs.askTwice, function answer() {
        return { inner: [() => 1] };
      });
      const error = await errorOf(job);
      expect(error).toBeInstanceOf(CloneError);
      expect(error.message).toMatch(
        "Cannot copy the result of callback `answer` of job `askTwice` to the other thread: it.inner[0] is a function",
      );
    });

    it("that is called with what cannot be cloned is named, with its job", async () => {
      let calls = 0;
      const error = await errorOf(make().submit(peers.askWithFunction, () => ++calls));
      expect(error).toBeInstanceOf(CloneError);
      expect(error.message).toMatch(
        "Cannot copy the arguments of callback `argument 1` of job `askWithFunction` to the other thread: it[1] is a function",
      );
      expect(calls).toBe(0);
    });
  });

  describe("transfer", () => {
    it("moves buffers to the worker", async () => {
      const bytes = new Uint8Array(1000);
      const pool = make();
      expect(await pool.with({ transfer: [bytes.buffer] }).submit(jobs.byteLength, bytes)).toBe(1000);
      expect(bytes.byteLength).toBe(0);
    });

    it("moves a result back", async () => {
      const bytes = await make().submit(jobs.makeBuffer, 1000);
      expect(bytes.byteLength).toBe(1000);
      expect(bytes[999]).toBe(7);
    });

    it("moves what a stream yields", async () => {
      const items: unknown[] = [];
      for await (const item of make().stream(jobs.produceBuffers, 2)) items.push(item);
      expect(items).toEqual([new Uint8Array([7]), new Uint8Array([7, 7]), [0, 0]]);
    });

    it("moves the results of a map, in chunks and with a failure behind them", async () => {
      const results: unknown[] = [];
      const map = make().map(jobs.makeBuffer, [1, 2, -1], { chunkSize: 3 });
      await expect(
        (async () => {
          for await (const result of map) results.push(result);
        })(),
      ).rejects.toThrow(RangeError);
      expect(results).toEqual([new Uint8Array([7]), new Uint8Array([7, 7])]);
    });

    it("moves the arguments and the result of a callback", async () => {
      const answer = new Uint8Array(20);
      const exchange = (bytes: Uint8Array) => {
        expect(bytes).toEqual(new Uint8Array(10).fill(7));
        return transfer(answer, [answer.buffer]);
      };
      expect(await make().submit(jobs.exchangeBuffers, exchange)).toEqual([0, 20]);
      expect(answer.byteLength).toBe(0);
    });

    it("names the job whose list is wrong, and others go on", async () => {
      const pool = make();
      const twice = new ArrayBuffer(8);
      const error = await errorOf(pool.with({ transfer: [twice, twice] }).submit(jobs.echo, twice));
      expect(error).toBeInstanceOf(CloneError);
      expect(error.message).toMatch(/arguments of job `echo`.*duplicate/i);
      expect(await pool.submit(jobs.echo, 2)).toBe(2);
    });
  });

  describe("data", () => {
    it("in a SharedArrayBuffer is shared, or refused", async () => {
      const words = new Int32Array(new SharedArrayBuffer(4));
      const pool = make();
      if (!harness.sharesMemory) {
        expect(await errorOf(pool.submit(jobs.increment, words))).toBeInstanceOf(CloneError);
        return;
      }
      await Promise.all(Array.from({ length: 100 }, () => pool.submit(jobs.increment, words)));
      expect(words[0]).toBe(100);
    });

    it("of a small Buffer does not take its whole arena along", async () => {
      const small = Buffer.from("abc");
      const { bytes, arena } = await make().submit(jobs.sizes, small);
      expect(bytes).toBe(3);
      expect(arena).toBeLessThanOrEqual(small.buffer.byteLength);
      expect(Buffer.from(await make().submit(jobs.echo, small)).toString()).toBe("abc");
    });

    it("keeps Maps, Sets, Dates, typed arrays and cycles", async () => {
      const value = {
        map: new Map([[1, new Set(["a"])]]),
        date: new Date(0),
        floats: new Float64Array([1.5]),
        self: null as unknown,
      };
      value.self = value;
      const back = await make().submit(jobs.echo, value);
      expect(back.map).toEqual(value.map);
      expect(back.date).toEqual(value.date);
      expect(back.floats).toEqual(value.floats);
      expect(back.self).toBe(back);
    });
  });

  describe("context stores named in the options", () => {
    it("that cannot be cloned fail their job by name, and its neighbours in the batch run", async () => {
      const user = new AsyncLocalStorage<unknown>();
      const pool = make({ size: 1, context: { user } });
      const failing = [
        user.run({ log() {} }, () => errorOf(pool.submit(jobs.echo, 1))),
        user.run({ log() {} }, () => errorOf(pool.submit(jobs.askTwice, (n: number) => n))),
      ];
      const after = pool.submit(jobs.echo, 2);
      for (const error of await Promise.all(failing)) {
        expect(error).toBeInstanceOf(CloneError);
        expect(error.message).toMatch(/context store `user`\.log is a function/);
      }
      expect(await after).toBe(2);
      for (let i = 0; i < 100; i++) expect(await pool.submit(jobs.echo, i)).toBe(i);
    });

    it("travel with each job, by name and into the worker's own storage", async () => {
      const user = new AsyncLocalStorage<unknown>();
      const pool = make({ context: { user } });
      const [ada, bob, nobody] = await Promise.all([
        user.run("ada", () => pool.submit(jobs.context).toPromise()),
        user.run("bob", () => pool.submit(jobs.context).toPromise()),
        pool.submit(jobs.context).toPromise(),
      ]);
      expect(ada).toEqual(["ada", "ada"]);
      expect(bob).toEqual(["bob", "bob"]);
      expect(nobody).toEqual([undefined, undefined]);
    });
  });

  describe("A list of what moves", () => {
    it("refuses a buffer that was moved before, in arguments, results and callbacks", async () => {
      const pool = make({ size: 1 });
      const buffer = new ArrayBuffer(8);
      const size = (moved: ArrayBuffer) => moved.byteLength;
      expect(await pool.with({ transfer: [buffer] }).submit(size, buffer)).toBe(8);
      const again = await errorOf(pool.with({ transfer: [buffer] }).submit(size, buffer));
      expect(again).toBeInstanceOf(CloneError);
      expect(again.message).toMatch(/detached/);
      expect(await pool.with({ transfer: [new ArrayBuffer(0)] }).submit(size, new ArrayBuffer(0))).toBe(0);
      const result = await errorOf(
        pool.submit(() => {
          const gone = new ArrayBuffer(4);
          structuredClone(gone, { transfer: [gone] });
          return transfer(gone, [gone]);
        }),
      );
      expect(result).toBeInstanceOf(CloneError);
      const answer = await errorOf(
        pool.submit(
          async (ask: () => Promise<ArrayBuffer>) => (await ask()).byteLength,
          async () => transfer(buffer, [buffer]),
        ),
      );
      expect(answer).toBeInstanceOf(CloneError);
      expect(await pool.submit(Math.abs, -1)).toBe(1);
    });

    it("moves the bytes of Buffers, which stay Buffers", async () => {
      const pool = make({ size: 1 });
      const bytes = Buffer.from(new ArrayBuffer(4)).fill(7);
      const back = await pool.with({ transfer: [bytes.buffer] }).submit((given: Buffer<ArrayBuffer>) => {
        if (!Buffer.isBuffer(given)) throw new TypeError("no Buffer");
        given[0] = 1;
        return transfer({ given }, [given.buffer]);
      }, bytes);
      expect(bytes.byteLength).toBe(0);
      expect(back.given.toString("hex")).toBe("01070707");
    });
  });
});
