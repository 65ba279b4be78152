import { createTask, sleep } from "threadloop";
import { describe, expect, it } from "vitest";
import { type ActorHome, isBound, type Job, priorityOf } from "../../../dist/workers/core.js";
import { random } from "../../support/random.ts";
import {
  type SimulatedPool,
  type SimulatedWorker,
  type Start,
  simulated,
  type Work,
} from "../../support/simulatedworkers.ts";

const SEED = Number(process.env.POLICY_SEED ?? 1);
const ROUNDS = Number(process.env.POLICY ?? 60);
/** For so long, with a look a millisecond, a worker may have nothing to do while a job waits that it could run. */
const MOST_IDLE = 20;

type Random = (below: number) => number;

function oneOf<T>(pick: Random, ...choices: readonly T[]): T {
  return choices[pick(choices.length)] as T;
}

function someOptions(pick: Random) {
  return {
    size: 1 + pick(4),
    tasksPerWorker: oneOf(pick, 1, 3, Number.POSITIVE_INFINITY),
    cancelGrace: 20,
    attempts: 2,
    ...(pick(3) === 0 && { recycle: { jobs: 1 + pick(20) } }),
  };
}

function someWork(pick: Random, name: string): Work {
  const takes = oneOf(pick, 0, 0.05, 0.1, 0.5, 2, oneOf(pick, 10, 60));
  return {
    name,
    takes,
    ...(pick(3) === 0 && { awaits: oneOf(pick, 0.1, 5, 40) }),
    ...(pick(10) === 0 && { ends: "failing" as const }),
    ...(pick(60) === 0 && { ends: "killing its worker" as const }),
    ...(pick(20) === 0 && { isDeaf: true }),
  };
}

/** The jobs of one program, and how often each has ended. */
class Load {
  readonly ends = new Map<Job, number>();
  readonly #pool: SimulatedPool;
  readonly #pick: Random;
  readonly #isRanked: boolean;
  /** The worker that the next calls of an object go to. */
  #home: ActorHome | null = null;

  constructor(pool: SimulatedPool, pick: Random, isRanked: boolean) {
    this.#pool = pool;
    this.#pick = pick;
    this.#isRanked = isRanked;
  }

  /** Submits jobs of all kinds, in bursts and one by one, and cancels some. */
  async run(): Promise<void> {
    const pick = this.#pick;
    for (let n = 0; n < 150; n++) {
      if (pick(25) === 0) await this.#move();
      const work = someWork(pick, `job ${n}`);
      const job = this.#home !== null && pick(8) === 0 ? this.#call(this.#home, work) : this.#submit(work);
      this.ends.set(job, 0);
      job.addDoneCallback(() => this.ends.set(job, (this.ends.get(job) ?? 0) + 1));
      if (pick(12) === 0) await sleep(pick(4));
      if (pick(10) === 0) oneOf(pick, ...this.ends.keys()).cancel();
      if (pick(30) === 0) await sleep(pick(100));
    }
    this.#leave();
  }

  #submit(work: Work): Job {
    const pick = this.#pick;
    const idempotent = pick(2) === 0;
    const transfer = pick(15) === 0 ? { transfer: [] } : {};
    const priority = this.#isRanked ? { priority: pick(5) - 2 } : {};
    return this.#pool.do(work, { ...transfer, ...priority, idempotent });
  }

  async #move(): Promise<void> {
    this.#leave();
    this.#home = await this.#pool.scheduler.findHome(Math.max as never, () => {
      this.#home = null;
    });
  }

  #call(home: ActorHome, work: Work): Job {
    return home.submit({ is: "actorCall", actor: 1, method: "m" } as never, [work], {
      name: work.name ?? "",
    });
  }

  #leave(): void {
    this.#home?.leave();
    this.#home = null;
  }
}

const canBegin = (worker: SimulatedWorker): boolean =>
  worker.isReady && worker.isOpen && worker.hasPlace && worker.load === 0;

/** Whether a job waits that any worker could run. */
function hasMovable(pool: SimulatedPool): boolean {
  if (pool.scheduler.dispatcher.queue.length > 0) return true;
  return pool.source.workers.some((worker) => worker.nextMovable !== undefined);
}

/** Looks every millisecond until all is settled; tells for how long a worker was idle at most, though there was work. */
async function watch(pool: SimulatedPool, isOver: () => boolean): Promise<number> {
  let longest = 0;
  let since = 0;
  while (!isOver() || pool.scheduler.settlement.open > 0) {
    await sleep(1);
    since = hasMovable(pool) && pool.source.workers.some(canBegin) ? since + 1 : 0;
    longest = Math.max(longest, since);
  }
  return longest;
}

async function settled(jobs: Iterable<Job>): Promise<void> {
  for (const job of jobs) {
    try {
      await job;
    } catch {
      // How it ends is not asked here.
    }
  }
}

/** What a job that begins overtakes, though it could run there: more urgent ones in the queue, or behind it. */
function overtaken(pool: SimulatedPool, { priority }: Start, behind: readonly Job[]): Job[] {
  const waiting = [...pool.scheduler.dispatcher.queue, ...behind];
  return waiting.filter((job) => !isBound(job) && priorityOf(job) > priority);
}

describe("the policy of a pool", () => {
  for (const isRanked of [false, true]) {
    const what = isRanked ? "with priorities" : "without priorities";
    it(`settles each job once and leaves no worker idle while jobs wait, ${what}`, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const seed = SEED * 100_000 + round;
        const pick = random(seed);
        await simulated(someOptions(pick), async (pool) => {
          let isOver = false;
          const watched = createTask(() => watch(pool, () => isOver));
          const jobs = new Load(pool, pick, isRanked);
          await jobs.run();
          const { ends } = jobs;
          await settled(ends.keys());
          isOver = true;
          expect(await watched, `seed ${seed}: idle for so long`).toBeLessThanOrEqual(MOST_IDLE);
          await sleep(0);
          expect(new Set(ends.values()), `seed ${seed}: ends of each job`).toEqual(new Set([1]));
          const { succeeded, failed, cancelled } = pool.scheduler.settlement;
          expect(succeeded + failed + cancelled, `seed ${seed}`).toBe(ends.size);
        });
      }
    });
  }

  it("begins no job while a more urgent one waits that is not bound elsewhere", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const seed = SEED * 100_000 + round;
      const pick = random(seed);
      const { size, tasksPerWorker } = someOptions(pick);
      await simulated({ size, tasksPerWorker }, async (pool) => {
        const faults: string[] = [];
        pool.source.onStart = (start, behind) => {
          const first = overtaken(pool, start, behind)[0];
          if (first !== undefined)
            faults.push(`${start.name} of ${start.priority} before one of ${priorityOf(first)}`);
        };
        const jobs: Job[] = [];
        await pool.do({ name: "first" }, { priority: 1 });
        for (let n = 0; n < 120; n++) {
          const takes = oneOf(pick, 0.05, 0.5, 3, 20);
          jobs.push(pool.do({ name: `job ${n}`, takes }, { priority: pick(7) - 3 }));
          if (pick(6) === 0) await sleep(pick(8));
        }
        await settled(jobs);
        expect(faults, `seed ${seed}`).toEqual([]);
      });
    }
  });
});
