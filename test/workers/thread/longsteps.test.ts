import { CancelledError } from "threadloop";
import { expect, it } from "vitest";
import { neighbour, workOn } from "../../fixtures/workers/longsteps.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

it("a cancel reaches a coroutine of long steps at an await, and its thread and neighbour live on", async () => {
  const pool = makePool({ size: 1, cancelGrace: Number.POSITIVE_INFINITY });
  const gate = new Gate();
  const beside = pool.submit(neighbour);
  const job = pool.submit(workOn, gate.buffer);
  await gate.at(2);
  const before = gate.step;
  job.cancel();
  expect(await errorOf(job)).toBeInstanceOf(CancelledError);
  expect(gate.words[2]).toBe(1);
  expect(gate.step - before).toBeLessThanOrEqual(8);
  expect(await beside).toBe("done");
});
