import { createTask, gather, getRunningLoop, run, sleep, type Task, taskGroup } from "threadloop";
import { SharedEvent, SharedLock, SharedQueue, type TaskForest, type TaskNode } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { Gate, makePool } from "../../support/pools.ts";

const find = (tree: TaskForest, kind: string, name: string): TaskNode => {
  const node = tree.all.find((node) => node.kind === kind && node.name === name);
  if (node === undefined) throw new Error(`There is no ${kind} ${name} in\n${tree}`);
  return node;
};
const withoutTimes = (tree: TaskForest) => String(tree).replace(/ for [\d.]+ m?s/g, "");

describe("WorkerPool.tasks", () => {
  it("refuses a patience that is no time", async () => {
    const pool = makePool();
    for (const patience of [-1, Number.NaN, "long" as never])
      await expect(pool.tasks({ patience })).rejects.toThrow("Expected `patience` to be milliseconds >= 0");
  });

  it("hangs a job under the task that awaits it, and what the worker does under the job", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    await run(async () => {
      const child = async () => void (await pool.submit(jobs.awaitUntilOpen, gate.buffer));
      const parent = createTask(
        () => taskGroup(async (group) => void group.createTask(child, { name: "child" })),
        { name: "parent" },
      );
      await gate.at(1);
      const tree = await pool.tasks({ patience: 10_000 });
      const task = find(tree, "task", "parent");
      expect(task.waitsFor.map((node) => node.name)).toEqual(["child"]);
      const job = task.waitsFor[0]?.waitsFor[0];
      expect(job).toMatchObject({ kind: "job", name: "awaitUntilOpen", state: "running" });
      expect(job?.waitsFor[0]).toMatchObject({ kind: "task", name: "awaitUntilOpen", thread: job?.thread });
      expect(job?.awaitedBy.map((node) => node.name)).toEqual(["child"]);
      expect(withoutTimes(tree)).toMatch(
        /└─ task parent \(.*\): waits on the tasks of its group\n {3}└─ task child: waits on job awaitUntilOpen\n {6}└─ job awaitUntilOpen: running in thread \d+\n {9}└─ task awaitUntilOpen: waits on sleep/,
      );
      gate.open();
      await parent;
    });
  });

  it("shows tasks that wait for each other in a circle, also where each of many waits for all", async () => {
    const pool = makePool({ size: 1 });
    await run(async () => {
      getRunningLoop().setExceptionHandler(() => {}); // a cancel of a circle leaves gathers behind that nobody awaits
      const tasks: Task[] = Array.from({ length: 14 }, (_, i) =>
        createTask(
          async () => {
            await sleep(1);
            await gather(tasks.filter((task) => task !== tasks[i]));
          },
          { name: `circle${i}` },
        ),
      );
      await sleep(5);
      const lines = withoutTimes(await pool.tasks()).split("\n");
      expect(lines.filter((line) => /task circle0 .*\(see above\)$/.test(line)).length).toBe(13);
      expect(lines.filter((line) => line.includes("circle")).length).toBe(14 * 13 + 1);
      for (const task of tasks) task.cancel();
    });
  });

  it("says for which shared object a task waits", async () => {
    const pool = makePool({ size: 1 });
    const [lock, queue, event] = [new SharedLock(), new SharedQueue<number>(), new SharedEvent()];
    await run(async () => {
      await lock.acquire();
      const tasks = [() => lock.acquire(), () => queue.get(), () => event.wait()].map((body) =>
        createTask(async () => void (await body())),
      );
      await sleep(0);
      const waits = (await pool.tasks()).all.map((node) => node.waitsOn);
      expect(waits).toEqual(
        expect.arrayContaining([
          "acquire of <SharedLock locked, 1 waiting>",
          "get of <SharedQueue 0 items, 0 unfinished, 1 waiting>",
          "wait of <SharedEvent unset, 1 waiting>",
        ]),
      );
      for (const task of tasks) task.cancel();
    });
  });

  it("does not hang on a worker that is stuck, and names the job that keeps it busy", async () => {
    const pool = makePool({ size: 1, name: "cpu" });
    const gate = new Gate();
    const stuck = pool.submit(jobs.blockUntilOpen, gate.buffer);
    await gate.at(1);
    const tree = await pool.tasks({ patience: 20 });
    const worker = tree.threads.find((thread) => thread.pool === "cpu");
    expect(worker).toMatchObject({ answered: false, busyWith: { name: "blockUntilOpen" } });
    expect(worker?.busyWith?.since).toBeGreaterThan(0);
    expect(withoutTimes(tree)).toMatch(/thread \d+ of pool "cpu": busy with job blockUntilOpen/);
    gate.open();
    await stuck;
  });

  it("lists the jobs that wait in the queue, and says how many more there are", async () => {
    const pool = makePool({ size: 1, tasksPerWorker: 1 });
    const gate = new Gate();
    const stuck = pool.submit(jobs.blockUntilOpen, gate.buffer);
    await gate.at(1);
    const waiting = Array.from({ length: 2000 }, (_, i) => pool.submit(jobs.add, i, 1));
    const tree = await pool.tasks({ patience: 1 });
    expect(tree.all.filter((node) => node.state === "queued").length + tree.more).toBe(2000);
    expect(String(tree)).toContain(`and ${tree.more} more jobs`);
    gate.open();
    await Promise.all([stuck, ...waiting]);
  });

  it("tells the tasks that a job has left behind", async () => {
    const pool = makePool({ size: 1 });
    await pool.submit(jobs.leaveTaskBehind);
    const tree = await pool.tasks({ patience: 10_000 });
    expect(find(tree, "task", "left behind")).toMatchObject({ state: "waiting", waitsOn: "sleep" });
  });

  it("tells the tasks of the workers of a worker's own pool", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const outer = pool.submit(jobs.submitBelow, gate.buffer);
    await gate.at(1);
    const tree = await pool.tasks({ patience: 5000 });
    const inner = find(tree, "job", "awaitUntilOpen");
    expect(inner.awaitedBy.map((node) => node.name)).toEqual(["submitBelow"]);
    expect(inner.waitsFor[0]?.thread).toBe(inner.thread);
    gate.open();
    await outer;
  });

  it("works without a loop in the calling thread", async () => {
    const pool = makePool({ size: 1 });
    const gate = new Gate();
    const job = pool.submit(jobs.awaitUntilOpen, gate.buffer);
    await gate.at(1);
    expect(find(await pool.tasks({ patience: 10_000 }), "job", "awaitUntilOpen").awaitedBy).toEqual([]);
    gate.open();
    await job;
  });

  it("says for how long a task has waited", async () => {
    const pool = makePool({ size: 1 });
    await run(async () => {
      const napping = createTask(() => sleep(1e6), { name: "napping" });
      await sleep(30);
      expect(find(await pool.tasks({ patience: 10_000 }), "task", "napping").since).toBeGreaterThanOrEqual(
        25,
      );
      napping.cancel();
    });
  });
});
