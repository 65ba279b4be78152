// These tests run the same programs on the virtual clock and on one that does not jump: `npm run clocks` compares
// 5,000.
import { describe, expect, it } from "vitest";
import { onRealClock, onVirtualClock, program } from "../../support/clockprograms.ts";

const count = Number(process.env.CLOCKS ?? 80);
const seed = Number(process.env.CLOCKS_SEED ?? 1);

describe("The virtual clock", () => {
  it(`gives the order of events of a real one, in ${count} programs from ${seed} on`, async () => {
    let entries = 0;
    let ties = 0;
    for (let each = seed; each < seed + count; each++) {
      const wanted = await onRealClock(program(each));
      const got = await onVirtualClock(program(each));
      if (wanted.hasTie || got.hasTie) ties++;
      else expect(got.log, `program ${each}`).toEqual(wanted.log);
      entries += got.log.length;
    }
    expect(ties).toBeLessThanOrEqual(count / 20);
    expect(entries).toBeGreaterThan(count * 8);
  }, 600_000);

  it("gives the same order each time, also in a process that pauses", async () => {
    for (let each = seed; each < seed + count; each++) {
      const { log } = await onVirtualClock(program(each));
      expect((await onVirtualClock(program(each), each)).log, `program ${each}`).toEqual(log);
    }
  }, 600_000);
});
