import { EventEmitter, on } from "node:events";
import { PassThrough } from "node:stream";
import { CancelledError, run, sleep, TimeoutError, timeout } from "threadloop";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("map", () => {
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
