import { SharedSemaphore } from "threadloop/workers";
import { expect, it } from "vitest";
import { create, OWN, sections as s } from "../../../dist/workers/core.js";
import * as jobs from "../../fixtures/workers/sharing.mjs";
import { errorOf, makePool } from "../../support/pools.ts";
import { arrived, makeWords } from "../../support/sharing.ts";

it("A shared object can be used after a thread was ended in the middle of using it", async () => {
  const pool = makePool({ size: 1, cancelGrace: 0 });
  for (let i = 1; i <= 12; i++) {
    const semaphore = new SharedSemaphore(0);
    const words = makeWords();
    const job = pool.submit(jobs.hammer, semaphore, words);
    await arrived(words, 1000 * i);
    job.cancel();
    await errorOf(job);
    const before = semaphore.value;
    semaphore.release();
    expect(semaphore.value).toBe(before + 1);
    expect(before - words[1]!).toBeLessThanOrEqual(1);
  }
});

it("A latch is taken over from one who has written everything and never let go", () => {
  const layout = { name: "semaphore", kind: 99, own: 0, gates: [1] };
  const m = new Int32Array(create(layout, [{ value: 1 }]));
  // What a thread leaves that dies at the very end of a section.
  m[0] = m[1] = (777 << 9) | 1;
  expect(s.enter(m, OWN, OWN + s.GATE_WORDS, 0, 0)).toBe(s.GRANTED);
  expect(m[0]).toBe(0);
});
