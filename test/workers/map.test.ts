import { EventEmitter, on } from "node:events";
import { PassThrough } from "node:stream";
import { CancelledError, createTask, Event, run, sleep, TimeoutError, timeout } from "threadloop";
import { describe, expect, it } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../support/pools.ts";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("map", () => {
  it("yields the results in the order of the items", async () => {
    const pool = makePool();
    expect(await collect(pool.map(jobs.echo, numbers(100)))).toEqual(numbers(100));
  });

  it("takes chunks, which do not show", async () => {
    const pool = makePool();
    expect(await collect(pool.map(jobs.echo, numbers(100), { chunkSize: 7 }))).toEqual(numbers(100));
  });

  it("takes coroutines, in chunks too", async () => {
    const pool = makePool();
    const nap = pool.map(jobs.shortNap, numbers(20), { chunkSize: 3 });
    expect(await collect(nap)).toEqual(numbers(20));
  });

  it("yields results as they come when the order does not matter", async () => {
    const pool = makePool({ size: 2 });
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
    const pool = makePool();
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
    const pool = makePool();
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
    const pool = makePool();
    for (const ordered of [true, false]) {
      const seen = new Event();
      async function* source() {
        yield 1;
        await seen.wait();
        yield 2;
      }
      await run(async () => {
        const results: unknown[] = [];
        for await (const result of pool.map(jobs.echo, source(), { ordered })) {
          results.push(result);
          seen.set();
        }
        expect(results).toEqual([1, 2]);
      });
    }
  });

  it("does the same where no loop runs", async () => {
    const pool = makePool();
    let resolve = () => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    async function* source() {
      yield 1;
      await promise;
      yield 2;
    }
    const results: unknown[] = [];
    for await (const result of pool.map(jobs.echo, source())) {
      results.push(result);
      resolve();
    }
    expect(results).toEqual([1, 2]);
  });

  it("takes also what an async iterable gives at its end while results are read", async () => {
    const pool = makePool();
    async function* source() {
      yield* [1, 2, 3, 4];
      await sleep(1);
      yield 5;
    }
    await run(async () => {
      const results: unknown[] = [];
      for await (const result of pool.map(jobs.echo, source(), { chunkSize: 2 })) {
        results.push(result);
        if (results.length === 1) await sleep(20);
      }
      expect(results).toEqual([1, 2, 3, 4, 5]);
    });
  });

  it("cancels the async iterable's wait for its next item when the reader leaves", async () => {
    const pool = makePool();
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
    await run(async () => {
      for await (const result of pool.map(jobs.echo, source())) {
        expect(result).toBe(1);
        break;
      }
      expect(closed).toBe(true);
    });
  });

  it("throws a failure at its place, after the results before it, also in the middle of a chunk", async () => {
    for (const chunkSize of [1, 2, 5]) {
      const pool = makePool();
      const results: number[] = [];
      const reading = (async () => {
        for await (const n of pool.map(jobs.failAtThree, numbers(8), { chunkSize })) results.push(n);
      })();
      expect(await errorOf(reading)).toEqual(new RangeError("three"));
      expect(results).toEqual([0, 1, 2]);
    }
  });

  it("keeps failures for the reader who is busy elsewhere", async () => {
    const pool = makePool();
    const results = pool.map(jobs.failAtThree, [1, 3, 3, 3]);
    expect((await results.next()).value).toBe(1);
    await pool.submit(jobs.nap, 20, 0);
    expect(await errorOf(results.next())).toEqual(new RangeError("three"));
  });

  it("tells how far it is", async () => {
    const pool = makePool();
    const progress: number[] = [];
    await collect(
      pool.map(jobs.echo, numbers(10), { chunkSize: 4, onProgress: (done) => progress.push(done) }),
    );
    expect(progress).toEqual([4, 8, 10]);
  });

  it("cancels what is under way when its task is cancelled", async () => {
    const pool = makePool();
    const gates = [new Gate(), new Gate()];
    await run(async () => {
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
  });

  it("of nothing yields nothing", async () => {
    expect(await collect(makePool().map(jobs.echo, []))).toEqual([]);
  });

  it("waits for room where the pool's queue is limited", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1, maxQueue: 1 });
    const results: number[] = [];
    for await (const n of pool.map(jobs.shortNap, [1, 2, 3, 4, 5, 6, 7, 8])) results.push(n);
    expect(results).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("hands over nothing after its signal has aborted, whatever was there", async () => {
    const pool = makePool();
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
    const view = makePool().with({ timeout: 20 });
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
    for await (const result of makePool().map(jobs.echo, items)) results.push(result as number);
    expect(results).toEqual([0, 1, 2]);
  });

  it("says which option is wrong", async () => {
    const pool = makePool();
    expect((await errorOf(pool.map(jobs.echo, [], { chunkSize: 0 }).next())).message).toMatch(
      /`chunkSize` to be an integer >= 1, got `0`/,
    );
    expect((await errorOf(pool.map(jobs.echo, [], { ordered: "no" as never }).next())).message).toMatch(
      "Expected `ordered` to be true or false, got `'no'` (string)",
    );
    expect((await errorOf(pool.map(jobs.echo, 5 as never).next())).message).toMatch(
      "Expected `items` to be iterable, got `5` (number)",
    );
  });
});

describe("chunks of a map", () => {
  it("are left between two items, and neighbours go on, though the items never wait", async () => {
    const pool = makePool({ size: 1, cancelGrace: Number.POSITIVE_INFINITY });
    const gate = new Gate();
    const neighbour = pool.submit(jobs.countTurns, gate.buffer);
    const controller = new AbortController();
    const items = numbers(1000).map(() => [5, gate.buffer] as [number, SharedArrayBuffer]);
    const reading = errorOf(
      collect(pool.with({ signal: controller.signal }).map(jobs.pieceOf, items, { chunkSize: 500 })),
    );
    await gate.at(5);
    const turns = gate.words[3] as number;
    await gate.at(15);
    expect((gate.words[3] as number) - turns).toBeGreaterThanOrEqual(5);
    controller.abort();
    expect(await reading).toBeInstanceOf(CancelledError);
    expect(gate.step).toBeLessThan(500);
    gate.open();
    await neighbour;
  });

  it("tell their results when they have ended, not with the next chunk", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const items = [...numbers(10), gate.buffer];
    const results = pool.map(jobs.blockAtGate, items, { chunkSize: 5 });
    for (const n of numbers(10)) expect((await results.next()).value).toBe(n);
    gate.open();
    expect((await results.next()).value).toBe(-1);
    await results.return();
  });

  it("come one after the other in a thread, however often they give it a turn", async () => {
    const pool = makePool({ size: 1 });
    await pool.submit(jobs.echo, 0);
    const gate = new Gate();
    const items = numbers(30).map(() => [2, gate.buffer] as [number, SharedArrayBuffer]);
    let seen = 0;
    for await (const _ of pool.map(jobs.pieceOf, items, { chunkSize: 10 })) {
      if (++seen === 1) expect(gate.step).toBeLessThan(25);
    }
    expect(seen).toBe(30);
  });
});

describe("a map over a source that stalls", () => {
  /** Gives one item, and then nothing. */
  const sources = {
    "a stream of Node's": () => {
      const stream = new PassThrough({ objectMode: true });
      stream.write(1);
      return stream;
    },
    "an async generator": async function* () {
      yield 1;
      await new Promise(() => {});
    },
    "events of an emitter": () => {
      const emitter = new EventEmitter();
      setImmediate(() => emitter.emit("item", 1));
      return on(emitter, "item");
    },
    "a web stream": () =>
      new ReadableStream({
        start: (controller) => controller.enqueue(1),
      }) as unknown as AsyncIterable<number>,
  };

  it.each(Object.entries(sources))("can be left: %s", async (_, make) => {
    const pool = makePool();
    for await (const item of pool.map(jobs.echo, make() as AsyncIterable<unknown>)) {
      expect([1, [1]]).toContainEqual(item);
      break;
    }
    await run(async () => {
      const reading = timeout(50, async () => {
        for await (const item of pool.map(jobs.echo, make() as AsyncIterable<unknown>)) void item;
      });
      expect(await errorOf(reading)).toBeInstanceOf(TimeoutError);
    });
  });

  it("destroys a stream of Node's that it leaves", async () => {
    const stream = sources["a stream of Node's"]();
    for await (const _ of makePool().map(jobs.echo, stream)) break;
    expect(stream.destroyed).toBe(true);
  });

  it("waits for the cleaning up of one that hears of the cancel", async () => {
    await run(async () => {
      let cleaned = false;
      async function* source() {
        try {
          yield 1;
          await sleep(1e6);
        } finally {
          await sleep(10);
          cleaned = true;
        }
      }
      for await (const _ of makePool().map(jobs.echo, source())) break;
      expect(cleaned).toBe(true);
    });
  });
});
