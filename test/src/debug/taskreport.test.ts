import { createTask, gather, getRunningLoop, run, shield, sleep, taskGroup, wait } from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, it } from "vitest";
import { reportTasks, type TaskReport } from "../../../dist/src/debug/taskreport.js";

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
});
