// From a seed this makes calls of every kind while machines are killed, frozen and replaced, connections are cut, and
// Redis is killed and started again with its data. Each call settles once, with the right value or an error that it may
// have, and nothing is left.
//
// CLUSTER_CALLS and CLUSTER_SEED set how many calls, and the seed: `npm run chaos:cluster`.
import { ClusterExecutor } from "threadloop/cluster";
import { type Job, type PoolView, registerErrors } from "threadloop/workers";
import { describe, expect, it, vi } from "vitest";
import * as jobs from "../fixtures/cluster/jobs.mjs";
import { MODULES, startMachine } from "../support/machines.ts";
import type { Program } from "../support/processes.ts";
import { random } from "../support/random.ts";
import { connected, cutConnections, leftIn } from "../support/redisclient.ts";
import { type RedisServer, startRedis } from "../support/redisserver.ts";

const CALLS = Number(process.env.CLUSTER_CALLS ?? 20_000);
const SEED = Number(process.env.CLUSTER_SEED ?? 1);
const MACHINES = 3;
const MOST_OPEN = 400;
/** A fault each so many settled calls. */
const FAULT_EVERY = 300;
const LOCK = "3000";

registerErrors(jobs.NotFound);

/** A call, and whether what it ended with is right; `ended` is null for a value. */
interface Planned {
  readonly kind: string;
  start(): Job;
  isRight(value: unknown, error: Error | null): boolean;
}

class Chaos {
  readonly below: (limit: number) => number;
  readonly redis: RedisServer;
  readonly cluster: ClusterExecutor;
  readonly faults: string[] = [];
  readonly outcomes: Record<string, number> = {};
  readonly machines: Program[];
  settled = 0;
  sum = 0;
  expectedSum = 0;
  #frozen: Program | null = null;
  #told: () => void = () => {};

  constructor(redis: RedisServer, cluster: ClusterExecutor, machines: Program[], seed: number) {
    this.below = random(seed);
    this.redis = redis;
    this.cluster = cluster;
    this.machines = machines;
  }

  /** Starts all calls, with faults in between; resolves when all have settled. */
  async run(count: number): Promise<void> {
    let nextFault = FAULT_EVERY;
    for (let n = 0; n < count; n++) {
      this.#start(this.#plan(n));
      while (n + 1 - this.settled >= MOST_OPEN) await this.#nextSettled();
      if (this.settled < nextFault) continue;
      nextFault = this.settled + FAULT_EVERY;
      await this.#fault();
    }
    while (this.settled < count) await this.#nextSettled();
    this.#thaw();
  }

  #plan(n: number): Planned {
    const again: PoolView = this.cluster.with({ idempotent: true });
    const any = this.below(2) === 0 ? this.cluster : again;
    const mayBeLost = any === this.cluster;
    const isLost = (error: Error | null) => mayBeLost && error?.name === "WorkerLostError";
    switch (this.below(12)) {
      case 0:
        return {
          kind: "fail",
          start: () => any.submit(jobs.fail, n),
          isRight: (_, error) => isLost(error) || (error instanceof jobs.NotFound && error.what === n),
        };
      case 1:
        return {
          kind: "cancel",
          start: () => this.#cancelled(any.submit(jobs.nap, 50, n)),
          isRight: (value, error) => value === n || error?.name === "CancelledError" || isLost(error),
        };
      case 2:
        return {
          kind: "nap",
          start: () => any.submit(jobs.nap, this.below(20), n),
          isRight: (v, e) => v === n || isLost(e),
        };
      case 3: {
        const seen: number[] = [];
        const isInOrder = () => seen.join() === "1,2,3";
        return {
          kind: "callbacks",
          start: () => this.cluster.submit(jobs.steps, 3, (step: number) => void seen.push(step)),
          isRight: (value, error) => (value === 3 && isInOrder()) || error?.name === "WorkerLostError",
        };
      }
      case 4: {
        const length = this.below(200_000);
        const isBytes = (value: unknown) =>
          Buffer.isBuffer(value) && value.length === length && value.every((b) => b === 7);
        return {
          kind: "bytes",
          start: () => any.submit(jobs.bytes, length),
          isRight: (v, e) => isBytes(v) || isLost(e),
        };
      }
      default:
        return {
          kind: "add",
          start: () => any.submit(jobs.add, n, 1),
          isRight: (value, error) => {
            if (error !== null) return isLost(error);
            this.sum += value as number;
            this.expectedSum += n + 1;
            return value === n + 1;
          },
        };
    }
  }

  #cancelled(job: Job): Job {
    const after = this.below(40);
    setTimeout(() => job.cancel("enough"), after);
    return job;
  }

  #start({ kind, start, isRight }: Planned): void {
    let times = 0;
    const job = start();
    job.addDoneCallback(() => {
      if (++times > 1) this.faults.push(`${kind} settled ${times} times`);
      const error = job.cancelled()
        ? Object.assign(new Error("cancelled"), { name: "CancelledError" })
        : (job.exception() as Error | null);
      const outcome = `${kind}: ${error?.name ?? "ok"}`;
      this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
      if (!isRight(error === null ? job.result() : undefined, error))
        this.faults.push(`${outcome}: ${error?.message}`);
      this.settled++;
      this.#told();
    });
  }

  async #nextSettled(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#told = resolve;
    });
  }

  async #fault(): Promise<void> {
    this.#thaw();
    const what = this.below(5);
    if (what === 0) await this.redis.restart("SIGKILL");
    else if (what === 1) await cutConnections(this.redis);
    else if (what === 2) await this.#replace("SIGKILL");
    else if (what === 3) await this.#replace("SIGTERM");
    else this.#freeze();
  }

  async #replace(signal: NodeJS.Signals): Promise<void> {
    const at = this.below(this.machines.length);
    this.machines[at]?.child.kill(signal);
    this.machines[at] = await startMachine(this.redis, ["--lock", LOCK, "--threads", "2"]);
  }

  #freeze(): void {
    this.#frozen = this.machines[this.below(this.machines.length)] as Program;
    this.#frozen.child.kill("SIGSTOP");
  }

  #thaw(): void {
    this.#frozen?.child.kill("SIGCONT");
    this.#frozen = null;
  }
}

describe("calls while everything breaks", () => {
  it(`settle once each, with the right value or error; nothing is left (${CALLS} calls, seed ${SEED})`, async () => {
    await using redis = await startRedis({ persistent: true });
    const starting = Array.from({ length: MACHINES }, () =>
      startMachine(redis, ["--lock", LOCK, "--threads", "2"]),
    );
    const machines = await Promise.all(starting);
    const active = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap");
    const before = active();
    const cluster = new ClusterExecutor({ url: redis.url, modules: MODULES, attempts: 10 });
    const chaos = new Chaos(redis, cluster, machines, SEED);
    await chaos.run(CALLS);
    console.log(JSON.stringify(chaos.outcomes));
    expect(chaos.faults.slice(0, 10)).toEqual([]);
    expect(chaos.settled).toBe(CALLS);
    expect(chaos.sum).toBe(chaos.expectedSum);
    expect(cluster.stats()).toMatchObject({ queued: 0, running: 0 });
    await cluster.close();
    const left = () => leftIn(redis, { isExpiringLeft: false });
    // What a killed machine had is there until its lock has run out, and another machine has put it away.
    await vi
      .waitUntil(async () => (await left()).length === 0, { timeout: 20_000, interval: 50 })
      .catch(async () => expect(await left()).toEqual([]));
    for (const machine of chaos.machines) machine.child.kill("SIGTERM");
    await Promise.all(chaos.machines.map(({ ended }) => ended));
    expect(await left()).toEqual([]);
    await using client = connected(redis);
    const connections = async () =>
      Number(/connected_clients:(\d+)/.exec(await client.redis.info("clients"))?.[1]);
    await vi.waitUntil(async () => (await connections()) === 1, { timeout: 20_000, interval: 20 });
    client.redis.disconnect();
    await vi
      .waitUntil(() => active().length <= before.length, { timeout: 5000, interval: 20 })
      .catch(() => expect(active()).toEqual(before));
  }, 3_600_000);
});
