// Some libraries run a function of one task in the context of another one, which may be done by then: the loop goes on
// all the same.
import Bottleneck from "bottleneck";
import DataLoader from "dataloader";
import PQueue from "p-queue";
import { asTask, CancelledError, createTask, Event, run, sleep, taskGroup, timeout } from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../support/virtual.ts";

const boom = new Error("boom");
const names = (ends: PromiseSettledResult<unknown>[]) =>
  ends.map((end) => (end.status === "fulfilled" ? end.value : (end.reason as Error).name));

/** Some jobs, each given to the queue by a task of its own; the tasks have ended when the later jobs run. */
async function byTasks(add: (job: () => Promise<unknown>) => Promise<unknown>): Promise<unknown[]> {
  const go = new Event();
  const jobs = [
    () => go.wait().then(() => "first"),
    () => timeout(5, () => sleep(1e9)),
    () => taskGroup((group) => void group.createTask(() => Promise.reject(boom))),
    () => timeout(1e9, () => sleep(1, "last")),
  ];
  const boxes = [];
  for (const job of jobs) boxes.push(await createTask(async () => ({ ended: add(job) })));
  go.set();
  return names(await Promise.allSettled(boxes.map(({ ended }) => ended)));
}

describe("p-queue", () => {
  it("runs jobs with deadlines and groups in whoever's context", () =>
    run(async () => {
      const queue = new PQueue({ concurrency: 1 });
      expect(await byTasks((job) => queue.add(job))).toEqual([
        "first",
        "TimeoutError",
        "ExceptionGroup",
        "last",
      ]);
    }));

  it("ends a job by the deadline around the call that gave it to the queue and started it", () =>
    run(async () => {
      const queue = new PQueue({ concurrency: 1 });
      let inside: unknown;
      const job = async () => {
        inside = await failureOf(sleep(1e9));
        throw inside;
      };
      expect((await failureOf(timeout(5, () => queue.add(job)))) as Error).toHaveProperty(
        "name",
        "TimeoutError",
      );
      expect(inside).toBeInstanceOf(CancelledError);
      expect(await queue.add(async () => await sleep(1, "next"))).toBe("next");
    }));

  it("runs one job's deadline while another one runs", () =>
    run(async () => {
      const queue = new PQueue({ concurrency: 2 });
      const ends = await Promise.allSettled([
        queue.add(() => timeout(5, () => sleep(1e9))),
        queue.add(() => timeout(1e9, () => sleep(20, "beside"))),
      ]);
      expect(names(ends)).toEqual(["TimeoutError", "beside"]);
    }));
});

describe("bottleneck", () => {
  it("runs jobs with deadlines and groups in whoever's context", () =>
    run(async () => {
      const limiter = new Bottleneck({ maxConcurrent: 1 });
      expect(await byTasks((job) => limiter.schedule(job))).toEqual([
        "first",
        "TimeoutError",
        "ExceptionGroup",
        "last",
      ]);
    }));
});

describe("dataloader", () => {
  const load = async (keys: readonly string[]) => {
    await sleep(20);
    return keys.map((key) => key.toUpperCase());
  };

  it("has its batch begun in the context of who asks first: its deadline ends the batch for all", () =>
    run(async () => {
      const loader = new DataLoader(load);
      const ends = await Promise.allSettled([
        createTask(() => timeout(5, () => loader.load("a"))),
        createTask(async () => await loader.load("b")),
      ]);
      expect(names(ends)).toEqual(["TimeoutError", "CancelledError"]);
    }));

  it("has a batch in asTask that no deadline around one call ends", () =>
    run(async () => {
      const loader = new DataLoader(asTask(load));
      const ends = await Promise.allSettled([
        createTask(() => timeout(1e9, () => loader.load("a"))),
        createTask(() => timeout(5, () => loader.load("b").then(() => sleep(1e9)))),
        createTask(async () => await loader.load("c")),
      ]);
      expect(names(ends)).toEqual(["A", "TimeoutError", "C"]);
    }));
});
