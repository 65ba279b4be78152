// These tests run `threadloop ps`, `pstree` and `top` of a cluster, with real machines.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ClusterExecutor, type ClusterExecutorOptions } from "threadloop/cluster";
import { describe, expect, it, vi } from "vitest";
import * as jobs from "../fixtures/cluster/jobs.mjs";
import { MODULES, startMachine } from "../support/machines.ts";
import { command, Program } from "../support/processes.ts";
import { connected } from "../support/redisclient.ts";
import { type RedisServer, startRedis } from "../support/redisserver.ts";
import { Rendezvous } from "../support/rendezvous.ts";
import { Terminal } from "../support/terminal.ts";

function clusterAt(redis: RedisServer, options: Partial<ClusterExecutorOptions> = {}): ClusterExecutor {
  return new ClusterExecutor({ url: redis.url, modules: MODULES, ...options });
}

/** Two machines of one thread, each with a call that has it until `letGo`, and calls behind those that no machine has. */
async function busyCluster(redis: RedisServer) {
  const machines = await Promise.all(["alpha", "beta"].map((name) => startMachine(redis, ["--name", name])));
  const folder = mkdtempSync(join(tmpdir(), "threadloop-held-"));
  const cluster = clusterAt(redis);
  const calls = Array.from({ length: 40 }, (_, i) =>
    cluster.with({ name: `call ${i}` }).submit(jobs.hold, folder),
  );
  for (const { pid } of machines)
    await vi.waitUntil(() => existsSync(join(folder, String(pid))), { timeout: 20_000, interval: 10 });
  return {
    cluster,
    async [Symbol.asyncDispose]() {
      writeFileSync(join(folder, "go"), "");
      await Promise.all(calls);
      await cluster.close();
      rmSync(folder, { recursive: true });
    },
  };
}

describe("threadloop ps and pstree of a cluster", () => {
  it("show its machines, their threads and jobs, and what no machine has taken", async () => {
    await using redis = await startRedis();
    await using _ = await busyCluster(redis);
    await using client = connected(redis);
    const waiting = "{threadloop:default}:default:wait";
    await vi.waitUntil(async () => (await client.redis.llen(waiting)) > 0, { timeout: 20_000 });
    const table = await command("ps", redis.url);
    expect(table).toMatchObject({ code: 0, errors: "" });
    for (const name of ["alpha", "beta"]) {
      expect(table.output).toMatch(new RegExp(`^${name} +\\S+ +\\d+ +v\\d\\S+ +1 +\\d+ +0 +0 +0 +yes$`, "m"));
      expect(table.output).toMatch(
        new RegExp(`^${name} +\\d+ +job +call \\d+ +running +- +\\d+ ms +- +call`, "m"),
      );
    }
    expect(table.output).toMatch(/^- +- +job +call \d+ +queued +- +\d+ ms/m);
    const tree = await command("pstree", redis.url);
    expect(tree.output).toMatch(/^machine alpha\n {3}main thread/m);
    expect(tree.output).toMatch(/job call \d+: running in thread \d+/);
    expect(tree.output).toMatch(/batches that no machine has taken: [1-9]/);
    const other = await command("ps", redis.url, "--queue", "other");
    expect(other.output).toContain("There is no machine in this queue");
    expect(await client.redis.keys("*:inbox:*"), "of two machines and a caller").toHaveLength(3);
  });

  it("show a name on its own line, whatever it holds", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    await startMachine(redis, ["--name", "one\x1b[2J\ntwo"]);
    await using cluster = clusterAt(redis);
    const call = cluster.with({ name: "a\x1b[2J\nfake row" }).submit(jobs.visit, meeting.port, "held");
    await meeting.arrived("held");
    for (const name of ["ps", "pstree", "top"]) {
      const { output } = await command(name, redis.url, "--every", "50");
      expect(output).toContain("fake row");
      expect(output).not.toMatch(/^(fake row|two)/m);
      expect(output).not.toContain("\x1b");
    }
    meeting.letGo("held");
    await call;
  });

  it("say which machines do not answer, and need the secret that those have", async () => {
    await using redis = await startRedis();
    const secret = { THREADLOOP_CLUSTER_SECRET: "a secret" };
    const machine = await startMachine(redis, ["--name", "alpha"], secret);
    const bin = fileURLToPath(new URL("../../dist/bin/threadloop.js", import.meta.url));
    const asked = new Program([bin, "ps", "cluster"], undefined, {
      ...secret,
      THREADLOOP_CLUSTER_URL: redis.url,
    });
    expect(await asked.ended, asked.errors).toBe(0);
    expect(asked.output).toMatch(/^alpha .* yes$/m);
    expect((await command("ps", redis.url)).output).toMatch(
      /^alpha .* no$[\s\S]*No machine answers: .*THREADLOOP_CLUSTER_SECRET/m,
    );
    machine.child.kill("SIGSTOP");
    const stopped = new Program([bin, "ps", redis.url], undefined, secret);
    expect(await stopped.ended).toBe(0);
    expect(stopped.output).toMatch(/^alpha .* no$/m);
  });

  it("take what others say that is no machine for no answer", async () => {
    await using redis = await startRedis();
    await using client = connected(redis);
    const prefix = "{threadloop:default}";
    await client.redis.sadd(`${prefix}:workers`, "x", "y");
    await client.redis.hset(`${prefix}:worker:x`, { id: "x", name: "x", threads: "many", pid: "-1e400" });
    await client.redis.hset(`${prefix}:worker:y`, { id: "y" });
    const { code, output, errors } = await command("ps", redis.url);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toMatch(/^x +.* no$/m);
  });

  it("tell what is wrong with an address, a queue, or Redis, without the password", async () => {
    await using redis = await startRedis({ users: ["user default off", "user one on >right ~* +@all"] });
    const wrong = async (...args: string[]) => {
      const { code, errors } = await command(...args);
      expect(code).toBe(1);
      expect(errors).not.toContain("hunter2");
      return errors;
    };
    expect(await wrong("ps", "http://u:hunter2@localhost")).toContain("redis:// or rediss://");
    expect(await wrong("ps", "redis://127.0.0.1:1")).toContain("ECONNREFUSED");
    expect(await wrong("top", redis.url, "--queue", "a b")).toContain("Expected `--queue` to be");
    expect(await wrong("ps", redis.urlOf("one", "hunter2"))).toMatch(/WRONGPASS|NOAUTH/);
    expect((await command("ps", redis.urlOf("one", "right"))).code).toBe(0);
    expect(await wrong("ps", "cluster")).toContain("THREADLOOP_CLUSTER_URL");
  });

  it("tell it when what is at the address is no Redis", async () => {
    const server = createServer(
      (socket) => void socket.on("error", () => {}).end("HTTP/1.1 400 Bad\r\n\r\n"),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const { code, errors } = await command("ps", `redis://127.0.0.1:${port}`);
    expect(code).toBe(1);
    expect(errors).toContain("Redis cannot be reached: ");
    server.close();
  });

  it("say what to install where BullMQ is not", async () => {
    const bin = fileURLToPath(new URL("../../dist/bin/threadloop.js", import.meta.url));
    const loader = `export async function resolve(name, context, next) {
      if (name !== "bullmq") return next(name, context);
      throw Object.assign(new Error("Cannot find package 'bullmq'"), { code: "ERR_MODULE_NOT_FOUND" });
    }`;
    const data = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
    const hide = data(`import { register } from "node:module"; register(${JSON.stringify(data(loader))});`);
    for (const args of [
      ["ps", "redis://127.0.0.1:1"],
      ["top", "redis://127.0.0.1:1"],
      ["worker", "--url", "redis://127.0.0.1:1"],
    ]) {
      const program = new Program(["--import", hide, bin, ...args]);
      expect(await program.ended).toBe(1);
      expect(program.errors).toContain("npm install bullmq ioredis");
    }
  });
});

describe("threadloop top of a cluster", () => {
  it("prints what it would show where there is no terminal", async () => {
    await using redis = await startRedis();
    await using _ = await busyCluster(redis);
    const { code, output, errors } = await command("top", redis.url, "--every", "200");
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toMatch(/^threadloop top queue default at 127\.0\.0\.1:\d+ .* \d+ batches wait/);
    expect(output).toMatch(/^alpha +1 +1 +\d+ +0 +0/m);
    expect(output).toMatch(/^main +beta +\d+ %/m);
    expect(output).toMatch(/^\d +alpha +100 %/m);
    expect(output).toMatch(/^call \d+ +[\d.]+ +[\d.]+ m?s/m);
    expect(output).toMatch(/^call \d+ +job +alpha \d +running/m);
  });

  it.runIf(process.platform === "linux")(
    "is worked by keys in a terminal, and goes on when Redis was away",
    async () => {
      await using redis = await startRedis({ persistent: true });
      await startMachine(redis, ["--name", "alpha"]);
      const terminal = new Terminal(`top ${redis.url} --every 100`);
      await terminal.shows(/alpha +0 +0/);
      terminal.press("s");
      await terminal.shows(/by name/);
      await redis.restart();
      await startMachine(redis, ["--name", "gamma"]);
      await terminal.shows(/gamma +0 +0/);
      terminal.press("q");
      expect(await terminal.ended, terminal.written.slice(-1500)).toBe(0);
      expect(terminal.written).toContain("\x1b[?1049l");
    },
  );
});

describe("ClusterExecutor.tasks", () => {
  it("keeps machines apart, whose threads have the same numbers", async () => {
    await using redis = await startRedis();
    await using busy = await busyCluster(redis);
    const tree = await busy.cluster.tasks({ patience: 3000 });
    for (const name of ["alpha", "beta"]) {
      const threads = tree.threads.filter(({ machine }) => machine === name);
      expect(threads.map(({ thread }) => thread)).toEqual([0, expect.any(Number)]);
      expect(threads[1]).toMatchObject({
        answered: false,
        busyWith: { name: expect.stringMatching(/^call/) },
      });
      expect(String(tree)).toMatch(
        new RegExp(`^machine "${name}", thread \\d+ of pool "cluster default": busy with job call \\d+`, "m"),
      );
    }
    expect(tree.threads[0]).toMatchObject({ machine: null, thread: 0, answered: true });
    expect(tree.all.filter(({ kind, state }) => kind === "job" && state === "running")).toHaveLength(2);
  });
});
