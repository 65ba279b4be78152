// This is somebody who can write to Redis, and speaks the protocol without keeping to it.
import { randomUUID } from "node:crypto";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import type { NamedRecipe } from "../../dist/cluster/address.js";
import { keysOf } from "../../dist/cluster/keys.js";
import { encode, seal, unseal } from "../../dist/cluster/payload.js";
import {
  type BatchData,
  bodyOf,
  CALL_FAILED,
  CALL_LOST,
  contentOf,
  type Reply,
  read,
  VERSION,
} from "../../dist/cluster/protocol.js";
import { Signer } from "../../dist/cluster/signature.js";
import { decodeThrown, type Encoded } from "../../dist/workers/core.js";
import type { RedisServer } from "./redisserver.ts";

/** What a call of a stranger may say. */
export interface StrangeCall {
  readonly recipe: NamedRecipe;
  readonly args?: readonly unknown[];
  readonly details?: unknown;
}

export class Stranger {
  readonly id = `stranger:${randomUUID()}`;
  readonly redis: Redis;
  readonly #queue: Queue;
  readonly #keys: ReturnType<typeof keysOf>;
  readonly #signer: Signer;
  #last = "0-0";

  constructor(server: Pick<RedisServer, "url">, queue = "default", secrets: readonly string[] = []) {
    this.redis = new Redis(server.url, { maxRetriesPerRequest: null });
    this.redis.on("error", () => {});
    this.#keys = keysOf(queue);
    this.#signer = new Signer(secrets);
    this.#queue = new Queue(queue, {
      connection: this.redis,
      prefix: this.#keys.prefix,
      skipVersionCheck: true,
    });
    this.#queue.on("error", () => {});
  }

  /** Has one function called; tells what is answered first, once it is final. */
  async call({ recipe, args = [], details }: StrangeCall): Promise<Reply | string> {
    const call = [1, 0, args, ...(details === undefined ? [] : [encode(details)])];
    return this.post({
      codes: [[encode(recipe), "strange"]],
      calls: [call],
      cancelOrphans: false,
      most: 1 << 20,
    });
  }

  /** Posts a body, whatever it is; tells the first reply, or why the batch was refused. */
  async post(
    body: unknown,
    data: Partial<BatchData> = {},
    id: string = randomUUID(),
  ): Promise<Reply | string> {
    const inbox = this.#keys.inbox(this.id);
    if ((await this.redis.exists(inbox)) === 0) await this.redis.xadd(inbox, "*", "f", this.id);
    const sealed = await seal(bodyOf(body as never));
    const mac = this.#signer.sign([id, this.id, sealed]);
    const whole = {
      v: VERSION,
      from: this.id,
      n: 1,
      p: sealed.toString("base64"),
      ...(mac && { mac }),
      ...data,
    };
    await this.#queue.add("strange", whole, { jobId: id, removeOnComplete: true });
    for (;;) {
      const final = await this.#finalReply();
      if (final !== undefined) return final;
      const job = await this.#queue.getJob(id);
      if (job?.failedReason !== undefined) return (await this.#finalReply()) ?? job.failedReason;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Says something to the inbox of another process. */
  async say(
    to: string,
    records: readonly unknown[],
    fields: readonly (string | Buffer)[] = [],
  ): Promise<unknown> {
    const sealed = await seal(bodyOf(records as never));
    return this.redis.xadd(to, "NOMKSTREAM", "*", "f", this.id, "n", "1", "m", sealed, ...fields);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.close();
    this.redis.disconnect();
  }

  /** The first of the replies since the last look that says how a call has ended. */
  async #finalReply(): Promise<Reply | undefined> {
    return (await this.#replies()).find(([kind]) => kind <= CALL_LOST);
  }

  async #replies(): Promise<Reply[]> {
    const key = this.#keys.inbox(this.id);
    const found = (await this.redis.callBuffer("XREAD", "STREAMS", key, this.#last)) as
      | [Buffer, [Buffer, Buffer[]][]][]
      | null;
    const replies: Reply[] = [];
    for (const [id, fields] of found?.[0]?.[1] ?? []) {
      this.#last = String(id);
      const at = fields.findIndex((field, i) => i % 2 === 0 && String(field) === "m");
      if (at >= 0) replies.push(...(contentOf(await unseal(fields[at + 1] as Buffer, 1 << 24)) as Reply[]));
    }
    return replies;
  }
}

/** The error in a reply. */
export function errorIn(reply: Reply | string): Error {
  if (typeof reply === "string") return new Error(reply);
  if (reply[0] !== CALL_FAILED) throw new Error(`Expected a failure, got ${JSON.stringify(reply)}`);
  return decodeThrown(read(reply[2]) as Encoded) as Error;
}
