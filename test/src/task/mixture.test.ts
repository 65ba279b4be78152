// These are random programs of waits of ours and of Node's, with cancels at any moment, on the real clock: whatever
// they do, no task is lost, none runs as another, and the loop ends.
import { setTimeout as delay } from "node:timers/promises";
import {
  CancelledError,
  createTask,
  currentTask,
  Event,
  ExceptionGroup,
  gather,
  Lock,
  Queue,
  run,
  Semaphore,
  shield,
  sleep,
  type Task,
  TimeoutError,
  taskGroup,
  timeout,
  wrapPromise,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { random } from "../../support/random.ts";

const TASKS = 6;
const STEPS = 6;
const ROUNDS = 8;
const EXPECTED = [CancelledError, TimeoutError, ExceptionGroup];

interface World {
  readonly pick: (below: number) => number;
  readonly tasks: Task<unknown>[];
  readonly lock: Lock;
  readonly semaphore: Semaphore;
  readonly queue: Queue<number>;
  readonly event: Event;
}

type Step = (world: World, depth: number) => unknown;

const LEAVES: Step[] = [
  () => sleep(0),
  ({ pick }) => sleep(pick(3)),
  () => null,
  () => new Promise(setImmediate),
  () => new Promise(process.nextTick),
  ({ pick }) => delay(pick(3)),
  ({ pick }) => wrapPromise(delay(pick(3))),
  ({ pick }) => Promise.all([sleep(pick(2)), sleep(0), delay(1)]),
  ({ pick, queue }) => Promise.race([sleep(pick(3)), delay(pick(3)), queue.put(1)]),
  ({ pick, lock }) => lock.with(() => sleep(pick(2))),
  ({ semaphore }) => semaphore.with(() => Promise.resolve().then(() => sleep(0))),
  ({ pick }) => shield(() => sleep(pick(2))),
  ({ pick, tasks }) => tasks[pick(tasks.length)]?.cancel("by another"),
  ({ event }) => (event.isSet() ? event.clear() : event.set()),
  async ({ queue }) => {
    const begun = queue.get();
    await sleep(0);
    if (queue.empty()) queue.putNowait(2);
    await begun;
  },
];

const BRANCHES: Step[] = [
  (world, depth) => timeout(world.pick(3), () => step(world, depth + 1)),
  (world, depth) =>
    gather(
      () => step(world, depth + 1),
      () => step(world, depth + 1),
    ),
  (world, depth) =>
    taskGroup(async (group) => {
      group.createTask(() => step(world, depth + 1));
      await step(world, depth + 1);
    }),
];

async function step(world: World, depth: number): Promise<void> {
  const steps = depth < 3 ? [...LEAVES, ...BRANCHES] : LEAVES;
  await steps[world.pick(steps.length)]!(world, depth);
}

async function work(world: World, surprises: unknown[]): Promise<void> {
  const task = currentTask();
  for (let i = 0; i < STEPS; i++) {
    try {
      await step(world, 0);
    } catch (error) {
      if (!EXPECTED.some((kind) => error instanceof kind)) surprises.push(error);
      if (world.pick(3) === 0) return;
    }
    if (currentTask() !== task) surprises.push("runs as another task");
  }
}

/** Runs one random program and gives what was not expected in it. */
async function surprisesOf(seed: number): Promise<unknown[]> {
  const surprises: unknown[] = [];
  await run(async () => {
    const world: World = {
      pick: random(seed),
      tasks: [],
      lock: new Lock(),
      semaphore: new Semaphore(2),
      queue: new Queue(2),
      event: new Event(),
    };
    const { tasks, queue } = world;
    for (let i = 0; i < TASKS; i++) tasks.push(createTask(() => work(world, surprises)));
    for (let i = 0; i < 10; i++) {
      await delay(2);
      while (!queue.empty()) queue.getNowait();
    }
    // Each may swallow as many cancels as it has steps.
    while (tasks.some((task) => task.cancel())) await delay(1);
    await gather(tasks, { returnExceptions: true });
  });
  return surprises;
}

describe("tasks that wait for anything, cancelled at any moment", () => {
  it.each(Array.from({ length: ROUNDS }, (_, i) => i + 1))("end, each as itself (%d)", async (seed) => {
    expect(await surprisesOf(seed)).toEqual([]);
  });
});
