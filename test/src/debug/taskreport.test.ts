import {
  allTasks,
  createTask,
  currentTask,
  Event,
  Future,
  gather,
  getRunningLoop,
  Lock,
  run,
  shield,
  sleep,
  taskGroup,
  wait,
  wrapPromise,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, it } from "vitest";
import { describeTasks, reportTasks, type TaskReport } from "../../../dist/src/core.js";

const onVirtualTime = (main: () => Promise<void>) => run(main, { clock: new VirtualClock() });
const byName = (reports: TaskReport[]) => new Map(reports.map((report) => [report.name, report]));
const reports = () => reportTasks(getRunningLoop() as never);
const sleepLong = () => sleep(1000);

describe("A report on the tasks of a loop", () => {
  it("says what each task waits on", async () => {
    await onVirtualTime(async () => {
      const leaf = createTask(sleepLong, { name: "leaf" });
      createTask(() => gather(leaf), { name: "gathers" });
      createTask(() => shield(leaf), { name: "shields" });
      createTask(() => wait([leaf]), { name: "waits" });
      createTask(async () => void (await leaf), { name: "awaits" });
      const inGroup = () => taskGroup(async (group) => void group.createTask(sleepLong, { name: "child" }));
      createTask(inGroup, { name: "group" });
      await sleep(5);
      const all = byName(reports());
      const waitsOn = Object.fromEntries([...all].map(([name, report]) => [name, report.waitsOn]));
      expect(waitsOn).toMatchObject({
        leaf: "sleep",
        gathers: "gather of 1",
        shields: "shielded task 'leaf'",
        waits: "wait of 1",
        awaits: "task 'leaf'",
        group: "the tasks of its group",
        child: "sleep",
      });
    });
  });

  it("says who awaits each task, also through a gather or a group", async () => {
    await onVirtualTime(async () => {
      const leaf = createTask(sleepLong, { name: "leaf" });
      createTask(() => gather(leaf), { name: "gathers" });
      createTask(() => taskGroup(async (group) => void group.createTask(sleepLong, { name: "child" })), {
        name: "group",
      });
      await sleep(5);
      const all = byName(reports());
      expect(all.get("leaf")?.awaitedBy).toEqual([all.get("gathers")?.id]);
      expect(all.get("child")?.awaitedBy).toEqual([all.get("group")?.id]);
    });
  });

  it("tells a running task, a ready one and one that awaits a promise of somebody else", async () => {
    await run(async () => {
      let open = () => {};
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      createTask(() => gate, { name: "foreign" });
      await sleep(5);
      createTask(sleepLong, { name: "new" });
      const all = byName(reports());
      expect([...all.values()][0]?.state).toBe("running");
      expect(all.get("new")).toMatchObject({ state: "ready", waitsOn: null, waited: null });
      expect(all.get("foreign")).toMatchObject({ state: "waiting", waitsOn: "a promise" });
      open();
    });
  });

  it("names the function, or shows the beginning of its source", async () => {
    await onVirtualTime(async () => {
      createTask(sleepLong, { name: "named" });
      createTask(() => sleep(1000), { name: "unnamed" });
      await sleep(5);
      const all = byName(reports());
      expect(all.get("named")?.function).toBe("sleepLong");
      expect(all.get("unnamed")?.function).toContain("sleep");
    });
  });

  it("gives a task the same number each time", async () => {
    await onVirtualTime(async () => {
      createTask(sleepLong);
      const numbers = () => reports().map((report) => report.id);
      expect(numbers()).toEqual(numbers());
    });
  });

  it("names in words all that each task waits on, and in debug mode where it was made", () =>
    run(
      async () => {
        const loop = getRunningLoop();
        const future = loop.createFuture();
        let foreign = () => {};
        const never = new Promise<void>((resolve) => {
          foreign = resolve;
        });
        const lock = new Lock();
        await lock.acquire();
        const waits: Record<string, () => unknown> = {
          future: () => future,
          foreign: () => never,
          wrapped: () => wrapPromise(never),
          lock: () => lock.acquire(),
          gathers: () => gather(future, sleep(1e9), new Future(), new Future(), new Event().wait()),
          chained: () => future.finally(() => {}),
          several: () => Promise.all([future, sleep(1e9)]),
          task: () => allTasks().find(({ name }) => name === "future"),
        };
        for (const [name, wait] of Object.entries(waits))
          createTask(async () => void (await wait()), { name });
        await sleep(40);
        const told = describeTasks(loop as never);
        const line = (name: string) =>
          /: waits on (.*) for /.exec(told.split(`task '${name}'`)[1] ?? "")?.[1];
        const here = "made at .*taskreport.test.ts:\\d+:\\d+\\)?";
        const wanted: Record<string, RegExp> = {
          future: RegExp(`^a future ${here}$`),
          foreign: /^a promise that is not the runtime's$/,
          wrapped: RegExp(`^a promise that was wrapped ${here}$`),
          lock: /^acquire of <Lock locked, 1 waiting>$/,
          gathers: RegExp(`^gather of 5 \\(a future, sleep, a future and 2 more\\) ${here}$`),
          chained: RegExp(`^what was chained on another future \\(a future\\) ${here}$`),
          several: RegExp(`^a future ${here} and sleep ${here}$`),
          task: /^task 'future'$/,
        };
        for (const [name, pattern] of Object.entries(wanted))
          expect([name, line(name)]).toEqual([name, expect.stringMatching(pattern)]);
        for (const task of allTasks()) if (task !== currentTask()) task.cancel();
        foreign();
      },
      { debug: true },
    ));
});
