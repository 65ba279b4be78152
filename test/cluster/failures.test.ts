// These tests break things, and see what becomes of the calls: each row of the table in docs/cluster.md, with real
// processes.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  ClusterExecutor,
  type ClusterExecutorOptions,
  JobLostError,
  WorkerLostError,
} from "threadloop/cluster";
import { CloneError, type PoolView, ShipError, WorkerTerminatedError } from "threadloop/workers";
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

/** Each ends, and how: `ok`, or the name of its error. */
async function outcomesOf(calls: readonly PromiseLike<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const settled of await Promise.allSettled(calls)) {
    const outcome = settled.status === "fulfilled" ? "ok" : String(settled.reason?.name);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

/** Calls that say that they run, and which they are. */
function callsOf(
  executor: PoolView,
  meeting: Rendezvous,
  name: string,
  count: number,
): PromiseLike<unknown>[] {
  return Array.from({ length: count }, (_, i) => {
    meeting.letGo(`${name} ${i}`);
    return executor.submit(jobs.report, meeting.port, `${name} ${i}`);
  });
}

/** How many of the calls of this name ran twice. */
function ranTwice({ visits }: Rendezvous, name: string): number {
  const tags = visits.map(({ tag }) => tag).filter((tag) => tag.startsWith(name));
  return tags.length - new Set(tags).size;
}

describe("a machine that is killed", () => {
  it("fails the call that had begun there, by name; it ran once", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const machine = await startMachine(redis);
    await using cluster = clusterAt(redis);
    const call = cluster.with({ name: "invoice 7" }).submit(jobs.visit, meeting.port, "once");
    await meeting.arrived("once");
    machine.child.kill("SIGKILL");
    await startMachine(redis);
    const error = (await errorOf(call)) as WorkerLostError;
    expect(error).toBeInstanceOf(WorkerLostError);
    expect(error).toBeInstanceOf(WorkerTerminatedError);
    expect(error.message).toMatch(/`invoice 7`.*idempotent/);
    expect(error.machine).toContain(String(machine.pid));
    expect(await cluster.submit(jobs.add, 1, 2)).toBe(3);
    expect(meeting.of("once")).toHaveLength(1);
  });

  it("has an idempotent call run again on another machine, and the calls that had not begun", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const first = await startMachine(redis);
    await using cluster = clusterAt(redis);
    const call = cluster.with({ idempotent: true }).submit(jobs.visit, meeting.port, "again");
    await meeting.arrived("again");
    const second = await startMachine(redis);
    first.child.kill("SIGKILL");
    const waiting = outcomesOf(Array.from({ length: 20 }, (_, i) => cluster.submit(jobs.add, i, 1)));
    await meeting.arrived("again", 2);
    meeting.letGo("again");
    expect(await call).toBe(second.pid);
    expect(await waiting).toEqual({ ok: 20 });
  });

  it("fails an idempotent call that kills every machine, after as many attempts as it has", async () => {
    await using redis = await startRedis();
    await using cluster = clusterAt(redis, { attempts: 2 });
    const machines = [await startMachine(redis), await startMachine(redis), await startMachine(redis)];
    const error = await errorOf(cluster.with({ idempotent: true }).submit(jobs.die));
    expect(error).toBeInstanceOf(WorkerLostError);
    expect(machines.filter(({ child }) => child.signalCode === "SIGKILL")).toHaveLength(2);
    expect(await cluster.submit(jobs.add, 1, 1)).toBe(2);
  });
});

describe("a machine that freezes", () => {
  it("loses its idempotent call to another one, and what it says when it thaws changes nothing", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const frozen = await startMachine(redis);
    await using cluster = clusterAt(redis);
    const call = cluster.with({ idempotent: true }).submit(jobs.visit, meeting.port, "x");
    await meeting.arrived("x");
    const other = await startMachine(redis);
    frozen.child.kill("SIGSTOP");
    const [late] = await meeting.arrived("x", 2);
    meeting.letGo("x");
    expect(await call).toBe(other.pid);
    frozen.child.kill("SIGCONT");
    await late?.left;
    frozen.child.kill("SIGTERM");
    expect(await frozen.ended).toBe(0);
    expect(cluster.stats()).toMatchObject({ settled: { succeeded: 1, failed: 0 }, running: 0, queued: 0 });
    expect(await cluster.submit(jobs.add, 1, 1)).toBe(2);
  });
});

describe("a machine that hangs with all that was posted", () => {
  it("keeps calls waiting for others to go with for a few milliseconds only", async () => {
    await using redis = await startRedis();
    const machine = await startMachine(redis);
    await using cluster = clusterAt(redis);
    /** Submits three calls while it hangs, one after the other; tells whether the third one waits at first. */
    const isGathered = async (): Promise<boolean> => {
      for (let i = 0; i < 8; i++) await cluster.submit(jobs.add, i, 1); // so that more of them than one make a batch
      machine.child.kill("SIGSTOP");
      const calls: PromiseLike<number>[] = [];
      for (let i = 0; i < 3; i++) {
        calls.push(cluster.submit(jobs.add, i, 0));
        await null;
      }
      const { batches } = cluster.stats();
      await vi.waitUntil(() => cluster.stats().batches === 3, { timeout: 20_000, interval: 1 });
      machine.child.kill("SIGCONT");
      expect(await Promise.all(calls)).toEqual([0, 1, 2]);
      return batches === 2;
    };
    // Where the last of the eight took long, as the processors were busy, one call makes a batch.
    for (let times = 1; !(await isGathered()); times++) expect(times).toBeLessThan(20);
  });
});

describe("a machine that is told to end", () => {
  it("finishes what it has and takes nothing more", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const first = await startMachine(redis);
    await using cluster = clusterAt(redis);
    const call = cluster.submit(jobs.visit, meeting.port, "last");
    await meeting.arrived("last");
    first.child.kill("SIGTERM");
    await first.said("draining");
    const second = await startMachine(redis);
    const later = Array.from({ length: 20 }, () => cluster.submit(jobs.pid));
    expect(new Set(await Promise.all(later))).toEqual(new Set([second.pid]));
    meeting.letGo("last");
    expect(await call).toBe(first.pid);
    expect(await first.ended).toBe(0);
  });

  it("is not believed lost while it finishes that, however long it takes", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const machine = await startMachine(redis);
    await using cluster = clusterAt(redis);
    const call = cluster.submit(jobs.visit, meeting.port, "long");
    await meeting.arrived("long");
    machine.child.kill("SIGTERM");
    await machine.said("draining");
    await using client = connected(redis);
    // The caller has looked twice which machines there are, and what became of the call.
    const looks = async () =>
      Number(/hgetall:calls=(\d+)/.exec(await client.redis.info("commandstats"))?.[1]);
    const before = await looks();
    await vi.waitUntil(async () => (await looks()) >= before + 2, { timeout: 20_000, interval: 50 });
    meeting.letGo("long");
    expect(await call).toBe(machine.pid);
    expect(await machine.ended).toBe(0);
  });

  it("cancels what is not done within --drain, and says which call", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const machine = await startMachine(redis, ["--drain", "200"]);
    await using cluster = clusterAt(redis);
    const call = cluster.submit(jobs.visit, meeting.port, "stuck");
    const [visit] = await meeting.arrived("stuck");
    machine.child.kill("SIGTERM");
    const error = await errorOf(call);
    await visit?.left;
    expect(error).toBeInstanceOf(WorkerLostError);
    expect(error.message).toContain("visit");
    expect(await machine.ended).toBe(0);
  });
});

describe("connections that are cut", () => {
  it("lose no call that may run again, and have none run twice that may not", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    await startMachine(redis);
    await startMachine(redis);
    await using cluster = clusterAt(redis);
    const again = outcomesOf(callsOf(cluster.with({ idempotent: true }), meeting, "again", 100));
    const once = outcomesOf(callsOf(cluster, meeting, "once", 100));
    for (const count of [20, 60, 120]) {
      await vi.waitUntil(() => meeting.visits.length >= count, { timeout: 20_000, interval: 1 });
      await cutConnections(redis);
    }
    expect(await again).toEqual({ ok: 100 });
    // A batch that was on its way to a machine as its connection broke counts as begun there.
    const { ok = 0, WorkerLostError = 0, ...others } = await once;
    expect([ok + WorkerLostError, others]).toEqual([100, {}]);
    expect(ok).toBeGreaterThan(80);
    expect(ranTwice(meeting, "once")).toBe(0);
  });

  it("do not cut a stream or callbacks", async () => {
    await using redis = await startRedis();
    await startMachine(redis, ["--threads", "2"]);
    await using cluster = clusterAt(redis);
    const seen: number[] = [];
    const items: number[] = [];
    const called = cluster.submit(jobs.steps, 300, async (step: number) => {
      seen.push(step);
      if (step !== 50 && step !== 150) return;
      await vi.waitUntil(() => items.length > 0, { timeout: 20_000, interval: 1 });
      await cutConnections(redis);
    });
    for await (const item of cluster.stream(jobs.count, 300)) {
      items.push(item as number);
      if (item === 100) await cutConnections(redis);
    }
    expect(await called).toBe(300);
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    expect(items).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });
});

describe("Redis that is restarted", () => {
  it("with its data loses no call that may run again, and has none run twice that may not", async () => {
    await using redis = await startRedis({ persistent: true });
    await using meeting = await Rendezvous.open();
    await startMachine(redis);
    await using cluster = clusterAt(redis);
    const again = outcomesOf(callsOf(cluster.with({ idempotent: true }), meeting, "again", 30));
    const once = outcomesOf(callsOf(cluster, meeting, "once", 30));
    for (const count of [10, 30]) {
      await vi.waitUntil(() => meeting.visits.length >= count, { timeout: 20_000, interval: 1 });
      await redis.restart("SIGKILL");
    }
    expect(await again).toEqual({ ok: 30 });
    const { ok = 0, WorkerLostError = 0, ...others } = await once;
    expect([ok + WorkerLostError, others]).toEqual([30, {}]);
    expect(ok).toBeGreaterThan(20);
    expect(ranTwice(meeting, "once")).toBe(0);
  });

  it("without its data leaves no call open, and says which are lost", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    await startMachine(redis);
    await using cluster = clusterAt(redis);
    const tags = Array.from({ length: 60 }, (_, i) => `call ${i}`);
    for (const tag of tags) meeting.letGo(tag);
    const calls = Promise.allSettled(
      tags.map((tag) => cluster.with({ name: tag }).submit(jobs.report, meeting.port, tag)),
    );
    await vi.waitUntil(() => meeting.visits.length >= 10, { timeout: 20_000, interval: 1 });
    await redis.restart("SIGKILL");
    for (const [i, settled] of (await calls).entries()) {
      if (settled.status === "fulfilled") continue;
      expect(settled.reason).toBeInstanceOf(JobLostError);
      expect(settled.reason.message).toContain(`\`call ${i}\``);
    }
    expect(ranTwice(meeting, "call")).toBe(0);
    expect(await cluster.submit(jobs.add, 1, 1)).toBe(2);
  });

  it("that is full fails calls with what it says, and takes them again when there is room", async () => {
    await using redis = await startRedis({ maxMemory: "12mb" });
    await startMachine(redis);
    await using cluster = clusterAt(redis);
    expect(await cluster.submit(jobs.add, 1, 1)).toBe(2);
    await using client = connected(redis);
    const noise = Buffer.from(Array.from({ length: 1 << 20 }, () => Math.random() * 256));
    for (let i = 0; i < 20; i++) await client.redis.set(`filler:${i}`, noise).catch(() => {});
    const error = await errorOf(cluster.submit(jobs.echo, noise));
    expect(error.message).toMatch(/OOM|memory/);
    await client.redis.unlink(...Array.from({ length: 20 }, (_, i) => `filler:${i}`));
    await vi.waitUntil(async () => (await outcomesOf([cluster.submit(jobs.add, 1, 1)])).ok === 1, {
      timeout: 20_000,
      interval: 50,
    });
  });
});

describe("a call that its caller has given up", () => {
  const never = () => new Promise<void>(() => {});

  it("is cancelled on a machine that thaws when it has long been lost", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const frozen = await startMachine(redis);
    await using cluster = clusterAt(redis);
    const call = cluster.submit(jobs.converse, meeting.port, "talk", never);
    const [visit] = await meeting.arrived("talk");
    await startMachine(redis);
    frozen.child.kill("SIGSTOP");
    expect(await errorOf(call)).toBeInstanceOf(WorkerLostError);
    frozen.child.kill("SIGCONT");
    await visit?.left;
    frozen.child.kill("SIGTERM");
    expect(await frozen.ended).toBe(0);
  });

  it("is cancelled where it runs when Redis has come back without its data", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const machine = await startMachine(redis, ["--threads", "2"]);
    await using cluster = clusterAt(redis);
    const talk = cluster.submit(jobs.converse, meeting.port, "talk", never);
    const stay = cluster.submit(jobs.visit, meeting.port, "stay");
    const visits = [...(await meeting.arrived("talk")), ...(await meeting.arrived("stay"))];
    await redis.restart("SIGKILL");
    expect(await errorOf(talk)).toBeInstanceOf(JobLostError);
    expect(await errorOf(stay)).toBeInstanceOf(JobLostError);
    await Promise.all(visits.map(({ left }) => left));
    machine.child.kill("SIGTERM");
    expect(await machine.ended).toBe(0);
  });
});

describe("a caller that is killed", () => {
  const submitted =
    "for (let i = 0; i < 40; i++) cluster.submit(jobs.visit, PORT, TAG).toPromise().catch(() => {})";
  const caller = (redis: RedisServer, port: number, options: string, calls = submitted) =>
    new Program([
      "--input-type=module",
      "-e",
      `import { ClusterExecutor } from "threadloop/cluster";
       import * as jobs from "${pathToFileURL(join(MODULES, "jobs.mjs")).href}";
       const [PORT, TAG] = [${port}, "orphan"];
       const cluster = new ClusterExecutor({ url: "${redis.url}", modules: "${MODULES}", lease: 1000, ${options} });
       ${calls}`,
    ]);

  it("has the calls finished that had begun; nothing of it stays in Redis", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const machine = await startMachine(redis);
    await using cluster = clusterAt(redis);
    await cluster.submit(jobs.add, 1, 1);
    // The result is here before its batch is put away.
    const isPutAway = async () =>
      !(await leftIn(redis)).some((key) => key.startsWith("{threadloop:default}:default:"));
    await vi.waitUntil(isPutAway, { timeout: 20_000, interval: 20 });
    const before = await leftIn(redis);
    const program = caller(redis, meeting.port, "");
    await meeting.arrived("orphan");
    program.child.kill("SIGKILL");
    meeting.letGo("orphan");
    const isGone = async () => expect(await leftIn(redis)).toEqual(before);
    await vi.waitFor(isGone, { timeout: 20_000, interval: 20 });
    expect(await cluster.submit(jobs.pid)).toBe(machine.pid);
    expect(meeting.visits.length).toBeLessThan(40);
    await vi.waitFor(isGone, { timeout: 20_000, interval: 20 });
  });

  it("has them cancelled where it asked for that", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const machine = await startMachine(redis);
    await using cluster = clusterAt(redis);
    const program = caller(redis, meeting.port, 'orphans: "cancel"');
    const [first] = await meeting.arrived("orphan");
    program.child.kill("SIGKILL");
    await first?.left;
    expect(await cluster.submit(jobs.pid)).toBe(machine.pid);
  });

  it.each([
    ["callbacks", "cluster.submit(jobs.converse, PORT, TAG, () => new Promise(() => {}))"],
    ["a stream", "const stream = cluster.stream(jobs.recite, PORT, TAG); await stream.next()"],
  ])("has those cancelled that would wait for it for ever: %s", async (_, calls) => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const machine = await startMachine(redis);
    const program = caller(redis, meeting.port, "", calls);
    const [first] = await meeting.arrived("orphan");
    program.child.kill("SIGKILL");
    await first?.left;
    machine.child.kill("SIGTERM");
    expect(await machine.ended).toBe(0);
  });
});

describe("a caller that is cut off for longer than its lease", () => {
  it("finds its results when it is back", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    await startMachine(redis);
    await using client = connected(redis);
    const program = new Program([
      "--input-type=module",
      "-e",
      `import { ClusterExecutor } from "threadloop/cluster";
       import * as jobs from "${pathToFileURL(join(MODULES, "jobs.mjs")).href}";
       const cluster = new ClusterExecutor({ url: "${redis.url}", modules: "${MODULES}", lease: 500 });
       console.log("result", typeof await cluster.submit(jobs.visit, ${meeting.port}, "late"));
       await cluster.close();`,
    ]);
    const [visit] = await meeting.arrived("late");
    program.child.kill("SIGSTOP");
    const inboxes = async () => (await client.redis.keys("*:inbox:*")).length;
    await vi.waitUntil(async () => (await inboxes()) === 1, { timeout: 20_000, interval: 20 });
    meeting.letGo("late");
    await visit?.left;
    await vi.waitUntil(async () => (await client.redis.keys("*:late:*")).length === 1, { timeout: 20_000 });
    program.child.kill("SIGCONT");
    await program.said("result number");
    expect(await program.ended).toBe(0);
    expect(await client.redis.keys("*:late:*")).toEqual([]);
  });
});

describe("a machine with other code", () => {
  it("refuses by name a module that is another version there, or that it does not have", async () => {
    await using redis = await startRedis();
    const folders = ["caller", "machine"].map((name) => mkdtempSync(join(tmpdir(), `threadloop-${name}-`)));
    const [here, there] = folders as [string, string];
    try {
      for (const [i, folder] of folders.entries())
        writeFileSync(join(folder, "versioned.mjs"), `export const version = () => ${i};\n`);
      writeFileSync(join(here, "added.mjs"), "export const added = () => 1;\n");
      await startMachine(redis, ["--modules", there]);
      await using cluster = clusterAt(redis, { modules: here });
      const { version } = cluster.module(pathToFileURL(join(here, "versioned.mjs"))) as never as Record<
        string,
        () => PromiseLike<unknown>
      >;
      const { added } = cluster.module(pathToFileURL(join(here, "added.mjs"))) as never as Record<
        string,
        () => PromiseLike<unknown>
      >;
      const other = (await errorOf(version?.() as PromiseLike<unknown>)) as ShipError;
      expect(other).toBeInstanceOf(ShipError);
      expect(other.code).toBe("ERR_SHIP_OTHER_CODE");
      expect(other.message).toMatch(/versioned\.mjs is another version/);
      const missing = (await errorOf(added?.() as PromiseLike<unknown>)) as ShipError;
      expect(missing.code).toBe("ERR_SHIP_UNREACHABLE");
      expect(missing.message).toContain("added.mjs");
    } finally {
      for (const folder of folders) rmSync(folder, { recursive: true });
    }
  });
});

describe("a value that cannot travel", () => {
  it("fails its own call and none beside it in the batch", async () => {
    await using redis = await startRedis();
    await startMachine(redis);
    await using cluster = clusterAt(redis);
    const calls: PromiseLike<unknown>[] = Array.from({ length: 30 }, (_, i) =>
      cluster.submit(jobs.add, i, 1),
    );
    calls.push(cluster.submit(jobs.echo, new SharedArrayBuffer(4)), cluster.submit(jobs.unsendable));
    calls.push(...Array.from({ length: 30 }, (_, i) => cluster.submit(jobs.add, i, 1)));
    expect(await outcomesOf(calls)).toEqual({ ok: 60, CloneError: 2 });
    expect(await errorOf(cluster.submit(jobs.echo, { a: [new SharedArrayBuffer(4)] }))).toBeInstanceOf(
      CloneError,
    );
  });

  it("is refused when it is larger than maxPayload", async () => {
    await using redis = await startRedis();
    await startMachine(redis);
    await using cluster = clusterAt(redis, { maxPayload: 1 << 20 });
    for (const call of [
      cluster.submit(jobs.echo, Buffer.alloc(1 << 21)),
      cluster.submit(jobs.bytes, 1 << 23),
    ])
      expect((await errorOf(call)).message).toMatch(/1048576|maxPayload/);
    expect(await cluster.submit(jobs.add, 1, 1)).toBe(2);
  });
});

describe("a thread that dies on a machine", () => {
  it("fails its call as in a pool there, and the machine goes on", async () => {
    await using redis = await startRedis();
    const machine = await startMachine(redis);
    await using cluster = clusterAt(redis);
    const error = await errorOf(cluster.submit(jobs.quit));
    expect(error).toBeInstanceOf(WorkerTerminatedError);
    expect(error).not.toBeInstanceOf(WorkerLostError);
    expect(error.message).toContain("quit");
    expect(await cluster.submit(jobs.pid)).toBe(machine.pid);
  });
});

describe("after everything", () => {
  it("nothing is left: no key, no connection, no timer", async () => {
    await using redis = await startRedis();
    const machine = await startMachine(redis, ["--threads", "2"]);
    await using client = connected(redis);
    const count = async () => Number(/connected_clients:(\d+)/.exec(await client.redis.info("clients"))?.[1]);
    const active = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap");
    const before = { connections: await count(), active: active() };
    for (let round = 0; round < 2; round++) {
      await using cluster = clusterAt(redis);
      const calls = Array.from({ length: 100 }, (_, i) => cluster.submit(jobs.add, i, i));
      calls.push(cluster.submit(jobs.bytes, 1 << 20) as never, cluster.submit(jobs.fail, "page") as never);
      const settled = Promise.allSettled(calls);
      const cancelled = cluster.submit(jobs.nap, 60_000, 1);
      await vi.waitUntil(() => cancelled.running(), { interval: 1, timeout: 20_000 });
      cancelled.cancel();
      await Promise.allSettled([settled, cancelled]);
    }
    await vi.waitUntil(async () => (await count()) === before.connections, { timeout: 20_000 });
    await vi.waitUntil(() => active().length <= before.active.length, { timeout: 20_000 });
    machine.child.kill("SIGTERM");
    expect(await machine.ended).toBe(0);
    expect(await leftIn(redis)).toEqual([]);
    await vi.waitUntil(async () => (await count()) === 1, { timeout: 20_000 });
  });
});
