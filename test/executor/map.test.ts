import { CancelledError, createTask, Event, sleep, TimeoutError } from "threadloop";
import { describe, expect } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { errorOf, Gate, harnesses, suiteOf } from "./harness/index.ts";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe.each(harnesses)("$name", (harness) => {
  const { it, make } = suiteOf(harness);

  describe("map", () => {
    it("yields the results in the order of the items", async () => {
      const pool = make();
      expect(await collect(pool.map(jobs.echo, numbers(100)))).toEqual(numbers(100));
    });

    it("takes chunks, which do not show", async () => {
      const pool = make();
      expect(await collect(pool.map(jobs.echo, numbers(100), { chunkSize: 7 }))).toEqual(numbers(100));
    });

    it("takes coroutines, in chunks too", async () => {
      const pool = make();
      const nap = pool.map(jobs.shortNap, numbers(20), { chunkSize: 3 });
      expect(await collect(nap)).toEqual(numbers(20));
    });

    it("yields results as they come when the order does not matter", async () => {
      const pool = make({ size: 2 });
      const gate = new Gate();
      const results: unknown[] = [];
      for await (const result of pool.map(
        jobs.waitIfFirst,
        numbers(5).map((n) => [n, gate.buffer] as const),
        { ordered: false },
      )) {
        results.push(result);
        if (results.length === 4) gate.open();
      }
      expect(results.at(-1)).toBe(0);
      expect([...results].sort()).toEqual(numbers(5));
    });

    it("pulls from the iterable no further than its buffer, from the first next() on", async () => {
      const pool = make();
      let pulled = 0;
      function* source() {
        for (;;) yield pulled++;
      }
      const results = pool.map(jobs.echo, source(), { bufferSize: 4 });
      expect(pulled).toBe(0);
      expect((await results.next()).value).toBe(0);
      expect(pulled).toBeLessThanOrEqual(4);
      expect((await results.next()).value).toBe(1);
      expect(pulled).toBeLessThanOrEqual(5);
      await results.return();
    });

    it("takes an async iterable and closes it when the reader leaves", async () => {
      const pool = make();
      let closed = false;
      async function* source() {
        try {
          for (let i = 0; ; i++) yield i;
        } finally {
          closed = true;
        }
      }
      for await (const n of pool.map(jobs.echo, source())) if (n === 10) break;
      expect(closed).toBe(true);
    });

    it("yields what is done while it waits for the next item of an async iterable", async () => {
      const pool = make();
      for (const ordered of [true, false]) {
        const seen = new Event();
        async function* source() {
          yield 1;
          await seen.wait();
          yield 2;
        }
        const results: unknown[] = [];
        for await (const result of pool.map(jobs.echo, source(), { ordered })) {
          results.push(result);
          seen.set();
        }
        expect(results).toEqual([1, 2]);
      }
    });

    it("takes also what an async iterable gives at its end while results are read", async () => {
      const pool = make();
      async function* source() {
        yield* [1, 2, 3, 4];
        await sleep(1);
        yield 5;
      }
      const results: unknown[] = [];
      for await (const result of pool.map(jobs.echo, source(), { chunkSize: 2 })) {
        results.push(result);
        if (results.length === 1) await sleep(20);
      }
      expect(results).toEqual([1, 2, 3, 4, 5]);
    });

    it("cancels the async iterable's wait for its next item when the reader leaves", async () => {
      const pool = make();
      let closed = false;
      async function* source() {
        try {
          yield 1;
          await new Event().wait();
        } finally {
          await sleep(1);
          closed = true;
        }
      }
      for await (const result of pool.map(jobs.echo, source())) {
        expect(result).toBe(1);
        break;
      }
      expect(closed).toBe(true);
    });

    it("throws a failure at its place, after the results before it, also in the middle of a chunk", async () => {
      for (const chunkSize of [1, 2, 5]) {
        const pool = make();
        const results: number[] = [];
        const reading = (async () => {
          for await (const n of pool.map(jobs.failAtThree, numbers(8), { chunkSize })) results.push(n);
        })();
        expect(await errorOf(reading)).toEqual(new RangeError("three"));
        expect(results).toEqual([0, 1, 2]);
      }
    });

    it("keeps failures for the reader who is busy elsewhere", async () => {
      const pool = make();
      const results = pool.map(jobs.failAtThree, [1, 3, 3, 3]);
      expect((await results.next()).value).toBe(1);
      await pool.submit(jobs.nap, 20, 0);
      expect(await errorOf(results.next())).toEqual(new RangeError("three"));
    });

    it("tells how far it is", async () => {
      const pool = make();
      const progress: number[] = [];
      await collect(
        pool.map(jobs.echo, numbers(10), { chunkSize: 4, onProgress: (done) => progress.push(done) }),
      );
      expect(progress).toEqual([4, 8, 10]);
    });

    it("cancels what is under way when its task is cancelled", async () => {
      const pool = make();
      const gates = [new Gate(), new Gate()];
      const task = createTask(() =>
        collect(
          pool.map(
            jobs.waitAndCleanUp,
            gates.map((gate) => gate.buffer),
          ),
        ),
      );
      while (gates.some((gate) => gate.step === 0)) await sleep(1);
      task.cancel();
      await expect(task.toPromise()).rejects.toBeInstanceOf(CancelledError);
      expect(gates.map((gate) => gate.step)).toEqual([3, 3]);
    });

    it("of nothing yields nothing", async () => {
      expect(await collect(make().map(jobs.echo, []))).toEqual([]);
    });

    it("waits for room where the pool's queue is limited", async () => {
      const pool = make({ size: 1, tasksPerWorker: 1, maxQueue: 1 });
      const results: number[] = [];
      for await (const n of pool.map(jobs.shortNap, [1, 2, 3, 4, 5, 6, 7, 8])) results.push(n);
      expect(results).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });

    it("hands over nothing after its signal has aborted, whatever was there", async () => {
      const pool = make();
      const control = new AbortController();
      const seen: number[] = [];
      const read = async (): Promise<void> => {
        const items = pool.with({ signal: control.signal }).map(jobs.echo, numbers(100), { chunkSize: 10 });
        for await (const item of items) {
          seen.push(item);
          if (item === 13) control.abort(new RangeError("enough"));
        }
      };
      const error = await errorOf(read());
      expect(error).toBeInstanceOf(CancelledError);
      expect(error.cause).toMatchObject({ message: "enough" });
      expect(seen).toEqual(numbers(14));
    });

    it("fails with TimeoutError when an item takes longer than its timeout", async () => {
      const view = make().with({ timeout: 20 });
      const gate = new Gate();
      expect(await errorOf(view.map(jobs.waitAndCleanUp, [gate.buffer]).next())).toBeInstanceOf(TimeoutError);
      expect(gate.step).toBe(3);
    });

    it("takes an async iterator whose steps are no promises but thenables", async () => {
      let n = 0;
      const step = () => ({ done: n === 3, value: n++ });
      const next = () => ({ then: (resolve: (result: unknown) => void) => resolve(step()) });
      const items = { [Symbol.asyncIterator]: () => ({ next }) } as unknown as AsyncIterable<number>;
      const results: number[] = [];
      for await (const result of make().map(jobs.echo, items)) results.push(result as number);
      expect(results).toEqual([0, 1, 2]);
    });

    it("says which option is wrong, as the call is made", async () => {
      const pool = make();
      const wrong = (options: object) => () => pool.map(jobs.echo, [], options);
      expect(wrong({ chunkSize: 0 })).toThrow(/`chunkSize` to be an integer >= 1, got `0`/);
      expect(wrong({ ordered: "no" })).toThrow("Expected `ordered` to be true or false, got `'no'` (string)");
      expect(wrong({ chunkSise: 2 })).toThrow(/chunkSise.*chunkSize/);
      expect(() => pool.map(5 as never, [])).toThrow("Expected `fn` to be a function, got `5` (number)");
    });

    it("says that the items are none when the first is asked for", async () => {
      expect(
        (
          await errorOf(
            make()
              .map(jobs.echo, 5 as never)
              .next(),
          )
        ).message,
      ).toMatch("Expected `items` to be iterable, got `5` (number)");
    });
  });
});
