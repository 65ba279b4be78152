import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool, warningOf } from "../../support/pools.ts";

describe("stream", () => {
  it("fails when its worker dies", async () => {
    const stream = makePool().stream(jobs.produceThenExit);
    expect((await stream.next()).value).toBe(1);
    expect((await errorOf(stream.next())).message).toMatch(/exited with code: 6/);
  });
});

describe("leaving a stream", () => {
  it.each([
    ["synchronous", jobs.produceInPieces],
    ["asynchronous", jobs.produceInAsyncPieces],
  ])(
    "happens between two items of a generator, %s, and its neighbours notice nothing",
    async (_, produce) => {
      const pool = makePool({ size: 1, cancelGrace: Number.POSITIVE_INFINITY });
      const thread = await pool.submit(jobs.where);
      const [gate, open] = [new Gate(), new Gate()];
      const neighbour = pool.submit(jobs.awaitUntilOpen, open.buffer);
      await open.at(1);
      let made = 0;
      for await (const item of pool.stream(produce, 20, gate.buffer)) {
        made = gate.step;
        if (item === 3) break;
      }
      expect(gate.words[2]).toBe(1);
      expect(gate.step - made).toBeLessThanOrEqual(2);
      open.open();
      expect(await neighbour).toBe(thread);
    },
  );

  it("gives the neighbours of a busy generator a turn between two items", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const neighbour = pool.submit(jobs.countTurns, gate.buffer);
    let turns = 0;
    for await (const item of pool.stream(jobs.produceInPieces, 5, gate.buffer)) {
      if (item === 2) turns = gate.words[3] as number;
      if (item === 22) break;
    }
    expect((gate.words[3] as number) - turns).toBeGreaterThanOrEqual(15);
    gate.open();
    await neighbour;
  });

  it.each([
    ["signal", (controller: AbortController) => ({ signal: controller.signal })],
    ["timeout", () => ({ timeout: 50 })],
  ])("by its %s hands over nothing more of what had come", async (_, optionsOf) => {
    const pool = makePool({ size: 1 });
    const controller = new AbortController();
    const gate = new Gate();
    const stream = pool.with(optionsOf(controller)).stream(jobs.produce, 100, gate.buffer);
    expect((await stream.next()).value).toBe(0);
    await gate.at(16);
    controller.abort();
    while (gate.words[2] === 0) await pool.submit(jobs.nap, 1, 0);
    expect((await errorOf(stream.next())).name).toBe(_ === "signal" ? "CancelledError" : "TimeoutError");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it("is not needed to get an item that was made before the next one keeps the thread", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const stream = pool.stream(jobs.produceThenBlock, gate.buffer);
    expect((await stream.next()).value).toBe(1);
    gate.open();
    expect((await stream.next()).value).toBe(2);
    expect((await stream.next()).done).toBe(true);
  });
});

describe("a stream that nobody reads", () => {
  it.each([0, 1])(
    "is ended while its pool closes, with a warning that names it (%i items read)",
    async (read) => {
      const pool = makePool({ size: 1 });
      const gate = new Gate();
      const stream = pool.stream(jobs.produce, 1000, gate.buffer);
      for (let i = 0; i < read; i++) await stream.next();
      const warned = warningOf("THREADLOOP_STREAM_NOT_READ");
      await pool.close();
      expect((await warned).message).toMatch(/^Stream `produce` of pool "pool" was ended, as nobody read it/);
      expect(gate.words[2]).toBe(1);
      expect((await errorOf(stream.next())).message).toMatch(/nobody read it while the pool was closing/);
    },
  );

  it("is ended when its reader was collected", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const forget = () => void pool.stream(jobs.produce, 1000, gate.buffer);
    const warned = warningOf("THREADLOOP_STREAM_NOT_READ");
    forget();
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const look = setInterval(collect, 5);
    const { message } = await warned;
    clearInterval(look);
    expect(message).toMatch(/was ended, as its reader is gone: read a stream to its end/);
  });
});
