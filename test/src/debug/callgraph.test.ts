import {
  captureCallGraph,
  captureTaskTree,
  createTask,
  Future,
  formatCallGraph,
  formatTaskTree,
  futureAddToAwaitedBy,
  futureDiscardFromAwaitedBy,
  gather,
  getRunningLoop,
  run,
  shield,
  sleep,
  type Task,
  type TaskTree,
  taskGroup,
  wait,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { virtual } from "../../support/virtual.ts";

const namesOf = (trees: TaskTree[]): unknown[] =>
  trees.map(({ task, waitsFor }) => (waitsFor.length === 0 ? task.name : [task.name, namesOf(waitsFor)]));

/** The names of the tasks that await a future, through the futures between. */
function awaitersOf(future: Future): string[] {
  const names: string[] = [];
  const walk = ({ awaitedBy }: ReturnType<typeof captureCallGraph>) => {
    for (const graph of awaitedBy) {
      if ("name" in graph.future) names.push(graph.future.name as string);
      walk(graph);
    }
  };
  walk(captureCallGraph(future));
  return names;
}

const leaf = () => createTask(() => sleep(60_000), { name: "leaf" });

describe("The call graph", () => {
  for (const [how, waiting] of [
    ["an await", async (future: Future) => await future],
    ["gather", (future: Future) => gather(future)],
    ["shield", (future: Future) => shield(future)],
    ["wait", (future: Future) => wait([future])],
    ["several awaits at once", (future: Future) => Promise.all([sleep(60_000), future])],
  ] as const) {
    it(`shows who awaits a task by ${how}`, async () => {
      const names = await run(async () => {
        const task = leaf();
        createTask(async () => void (await waiting(task)), { name: "parent" });
        await sleep(0);
        await sleep(0);
        return awaitersOf(task);
      });
      expect(names).toEqual(["parent"]);
    });
  }

  it("shows the parent of a task group's child", async () => {
    const names = await run(async () => {
      const found: string[] = [];
      const body = async () =>
        await taskGroup(async (group) => {
          const child = group.createTask(() => sleep(0));
          await sleep(0);
          found.push(...awaitersOf(child as Future));
        });
      createTask(body, { name: "parent" });
      for (let i = 0; i < 4; i++) await sleep(0);
      return found;
    });
    expect(names).toEqual(["parent"]);
  });

  it("ends where futures await each other in a circle", async () => {
    const lines = await run(async () => {
      const tasks: Future[] = [];
      tasks.push(createTask(async () => await tasks[1], { name: "one" }));
      tasks.push(createTask(async () => await tasks[0], { name: "two" }));
      await sleep(0);
      const text = formatCallGraph(tasks[0]);
      return text.split("\n").length;
    });
    expect(lines).toBeGreaterThan(2);
  });
});

describe("futureAddToAwaitedBy", () => {
  it("shows a waiter that waits by callbacks of its own, until it is discarded", async () => {
    await run(async () => {
      const [part, all] = [new Future(), new Future()];
      const parent = createTask(async () => await all, { name: "parent" });
      await sleep(0);
      futureAddToAwaitedBy(part, all);
      futureAddToAwaitedBy(part, all);
      expect(captureCallGraph(part).awaitedBy.map((graph) => graph.future)).toEqual([all]);
      expect(awaitersOf(part)).toEqual(["parent"]);
      futureDiscardFromAwaitedBy(part, all);
      futureDiscardFromAwaitedBy(part, all);
      expect(awaitersOf(part)).toEqual([]);
      parent.cancel();
    });
  });

  it("puts a task below its waiter in the task tree", async () => {
    await run(async () => {
      const parent = createTask(() => sleep(60_000), { name: "parent" });
      futureAddToAwaitedBy(leaf(), parent);
      expect(namesOf(captureTaskTree())).toContainEqual(["parent", ["leaf"]]);
    });
  });

  it("names what is no future", () => {
    // @ts-expect-error a promise has no edges
    expect(() => futureAddToAwaitedBy(Promise.resolve(), new Future())).toThrow(
      /`future` to be a future or task/,
    );
    // @ts-expect-error
    expect(() => captureCallGraph(5)).toThrow("Expected `future` to be a future or task, got `5` (number)");
  });
});

describe("The task tree", () => {
  it("hangs each task under the one that awaits it", async () => {
    const [tree, text] = await run(async () => {
      const child = leaf();
      createTask(() => gather(child, () => sleep(60_000)), { name: "parent" });
      await sleep(0);
      await sleep(0);
      return [namesOf(captureTaskTree()), formatTaskTree()] as const;
    });
    expect(tree).toHaveLength(2);
    expect(tree[1]).toEqual(["parent", ["leaf", expect.stringMatching(/^Task-/)]]);
    expect(text).toContain("\n  <Task 'leaf' pending, waits on sleep>");
  });

  /** Tasks that wait for each other, each of them by the names of those it waits for, in this way. */
  async function circles(waitsFor: Record<string, string[]>, wait: (tasks: Task[]) => PromiseLike<unknown>) {
    getRunningLoop().setExceptionHandler(() => {}); // a cancel of a circle leaves gathers behind that nobody awaits
    const tasks: Record<string, Task> = {};
    for (const [name, others] of Object.entries(waitsFor))
      tasks[name] = createTask(
        async () => {
          await sleep(1);
          if (others.length === 0) await sleep(60_000);
          else await wait(others.map((other) => tasks[other] as Task));
        },
        { name },
      );
    await sleep(5);
    const text = formatTaskTree();
    for (const task of Object.values(tasks)) task.cancel();
    await Promise.allSettled(Object.values(tasks));
    return text
      .replace(/^<Task '(Task-\d+)'.*\n/, "")
      .replace(/<Task '(\w+)'[^\n]*?>( \(see above\))?$/gm, "$1$2");
  }

  it.each<[string, (tasks: Task[]) => PromiseLike<unknown>]>([
    ["gather", (tasks) => gather(tasks)],
    ["shield", (tasks) => gather(tasks.map((task) => shield(task)))],
    ["wait", (tasks) => wait(tasks)],
    ["await", (tasks) => Promise.all(tasks)],
  ])("shows tasks that wait for each other in a circle, and what hangs on it: %s", async (_, how) => {
    const text = await virtual(() =>
      circles(
        { apart: [], leaf: [], alpha: ["beta"], below: ["leaf"], beta: ["gamma", "below"], gamma: ["alpha"] },
        how,
      ),
    );
    for (const line of ["alpha", "  beta", "    gamma", "      alpha (see above)", "    below", "      leaf"])
      expect(text.split("\n")).toContain(line);
    const other = await virtual(() =>
      circles({ one: ["two"], two: ["one"], three: ["four"], four: ["three"] }, how),
    );
    expect(other).toBe("one\n  two\n    one (see above)\nthree\n  four\n    three (see above)");
  });

  it("shows as many lines as there are waits where each of many waits for all", async () => {
    const names = Array.from({ length: 16 }, (_, i) => `task${i}`);
    const all = Object.fromEntries(names.map((name) => [name, names.filter((other) => other !== name)]));
    const text = await virtual(() => circles(all, (tasks) => gather(tasks)));
    expect(text.split("\n").length).toBe(16 * 15 + 1);
  });
});
