import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { gather, getRunningLoop, run } from "threadloop";
import { ClusterExecutor, ConnectionError } from "threadloop/cluster";
import { ShipError } from "threadloop/workers";
import { describe, expect, it, vi } from "vitest";
import * as jobs from "../fixtures/workers/jobs.mjs";
import { errorOf } from "../support/gate.ts";
import { startRedis } from "../support/redisserver.ts";
import { root, withCluster } from "./support/cluster.ts";

const execute = promisify(execFile);

describe("A call on another machine", () => {
  it("is that of any executor: runInExecutor, gather, and the machine is another process", async () => {
    await withCluster(async ({ cluster }) => {
      await run(async () => {
        const loop = getRunningLoop();
        const all = await gather(
          Array.from({ length: 1000 }, (_, i) => loop.runInExecutor(cluster, jobs.add, i, 1)),
        );
        expect(all).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
        const [machine] = await cluster.workers();
        expect(machine).toMatchObject({ threads: 2, node: process.version });
        expect(machine?.pid).not.toBe(process.pid);
      });
    });
  });

  it("leaves nothing in Redis, and nothing in the process, once its executor has closed", async () => {
    await withCluster(async ({ redis, cluster }) => {
      const large = Buffer.alloc(500_000, "x");
      await Promise.all([cluster.submit(jobs.echo, large), cluster.submit(jobs.echo, 1)]);
      await cluster.close();
      const watcher = new ClusterExecutor({ url: redis.url, modules: root });
      const [machine] = await watcher.workers();
      await watcher.close();
      const { stdout } = await execute("redis-cli", ["-p", String(redis.port), "keys", "*"]);
      const left = stdout.split("\n").filter((key) => key !== "" && !key.includes(String(machine?.id)));
      // What BullMQ keeps of a queue, and the list of machines.
      expect(left.map((key) => key.split(":").at(-1)).sort()).toEqual(expect.arrayContaining(["workers"]));
      expect(left.filter((key) => /inbox|blob|late|wait$|active$/.test(key))).toEqual([]);
    });
  });

  it("begins however many others only wait, on the same machine and for the same executor", async () => {
    await withCluster(async ({ cluster }) => {
      const waiting = Array.from({ length: 40 }, () => cluster.submit(jobs.nap, 1e6, 0));
      expect(await cluster.submit(jobs.add, 1, 2)).toBe(3);
      await vi.waitUntil(() => cluster.stats().running === 40, { timeout: 20_000 });
      for (const job of waiting) job.cancel();
      await Promise.allSettled(waiting.map((job) => job.toPromise()));
    });
  });

  it("of a function that no other machine can name is refused, with the way out", async () => {
    await withCluster(async ({ cluster }) => {
      const captured = 1;
      const error = await errorOf(cluster.submit(() => captured));
      expect(error).toBeInstanceOf(ShipError);
      expect(error).toMatchObject({ code: "ERR_SHIP_NOT_EXPORTED" });
    });
  });

  it("holds the process until it is done, and an executor without one does not", async () => {
    await withCluster(async ({ redis }) => {
      const program = `
        import { ClusterExecutor } from "threadloop/cluster";
        import { nap } from ${JSON.stringify(new URL("../fixtures/workers/jobs.mjs", import.meta.url).href)};
        const cluster = new ClusterExecutor({ url: "${redis.url}", modules: ${JSON.stringify(root)} });
        await cluster.ready;
        cluster.submit(nap, 100, "slept").addDoneCallback((job) => console.log(job.result()));
      `;
      const { stdout } = await execute(process.execPath, ["--input-type=module", "-e", program], {
        cwd: root,
        timeout: 20_000,
      });
      expect(stdout).toBe("slept\n");
    });
  });
});

describe("An executor without its Redis", () => {
  it("fails its calls, and `ready`, when none can be reached in time", async () => {
    const redis = await startRedis();
    const { url } = redis;
    await redis[Symbol.asyncDispose]();
    const cluster = new ClusterExecutor({ url, modules: root, connectTimeout: 200 });
    const call = errorOf(cluster.submit(jobs.echo, 1));
    expect(await errorOf(cluster.ready)).toBeInstanceOf(ConnectionError);
    expect(await call).toBeInstanceOf(ConnectionError);
    expect(() => cluster.submit(jobs.echo, 1)).toThrow(/could not be reached for 200 ms.*ECONNREFUSED/);
    await cluster.close();
  });
});
