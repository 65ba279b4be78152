// These tests say who can do what: with TLS and users of Redis, with secrets, with source code, and with names.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ClusterExecutor, type ClusterExecutorOptions, JobRefusedError } from "threadloop/cluster";
import { ShipError } from "threadloop/workers";
import { describe, expect, it, vi } from "vitest";
import { toNames } from "../../dist/cluster/address.js";
import { CALL_LOST, CALL_OK, VERSION } from "../../dist/cluster/protocol.js";
import type { Recipe } from "../../dist/workers/core.js";
import * as jobs from "../fixtures/cluster/jobs.mjs";
import { errorOf } from "../support/gate.ts";
import { MODULES, startingMachine, startMachine } from "../support/machines.ts";
import { connected } from "../support/redisclient.ts";
import { type RedisServer, startRedis } from "../support/redisserver.ts";
import { Rendezvous } from "../support/rendezvous.ts";
import { errorIn, Stranger } from "../support/stranger.ts";

function clusterAt(redis: { url: string }, options: Partial<ClusterExecutorOptions> = {}): ClusterExecutor {
  return new ClusterExecutor({ url: redis.url, modules: MODULES, ...options });
}

const secretly = (secret: string) => ({ THREADLOOP_CLUSTER_SECRET: secret });
const MODULE = pathToFileURL(join(MODULES, "jobs.mjs")).href;
const named = (...path: string[]) => toNames({ kind: "module", url: MODULE, path }, MODULES);

describe("a user of Redis with the least rights, over TLS", () => {
  const file = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
  const tls = { cert: readFileSync(file("cert"), "utf8"), key: readFileSync(file("key"), "utf8") };
  const page = readFileSync(fileURLToPath(new URL("../../docs/security.md", import.meta.url)), "utf8");
  const users = (/^user default off\nuser render .*$/m.exec(page)?.[0] ?? "")
    .replace("PASSWORD", "pw")
    .split("\n");

  it("runs calls of its queue and reaches no other key", async () => {
    await using redis = await startRedis({ tls, users });
    const url = redis.urlOf("render", "pw");
    const options = { redis: { tls: { ca: tls.cert, checkServerIdentity: () => undefined } } };
    const machine = startingMachine({ url }, ["--queue", "render"], { NODE_EXTRA_CA_CERTS: file("cert") });
    await machine.said("ready:");
    await using cluster = clusterAt({ url }, { queue: "render", ...options });
    expect(await cluster.submit(jobs.add, 1, 2)).toBe(3);
    expect((await cluster.submit(jobs.bytes, 1 << 20)) as Buffer).toHaveLength(1 << 20);
    expect((await cluster.workers()).map(({ pid }) => pid)).toEqual([machine.pid]);
    const { Redis } = await import("ioredis");
    const client = new Redis(url, options.redis);
    await expect(client.get("elsewhere")).rejects.toThrow(/NOPERM/);
    await expect(client.get("{threadloop:other}:workers")).rejects.toThrow(/NOPERM/);
    await expect(client.flushall()).rejects.toThrow(/NOPERM/);
    await expect(client.config("GET", "*")).rejects.toThrow(/NOPERM/);
    client.disconnect();
    const other = clusterAt({ url }, { queue: "other", ...options });
    await expect(other.ready).rejects.toThrow(/NOPERM|permission/i);
    await other.close();
    machine.child.kill("SIGTERM");
    expect(await machine.ended).toBe(0);
  });
});

describe("a secret", () => {
  it.each([
    ["the caller has none", "one", undefined, /THREADLOOP_CLUSTER_SECRET/],
    ["the machine has none", undefined, "one", /the machines have no secret/],
    ["they are two", "one", "two", /not signed with the secret/],
  ])("refuses all calls where %s", async (_, there, here, message) => {
    await using redis = await startRedis();
    await startMachine(redis, [], there === undefined ? {} : secretly(there));
    await using cluster = clusterAt(redis, here === undefined ? {} : { secret: here });
    const error = await errorOf(cluster.with({ name: "page 3" }).submit(jobs.add, 1, 2));
    expect(error).toBeInstanceOf(JobRefusedError);
    expect(error.message).toMatch(message);
    expect(error.message).toContain("`page 3`");
  });

  it("is replaced while calls go on", async () => {
    await using redis = await startRedis();
    const steps: [string, string | string[]][] = [
      ["old,new", "old"],
      ["old,new", ["old", "new"]],
      ["new,old", ["new", "old"]],
      ["new", ["new", "old"]],
    ];
    for (const [there, here] of steps) {
      const machine = await startMachine(redis, [], secretly(there));
      await using cluster = clusterAt(redis, { secret: here });
      const seen: number[] = [];
      expect(await cluster.submit(jobs.steps, 3, (step: number) => void seen.push(step))).toBe(3);
      expect(seen).toEqual([1, 2, 3]);
      await cluster.close();
      machine.child.kill("SIGTERM");
      await machine.ended;
    }
  });

  it("keeps what somebody else says from being taken for a result", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const machine = await startMachine(redis, [], secretly("one"));
    await using cluster = clusterAt(redis, { secret: "one" });
    const call = cluster.submit(jobs.visit, meeting.port, "here");
    await meeting.arrived("here");
    await using stranger = new Stranger(redis);
    for (const inbox of await stranger.redis.keys("*:inbox:*")) {
      await stranger.say(inbox, [[CALL_OK, 1, "forged"]]);
      await stranger.say(inbox, [[CALL_OK, 1, "forged"]], ["s", "AAAA"]);
      await stranger.redis.xadd(inbox, "*", "f", "x", "n", "7", "b", "elsewhere");
    }
    meeting.letGo("here");
    expect(await call).toBe(machine.pid);
  });

  it("does not let a batch that was signed once be run again", async () => {
    await using redis = await startRedis();
    await startMachine(redis, [], secretly("one"));
    await using stranger = new Stranger(redis, "default", ["one"]);
    const { encode } = await import("../../dist/cluster/payload.js");
    const body = {
      codes: [[encode(named("add")), "add"]],
      calls: [[1, 0, [1, 2]]],
      cancelOrphans: false,
      most: 1 << 20,
    };
    expect(await stranger.post(body, {}, "the-same")).toEqual([CALL_OK, 1, 3]);
    // The result is here before its batch is put away, and a batch that is there is not added once more.
    await using client = connected(redis);
    const isThere = () => client.redis.exists("{threadloop:default}:default:the-same");
    await vi.waitUntil(async () => (await isThere()) === 0, { timeout: 20_000, interval: 5 });
    expect(await stranger.post(body, {}, "the-same")).toEqual([CALL_LOST, 1]);
  });
});

describe("source code", () => {
  it("runs where both sides allow it", async () => {
    await using redis = await startRedis();
    await startMachine(redis, ["--allow-source"], secretly("one"));
    await using cluster = clusterAt(redis, { secret: "one", ship: "auto" });
    const offset = 41;
    expect(await cluster.submit((n: number) => n + offset, 1)).toBe(42);
  });

  it("is refused by a machine that was not told to run it", async () => {
    await using redis = await startRedis();
    await startMachine(redis, [], secretly("one"));
    await using cluster = clusterAt(redis, { secret: "one", ship: "value" });
    const error = (await errorOf(cluster.submit((n: number) => n + 1, 1))) as ShipError;
    expect(error).toBeInstanceOf(ShipError);
    expect(error.code).toBe("ERR_SHIP_SOURCE");
    expect(error.message).toContain("--allow-source");
  });

  it("is not sent without a secret, and a machine without one does not start with --allow-source", async () => {
    await using redis = await startRedis();
    expect(() => clusterAt(redis, { ship: "auto" })).toThrow(/secret/);
    const machine = startingMachine(redis, ["--allow-source"], secretly(""));
    expect(await machine.ended).toBe(1);
    expect(machine.errors).toMatch(/--allow-source.*secret/);
    await using cluster = clusterAt(redis);
    const error = (await errorOf(cluster.submit(() => 1))) as ShipError;
    expect(error.code).toBe("ERR_SHIP_NOT_EXPORTED");
    expect(() => cluster.with({ ship: "value" }).submit(jobs.add, 1, 2)).toThrow(/secret/);
  });
});

describe("a stranger who can write to Redis", () => {
  /** One machine for all: it has to stand all of it. */
  async function withMachine(test: (stranger: Stranger, redis: RedisServer) => Promise<void>): Promise<void> {
    await using redis = await startRedis();
    const machine = await startMachine(redis);
    await using stranger = new Stranger(redis);
    await test(stranger, redis);
    await using cluster = clusterAt(redis);
    expect(await cluster.submit(jobs.pid)).toBe(machine.pid);
  }

  it("can call exports below --modules", () =>
    withMachine(async (stranger) => {
      expect(await stranger.call({ recipe: named("add"), args: [1, 2] })).toEqual([CALL_OK, 1, 3]);
    }));

  it("can call nothing else, by no name", () =>
    withMachine(async (stranger) => {
      const { hashes } = named("add");
      const recipes: Recipe[] = [
        { kind: "module", url: "node:child_process", path: ["execSync"] },
        { kind: "module", url: "../executor/contract.test.ts", path: ["x"] },
        { kind: "module", url: "__proto__", path: ["x"] },
        { kind: "module", url: "jobs.mjs", path: ["add", "constructor"] },
        { kind: "module", url: "data:text/javascript,export const f = () => 1", path: ["f"] },
        { kind: "commonjs", url: "/etc/passwd", path: [] },
        { kind: "imported", from: "jobs.mjs", specifier: "node:fs", path: ["readFileSync"] },
        { kind: "imported", from: "jobs.mjs", specifier: "threadloop", path: ["createSubprocessExec"] },
        { kind: "global", path: ["eval"] },
        { kind: "global", path: ["process", "exit"] },
        { kind: "declared", url: "file:///etc/hostname", name: "x" },
        { kind: "copy", nodes: [] },
        { kind: "nothing" } as never,
        null as never,
      ];
      for (const recipe of recipes) {
        const reply = await stranger.call({ recipe: { recipe, hashes }, args: ["touch /tmp/owned"] });
        expect(errorIn(reply), JSON.stringify(recipe)).toBeInstanceOf(Error);
      }
    }));

  it("cannot have source code run by what goes beside a call", () =>
    withMachine(async (stranger) => {
      const code = {
        source: "() => 'ran'",
        method: false,
        isClass: false,
        strict: true,
        url: "",
        line: 0,
        column: 0,
      };
      const copy = {
        kind: "copy",
        nodes: [
          {
            kind: "code",
            name: "evil",
            values: [],
            properties: [],
            code: { ...code, translated: false, names: [], title: "evil" },
          },
        ],
      };
      const plain = { kind: {}, attached: {}, options: {}, callbacks: null };
      for (const details of [
        { ...plain, attached: { recipe: copy } },
        { ...plain, kind: { recipe: copy } },
        { ...plain, kind: { is: "actorMake", id: 1, recipe: copy } },
        { ...plain, kind: { is: "broadcast", number: 1 } },
        { ...plain, attached: { callbacks: { at: [0], port: {} } } },
        { ...plain, kind: { is: "stream", credit: -1 } },
        { ...plain, options: { timeout: "soon" } },
        { ...plain, attached: { life: { carrier: { __proto__: null, x: {} } } } },
        null,
        7,
      ]) {
        const reply = await stranger.call({ recipe: named("add"), args: [1, 2], details });
        if (reply[0] === CALL_OK) expect(reply).toEqual([CALL_OK, 1, 3]);
        else expect(errorIn(reply)).toBeInstanceOf(Error);
      }
    }));

  it("is told what is wrong with a batch that cannot be read, and the machine goes on", () =>
    withMachine(async (stranger) => {
      for (const body of [null, 7, [], {}, { codes: [], calls: [] }, { codes: [[]], calls: [[1, 0, []]] }])
        expect(await stranger.post(body), JSON.stringify(body)).toMatch(
          /cannot be read|not what this version/,
        );
      for (const data of [
        { p: "" },
        { p: "////" },
        { p: undefined, b: "elsewhere" },
        { p: undefined, b: "{threadloop:default}:blob:missing" },
        { p: 7 as never },
        { mac: "AAAA" },
        { from: 7 as never },
        { from: "../../x" },
      ])
        expect(typeof (await stranger.post({ codes: [], calls: [] }, data)), JSON.stringify(data)).toBe(
          "string",
        );
    }));

  it("is told by name that it speaks a newer version; one version before is understood", () =>
    withMachine(async (stranger) => {
      const { encode } = await import("../../dist/cluster/payload.js");
      const body = {
        codes: [[encode(named("add")), "add"]],
        calls: [[1, 0, [1, 2]]],
        cancelOrphans: false,
        most: 1 << 20,
      };
      expect(await stranger.post(body, { v: VERSION + 1 })).toMatch(
        new RegExp(`version ${VERSION + 1} of the protocol.* speaks ${VERSION}`),
      );
      expect(await stranger.post(body, { v: "9" as never })).toMatch(/version/);
      expect(await stranger.post(body, { v: VERSION - 1 })).toEqual([CALL_OK, 1, 3]);
    }));

  it("does not end a machine or a caller by what it says to their inboxes", async () => {
    await using redis = await startRedis();
    await using meeting = await Rendezvous.open();
    const machine = await startMachine(redis);
    await using cluster = clusterAt(redis);
    const call = cluster.submit(jobs.visit, meeting.port, "here");
    await meeting.arrived("here");
    await using stranger = new Stranger(redis);
    const junk = [
      [],
      [99],
      [0],
      [6, 999, 0, "x"],
      [7, 999, Buffer.from("junk")],
      [20],
      [23, {}, {}],
      [24, "x", "y"],
      7,
      null,
    ];
    for (const inbox of await stranger.redis.keys("*:inbox:*")) {
      await stranger.say(inbox, junk);
      await stranger.redis.xadd(inbox, "*", "f", "x", "n", "2", "m", "junk");
      await stranger.redis.xadd(inbox, "*", "x", "y");
      await stranger.redis.xadd(inbox, "*", "f", "x", "n", "3", "b", "{threadloop:default}:workers");
    }
    meeting.letGo("here");
    expect(await call).toBe(machine.pid);
    await using client = connected(redis);
    await vi.waitUntil(async () => (await client.redis.keys("*:inbox:*")).length === 2, { timeout: 10_000 });
    expect(await cluster.submit(jobs.pid)).toBe(machine.pid);
  });
});

describe("the flags of threadloop worker", () => {
  it.each([
    [["--threads", "0"], /--threads to be a positive integer/],
    [["--lock", "soon"], /--lock to be a positive integer/],
    [["--queue", "a:b"], /`queue` to be/],
    [["--modules", "/nowhere/at/all"], /`modules` to be a folder/],
    [["--treads", "3"], /--treads[\s\S]*Usage/],
    [["--url", "localhost"], /redis:\/\/ or rediss:\/\//],
    [["extra"], /extra|positional/],
  ])("%j are refused: %s", async (flags, message) => {
    const machine = startingMachine({ url: "redis://127.0.0.1:1" }, flags);
    expect(await machine.ended).toBe(1);
    expect(machine.errors).toMatch(message);
    expect(machine.errors).not.toMatch(/\n\s+at /);
  });
});
