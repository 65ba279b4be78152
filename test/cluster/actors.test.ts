// These tests keep objects on machines, and break what they live on.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import {
  ClusterExecutor,
  type ClusterExecutorOptions,
  JobRefusedError,
  WorkerLostError,
} from "threadloop/cluster";
import { PoolClosedError, WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it, vi } from "vitest";
import * as jobs from "../fixtures/cluster/jobs.mjs";
import { errorOf } from "../support/gate.ts";
import { MODULES, startMachine } from "../support/machines.ts";
import { Program } from "../support/processes.ts";
import { connected, cutConnections, leftIn } from "../support/redisclient.ts";
import { type RedisServer, startRedis } from "../support/redisserver.ts";
import { Rendezvous } from "../support/rendezvous.ts";

function clusterAt(redis: RedisServer, options: Partial<ClusterExecutorOptions> = {}): ClusterExecutor {
  return new ClusterExecutor({ url: redis.url, modules: MODULES, ...options });
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** A meeting at which nobody has to wait. */
async function openMeeting(...tags: string[]): Promise<Rendezvous> {
  const meeting = await Rendezvous.open();
  for (const tag of tags) meeting.letGo(tag);
  return meeting;
}

describe("an actor on a machine", () => {
  it("keeps its state, and is called in order, however many calls are made at once and connections cut", async () => {
    await using redis = await startRedis();
    await using meeting = await openMeeting("over");
    const machine = await startMachine(redis, ["--threads", "2"]);
    await using cluster = clusterAt(redis);
    const ledger = await cluster.spawn(jobs.Ledger, meeting.port, "over");
    expect(await ledger.pid()).toBe(machine.pid);
    const calls = numbers(500).map((n) => ledger.note(n));
    const others = numbers(100).map((n) => cluster.submit(jobs.add, n, 1));
    await cutConnections(redis);
    expect(await Promise.all(calls)).toEqual(numbers(500).map((n) => n + 1));
    expect(await Promise.all(others)).toEqual(numbers(100).map((n) => n + 1));
    expect(await ledger.all()).toEqual(numbers(500));
    const large = Buffer.alloc(1 << 20, "x");
    expect(await ledger.note(large)).toBe(501);
    expect(((await ledger.all()) as unknown[])[500]).toEqual(large);
    await ledger.close();
    expect(meeting.of("over")).toHaveLength(1);
    expect(cluster.stats()).toMatchObject({ running: 0, queued: 0, settled: { failed: 0 } });
  });

  it("calls functions of its caller, and its calls are cancelled where they run", async () => {
    await using redis = await startRedis();
    await using meeting = await openMeeting("over");
    await startMachine(redis);
    await using cluster = clusterAt(redis);
    await using ledger = await cluster.spawn(jobs.Ledger, meeting.port, "over");
    expect(await ledger.tell((count: number) => `${count} entries`)).toBe("0 entries");
    const call = ledger.stay("long");
    const [visit] = await meeting.arrived("long");
    call.cancel();
    await visit?.left;
    expect((await errorOf(call)).name).toBe("CancelledError");
    expect(await ledger.note("still there")).toBe(1);
  });

  it("lives where the fewest do", async () => {
    await using redis = await startRedis();
    await using meeting = await openMeeting("over");
    await startMachine(redis);
    await startMachine(redis);
    await using cluster = clusterAt(redis);
    const ledgers = await Promise.all(numbers(4).map(() => cluster.spawn(jobs.Ledger, meeting.port, "over")));
    const pids = await Promise.all(ledgers.map((ledger) => ledger.pid()));
    expect(new Set(pids).size).toBe(2);
    for (const pid of pids) expect(pids.filter((other) => other === pid)).toHaveLength(2);
    expect((await cluster.workers()).map(({ actors }) => actors)).toEqual([2, 2]);
    await Promise.all(ledgers.map((ledger) => ledger.close()));
  });

  it("is lost with its thread, by the error of a pool", async () => {
    await using redis = await startRedis();
    await using meeting = await openMeeting("over");
    await startMachine(redis);
    await using cluster = clusterAt(redis);
    const ledger = await cluster.spawn(jobs.Ledger, meeting.port, "over");
    const [first, second] = [ledger.quit(), ledger.note(1)];
    expect(await errorOf(first)).toBeInstanceOf(WorkerTerminatedError);
    expect(await errorOf(second)).toBeInstanceOf(WorkerTerminatedError);
    await vi.waitFor(() =>
      expect(() => ledger.note(2)).toThrow(/worker of actor Ledger .*Spawn another one/),
    );
    await ledger.close();
    const another = await cluster.spawn(jobs.Ledger, meeting.port, "over");
    expect(await another.note(1)).toBe(1);
  });

  it("is lost with its machine: what was called fails by name, and so does what is called then", async () => {
    await using redis = await startRedis();
    await using meeting = await openMeeting("over");
    const machine = await startMachine(redis, ["--lock", "500", "--name", "doomed"]);
    await using cluster = clusterAt(redis);
    const ledger = await cluster.spawn(jobs.Ledger, meeting.port, "over");
    const calls = [
      ledger.stay("one"),
      ledger.stay("two"),
      cluster.broadcast(jobs.visit, meeting.port, "all"),
    ];
    for (const tag of ["one", "two", "all"]) await meeting.arrived(tag);
    // While calls are open, it is looked which machines there are, and what they say of their threads.
    await vi.waitUntil(() => cluster.stats().workers.length > 0, { timeout: 20_000 });
    expect(cluster.stats().workers).toMatchObject([{ machine: "doomed", running: 3, waiting: 0 }]);
    expect(inspect(cluster.stats())).toMatch(/doomed, thread \d+: 3 running, 0 waiting, \d+ % busy/);
    machine.child.kill("SIGKILL");
    const errors = await Promise.all(calls.map(errorOf));
    for (const error of errors) expect(error).toBeInstanceOf(WorkerLostError);
    expect(errors[0]?.message).toMatch(/`Ledger.stay` was lost.*Spawn another/);
    expect(errors[2]?.message).toMatch(/`visit` was lost/);
    expect(() => ledger.note(2)).toThrow(/where actor Ledger lived, was lost/);
    await ledger.close();
    await startMachine(redis);
    const another = await cluster.spawn(jobs.Ledger, meeting.port, "over");
    expect(await another.note(1)).toBe(1);
  });

  it("ends when its machine is told to, after the calls that it has", async () => {
    await using redis = await startRedis();
    await using meeting = await openMeeting("over");
    const machine = await startMachine(redis);
    await using cluster = clusterAt(redis);
    const ledger = await cluster.spawn(jobs.Ledger, meeting.port, "over");
    const call = ledger.stay("last");
    await meeting.arrived("last");
    machine.child.kill("SIGTERM");
    const error = await vi.waitUntil(
      () => {
        try {
          ledger
            .note(1)
            .toPromise()
            .catch(() => {});
          return null;
        } catch (error) {
          return error;
        }
      },
      { timeout: 20_000 },
    );
    expect(error).toBeInstanceOf(WorkerLostError);
    expect((error as Error).message).toMatch(/told to end, and actor Ledger ends with it/);
    expect(meeting.of("over")).toHaveLength(0);
    meeting.letGo("last");
    expect(await call).toBe(machine.pid);
    await meeting.arrived("over");
    expect(await machine.ended).toBe(0);
  });

  it("is disposed of when its caller is killed, and when its executor closes", async () => {
    await using redis = await startRedis();
    await using meeting = await openMeeting("killed", "closed");
    await startMachine(redis, ["--threads", "2"]);
    const before = await leftIn(redis);
    const program = new Program([
      "--input-type=module",
      "-e",
      `import { ClusterExecutor } from "threadloop/cluster";
       import * as jobs from "${pathToFileURL(join(MODULES, "jobs.mjs")).href}";
       const cluster = new ClusterExecutor({ url: "${redis.url}", modules: "${MODULES}", lease: 1000 });
       const ledger = await cluster.spawn(jobs.Ledger, ${meeting.port}, "killed");
       ledger.stay("at work").toPromise().catch(() => {});`,
    ]);
    const [visit] = await meeting.arrived("at work");
    program.child.kill("SIGKILL");
    await visit?.left;
    await meeting.arrived("killed");
    const cluster = clusterAt(redis);
    const ledger = await cluster.spawn(jobs.Ledger, meeting.port, "closed");
    await cluster.close();
    await meeting.arrived("closed");
    expect(() => ledger.note(1)).toThrow(PoolClosedError);
    const isGone = async () => expect(await leftIn(redis)).toEqual(before);
    await vi.waitFor(isGone, { timeout: 20_000, interval: 20 });
    await using watcher = clusterAt(redis);
    await vi.waitUntil(async () => (await watcher.workers())[0]?.actors === 0, { timeout: 20_000 });
  });

  it("outlives a Redis that comes back without its data, as long as no call of it was lost", async () => {
    await using redis = await startRedis();
    await using meeting = await openMeeting("over");
    await startMachine(redis);
    await using cluster = clusterAt(redis);
    const ledger = await cluster.spawn(jobs.Ledger, meeting.port, "over");
    expect(await ledger.note(1)).toBe(1);
    await redis.restart("SIGKILL");
    await using client = connected(redis);
    // Both are back: their inboxes are there.
    await vi.waitUntil(async () => (await client.redis.keys("*:inbox:*")).length === 2, { timeout: 20_000 });
    expect(await ledger.note(2)).toBe(2);
    expect(await ledger.all()).toEqual([1, 2]);
    await ledger.close();
    expect(meeting.of("over")).toHaveLength(1);
  });

  it("is refused clearly where no machine is, and when it cannot be made", async () => {
    await using redis = await startRedis();
    await using cluster = clusterAt(redis, { connectTimeout: 300 });
    const error = await errorOf(cluster.spawn(jobs.Ledger, 1, "never"));
    expect(error).toBeInstanceOf(JobRefusedError);
    expect(error.message).toMatch(
      /No machine takes actor Ledger: none serves queue "default".*threadloop worker/,
    );
    expect((await errorOf(cluster.broadcast(jobs.pid))).message).toMatch(
      /No machine takes the broadcast of pid/,
    );
    await startMachine(redis);
    class Hidden {}
    expect(await errorOf(cluster.spawn(Hidden))).toMatchObject({ code: "ERR_SHIP_NOT_EXPORTED" });
    const waiting = clusterAt(redis, { queue: "empty" });
    const never = errorOf(waiting.spawn(jobs.Ledger, 1, "never"));
    await waiting.close();
    expect(await never).toBeInstanceOf(PoolClosedError);
    expect(await errorOf(waiting.spawn(jobs.Ledger, 1, "never"))).toBeInstanceOf(PoolClosedError);
  });
});

describe("a broadcast to machines", () => {
  it("runs once in every thread of every machine, and in those that come later there, and gives a stable order", async () => {
    await using redis = await startRedis();
    const machines = [
      await startMachine(redis, ["--threads", "2", "--name", "a"]),
      await startMachine(redis, ["--threads", "2", "--name", "b"]),
    ];
    await using cluster = clusterAt(redis);
    const first = await cluster.broadcast(jobs.learn, "one");
    const second = await cluster.broadcast(jobs.learn, "two");
    expect(new Set(first).size).toBe(4);
    expect(second).toEqual(first);
    const pids = first.map((thread) => Number(String(thread).split(" ")[0]));
    expect(pids).toEqual(machines.flatMap(({ pid }) => [pid, pid]));
    const seen = await cluster.broadcast(jobs.recall);
    expect(seen).toEqual(first.map((thread) => [thread, "one", "two"]));
    await startMachine(redis, ["--name", "c"]);
    await errorOf(cluster.submit(jobs.quit));
    const now = new Set(
      ((await cluster.broadcast(jobs.recall)) as string[][]).map(([, ...told]) => told.join()),
    );
    expect(now).toEqual(new Set(["one,two", ""]));
  });

  it("that fails on one machine fails, and threads that are born later do not run it", async () => {
    await using redis = await startRedis();
    const first = await startMachine(redis, ["--name", "a"]);
    const second = await startMachine(redis, ["--name", "b"]);
    await using cluster = clusterAt(redis);
    const error = await errorOf(cluster.broadcast(jobs.learnOdd, "odd", first.pid));
    expect(error).toMatchObject({ name: "RangeError", message: "not odd" });
    const told = async () => (await cluster.broadcast(jobs.recall)) as string[][];
    expect((await told()).map(([, ...told]) => told)).toEqual([[], ["odd"]]);
    const other = await told();
    expect(other[1]?.[0]).toContain(String(second.pid));
  });
});
