import {
  createTask,
  DeadlockError,
  Event,
  Future,
  getRunningLoop,
  Lock,
  newEventLoop,
  run,
  sleep,
  wrapPromise,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, it } from "vitest";
import { failureOf, now, turns, virtual } from "../../support/virtual.ts";

describe("VirtualClock", () => {
  it("starts at zero, or at the time it is told", async () => {
    expect(await virtual(async () => now())).toBe(0);
    expect(await run(async () => now(), { clock: new VirtualClock({ start: 1000 }) })).toBe(1000);
  });

  it("jumps to the next timer when nothing is ready, so that a year takes no time", () =>
    virtual(async () => {
      const year = 365 * 24 * 3_600_000;
      await sleep(year);
      expect(now()).toBe(year);
    }));

  it("stands still while anything is ready", () =>
    virtual(async () => {
      getRunningLoop().callLater(1, () => {});
      await turns(1000);
      expect(now()).toBe(0);
    }));

  it("stands still while something outside is waited for", () =>
    virtual(async () => {
      getRunningLoop().callLater(1, () => {});
      const outside = new Promise<string>((resolve) => setTimeout(resolve, 5, "from outside"));
      expect([await wrapPromise(outside), now()]).toEqual(["from outside", 0]);
    }));

  it("jumps though a task waits for a promise that another task settles after a while", () =>
    virtual(async () => {
      const settled = createTask(async () => {
        await sleep(5);
        return await sleep(5, "settled");
      });
      expect(await Promise.allSettled([settled.toPromise()])).toEqual([
        { status: "fulfilled", value: "settled" },
      ]);
      expect(now()).toBe(10);
    }));

  it("tells each iteration of the loop", async () => {
    const iterations: number[] = [];
    const clock = new VirtualClock({ onIteration: (iteration) => iterations.push(iteration) });
    await run(() => turns(3), { clock });
    expect(iterations.slice(0, 4)).toEqual([1, 2, 3, 4]);
  });
});

describe("a deadlock on virtual time", () => {
  it("ends the run with an error that names each stuck task and what it waits on", async () => {
    const lock = new Lock();
    const event = new Event();
    const error = await failureOf(() =>
      virtual(async () => {
        await lock.acquire();
        createTask(() => lock.acquire(), { name: "wants the lock" });
        createTask(() => event.wait(), { name: "wants the event" });
        await createTask(() => new Future(), { name: "wants the impossible" });
      }),
    );
    expect(error).toBeInstanceOf(DeadlockError);
    expect((error as Error).message.split("\n  ").slice(1)).toEqual([
      expect.stringMatching(/^<Task 'Task-\d+' pending, waits on <Task 'wants the impossible' pending>>$/),
      "<Task 'wants the lock' pending, waits on acquire of <Lock locked, 1 waiting>>",
      "<Task 'wants the event' pending, waits on wait of <Event unset, 1 waiting>>",
      "<Task 'wants the impossible' pending, waits on <Future pending>>",
    ]);
  });

  it("lets the stuck tasks clean up", async () => {
    const ends: string[] = [];
    const error = await failureOf(() =>
      virtual(async () => {
        try {
          await new Future();
        } finally {
          await sleep(5);
          ends.push(`cleaned up at ${now()}`);
        }
      }),
    );
    expect([error, ends]).toEqual([expect.any(DeadlockError), ["cleaned up at 5"]]);
  });

  it("can be resolved by a hook, and goes on at the same time", async () => {
    const future = new Future<string>();
    let deadlocks = 0;
    const clock = new VirtualClock({
      onDeadlock: () => {
        deadlocks += 1;
        if (!future.done()) future.setResult("resolved");
        return deadlocks === 1;
      },
    });
    const loop = newEventLoop({ clock });
    const task = loop.createTask(async () => [await future, now()]);
    expect(await loop.runUntilComplete(task)).toEqual(["resolved", 0]);
    expect(deadlocks).toBe(1);
    loop.close();
  });
});

describe("a jump", () => {
  it("waits for what goes on in microtasks: a chained future, an async function that nobody awaits", () =>
    virtual(async () => {
      await sleep(5).finally(() => {});
      const woke: number[] = [];
      createTask(async () => {
        await sleep(10).finally(() => {});
        woke.push(now());
      });
      const settled = new Future<void>();
      createTask(async () => {
        await settled;
        woke.push(now());
      });
      void (async () => {
        for (let i = 0; i < 20; i++) await null;
        settled.setResult();
      })();
      await sleep(1000);
      expect(woke).toEqual([5, 15]);
    }));

  it("comes while a promise is waited for that tasks of the loop settle", () =>
    virtual(async () => {
      const later = async () => await sleep(5, "done");
      expect(await wrapPromise(createTask(later).toPromise())).toBe("done");
      expect(now()).toBe(5);
    }));

  it("never goes to Infinity: what waits for ever is a deadlock", async () => {
    expect(await failureOf(() => virtual(() => sleep(Infinity)))).toBeInstanceOf(DeadlockError);
  });
});
