import { getRunningLoop, run, sleep } from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, it } from "vitest";
import { random } from "../../support/random.ts";

interface Planned {
  readonly when: number;
  readonly id: number;
  cancel(): void;
}

/** Adds timers over some time, many of them of one deadline, and cancels some: what fires, and what should have. */
async function fire(seed: number): Promise<{ fired: number[]; wanted: number[] }> {
  const below = random(seed);
  const fired: number[] = [];
  const pending = new Map<number, Planned>();
  await run(
    async () => {
      const loop = getRunningLoop();
      const most = 2 + below(600);
      const mostCancelled = below(3) === 0 ? most : 3;
      for (let id = 0, batch = 0; batch < 4; batch++) {
        for (const end = id + below(most); id < end; id++) {
          const when = loop.time() + 1 + below(1 + most / 4) + below(2) / 4;
          const handle = loop.callAt(when, (id) => fired.push(id), id);
          pending.set(id, { when, id, cancel: () => handle.cancel() });
        }
        for (let n = below(mostCancelled); n > 0; n--) {
          const planned = pending.get(below(id + 1));
          if (planned === undefined || planned.when <= loop.time()) continue;
          planned.cancel();
          pending.delete(planned.id);
        }
        await sleep(below(most / 4));
      }
      await sleep(1000);
    },
    { clock: new VirtualClock() },
  );
  const wanted = [...pending.values()].sort((a, b) => a.when - b.when || a.id - b.id);
  return { fired, wanted: wanted.map(({ id }) => id) };
}

describe("The timers of a loop", () => {
  it("fire by deadline and then by age, and the cancelled ones never, in 200 programs", async () => {
    let all = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const { fired, wanted } = await fire(seed);
      expect(fired, `program ${seed}`).toEqual(wanted);
      all += fired.length;
    }
    expect(all).toBeGreaterThan(20_000);
  });
});
