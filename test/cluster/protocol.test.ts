// These are messages of version 1 of the protocol as they lay in Redis, byte for byte. Callers that write them are
// understood: machines are updated before those.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { ClusterExecutor, JobRefusedError } from "threadloop/cluster";
import { describe, expect, it, vi } from "vitest";
import { contentOf } from "../../dist/cluster/protocol.js";
import * as jobs from "../fixtures/cluster/jobs.mjs";
import { errorOf } from "../support/gate.ts";
import { MODULES, startMachine } from "../support/machines.ts";
import { connected } from "../support/redisclient.ts";
import { startRedis } from "../support/redisserver.ts";
import { Rendezvous } from "../support/rendezvous.ts";

const HASH = createHash("sha256")
  .update(readFileSync(join(MODULES, "older.mjs")))
  .digest("hex");
const CODE = (name: string) =>
  `\xff\x0fo"\x06recipeo"\x04kind"\x06module"\x03url"\x09older.mjs"\x04pathA\x01"\x03${name}$\x00\x01{\x03"\x06hasheso"\x09older.mjs"@${HASH}{\x01{\x02`;
/** A batch with one call of a function of three letters: number 1, of the first function. */
const BATCH = (name: string, args: string) =>
  `\x00\xff\x0fo"\x05codesA\x01A\x02\\\x0a\x96\x01${CODE(name)}"\x03${name}$\x00\x02$\x00\x01"\x05callsA\x01A\x03I\x02I\x00${args}$\x00\x03$\x00\x01"\x0dcancelOrphansF"\x04mostI\x80\x80\x80\x01{\x04`;
/** `[1, 2]` and `[1000000]`. */
const ONE_AND_TWO = "A\x02I\x02I\x04$\x00\x02";
const A_MILLION = "A\x01I\x80\x89z$\x00\x01";
/** Cancels call 1. */
const CANCEL = '\x00\xff\x0fA\x01A\x03I(I\x02"\x06enough$\x00\x03$\x00\x01';

/** A caller of version 1. */
class OlderCaller {
  readonly id = "elsewhere:1:0a1b2c3d";
  readonly #redis: Redis;
  readonly #queue: Queue;
  #last = "0-0";

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#queue = new Queue("default", {
      connection: redis,
      prefix: "{threadloop:default}",
      skipVersionCheck: true,
    });
  }

  async post(id: string, bytes: string, v = 1): Promise<void> {
    const inbox = `{threadloop:default}:inbox:${this.id}`;
    if ((await this.#redis.exists(inbox)) === 0) await this.#redis.xadd(inbox, "*", "f", this.id);
    const data = { v, from: this.id, n: 1, p: Buffer.from(bytes, "latin1").toString("base64") };
    await this.#queue.add("older", data, { jobId: id, removeOnComplete: true });
  }

  async say(machine: string, bytes: string): Promise<void> {
    const inbox = `{threadloop:default}:inbox:${machine}`;
    const body = Buffer.from(bytes, "latin1");
    await this.#redis.xadd(inbox, "NOMKSTREAM", "*", "f", this.id, "n", "1", "m", body);
  }

  /** The records of the entries that have come since the last time, the first of this kind among them. */
  async heard(kind: number): Promise<readonly unknown[]> {
    const key = `{threadloop:default}:inbox:${this.id}`;
    const find = async (): Promise<readonly unknown[] | undefined> => {
      const entries = await this.#redis.xrangeBuffer(key, `(${this.#last}`, "+");
      const records: (readonly unknown[])[] = [];
      for (const [id, [, from, , number, , body]] of entries) {
        this.#last = String(id);
        if (body === undefined) continue;
        expect(String(from)).toMatch(/^.+:\d+:\w{8}$/);
        expect(Number(number)).toBeGreaterThan(0);
        expect(body[0]).toBe(0); // not compressed
        records.push(...(contentOf(body.subarray(1)) as unknown[][]));
      }
      return records.find((record) => record[0] === kind);
    };
    return await vi.waitUntil(find, { timeout: 20_000, interval: 5 });
  }

  async refusalOf(id: string): Promise<string> {
    const reason = async () => (await this.#queue.getJob(id))?.failedReason;
    return await vi.waitUntil(reason, { timeout: 20_000, interval: 5 });
  }
}

describe("The version before this one", () => {
  it("is understood of a caller: its batches run, its cancels come, and it reads what it is told", async () => {
    await using redis = await startRedis();
    await startMachine(redis);
    await using client = connected(redis);
    const caller = new OlderCaller(client.redis);
    await caller.post("00000000-0000-4000-8000-000000000001", BATCH("add", ONE_AND_TWO));
    expect(await caller.heard(0)).toEqual([0, 1, 3]);
    const second = "00000000-0000-4000-8000-000000000002";
    await caller.post(second, BATCH("nap", A_MILLION));
    const began = await caller.heard(4);
    const [machine] = await client.redis.smembers("{threadloop:default}:workers");
    expect(began).toEqual([4, second, machine, 1]);
    await caller.say(String(machine), CANCEL);
    expect(await caller.heard(2)).toEqual([2, 1, "enough"]);
    const third = "00000000-0000-4000-8000-000000000003";
    await caller.post(third, BATCH("add", ONE_AND_TWO), 3);
    expect(await caller.refusalOf(third)).toMatch(/speaks version 3 of the protocol.*update machines before/);
  });

  it("is spoken by a machine that has no actors: they go to no such one, and it is named", async () => {
    await using redis = await startRedis();
    await using client = connected(redis);
    const fields = {
      id: "older:1:0a1b2c3d",
      name: "older",
      host: "older",
      pid: 1,
      threads: 2,
      node: "v20.0.0",
    };
    await client.redis.hset("{threadloop:default}:worker:older:1:0a1b2c3d", fields);
    await client.redis.sadd("{threadloop:default}:workers", fields.id);
    await using cluster = new ClusterExecutor({ url: redis.url, modules: MODULES, connectTimeout: 200 });
    const error = await errorOf(cluster.spawn(jobs.Ledger, 1, "never"));
    expect(error).toBeInstanceOf(JobRefusedError);
    expect(error.message).toMatch(/machine older speaks version 1 of the protocol.*Update it/);
    await using meeting = await Rendezvous.open();
    meeting.letGo("over");
    const machine = await startMachine(redis);
    await using ledger = await cluster.spawn(jobs.Ledger, meeting.port, "over");
    expect(await ledger.pid()).toBe(machine.pid);
  });
});
