// This is the queue of batches. This is all that a client does with BullMQ: it puts batches in, takes one back that
// no machine has, and asks what became of one.

import { Queue } from "bullmq";
import { INLINE, putBlob, seal } from "./payload.ts";
import { type BatchBody, type BatchData, bodyOf, VERSION } from "./protocol.ts";
import type { RedisLink } from "./redislink.ts";

/** A batch with a failed call stays to be looked at, in bull-board, for so many seconds. */
const KEEP_FAILED = { age: 3600, count: 1000 };

/** What became of a batch: a machine has it or will have it, there is no trace of it, or it was refused, and why. */
export type BatchState =
  | { readonly is: "waiting" }
  | { readonly is: "active" }
  | { readonly is: "gone" }
  | { readonly is: "failed"; readonly reason: string };

export interface WaitingBatches {
  readonly count: number;
  /** `posted`: milliseconds since 1970, by the clock of who posted it. */
  readonly batches: readonly { readonly name: string; readonly posted: number }[];
}

export class Postbox {
  readonly #connection: RedisLink;
  readonly #queue: Queue;

  constructor(connection: RedisLink, name: string) {
    this.#connection = connection;
    this.#queue = new Queue(name, {
      connection: connection.redis,
      prefix: connection.keys.prefix,
      skipVersionCheck: true,
      skipMetasUpdate: true,
    });
    this.#queue.on("error", () => {}); // each command says so itself
  }

  /** Puts a batch into the queue, under a name for people. */
  async post(id: string, name: string, count: number, body: BatchBody): Promise<void> {
    const { redis, keys, signer, id: from } = this.#connection;
    const sealed = await seal(bodyOf(body));
    const mac = signer.sign([id, from, sealed]);
    const where =
      sealed.length <= INLINE ? { p: sealed.toString("base64") } : { b: await putBlob(redis, keys, sealed) };
    const data: BatchData = { v: VERSION, from, n: count, ...where, ...(mac !== undefined && { mac }) };
    await this.#queue.add(name, data, { jobId: id, removeOnComplete: true, removeOnFail: KEEP_FAILED });
  }

  /** Whether it was still there, and is not any more. */
  async takeBack(id: string): Promise<boolean> {
    return (await this.#queue.remove(id)) === 1;
  }

  async stateOf(id: string): Promise<BatchState> {
    const state = await this.#queue.getJobState(id);
    if (state === "active") return { is: "active" };
    if (state === "failed")
      return { is: "failed", reason: (await this.#queue.getJob(id))?.failedReason ?? "" };
    return { is: state === "unknown" || state === "completed" ? "gone" : "waiting" };
  }

  /** The batches that no machine has taken, the oldest first and at most so many of them, and how many there are. */
  async waiting(most: number): Promise<WaitingBatches> {
    const { redis } = this.#connection;
    const ids = await this.#queue.getRanges(["wait"], 0, most - 1, true);
    const all = await Promise.all(ids.map((id) => redis.hmget(this.#queue.toKey(id), "name", "timestamp")));
    const batches = all.filter(([name]) => typeof name === "string");
    return {
      count: await this.#queue.getWaitingCount(),
      batches: batches.map(([name, posted]) => ({ name: name as string, posted: Number(posted) || 0 })),
    };
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }
}
