// This is what a process has to say to another one. Records of one turn leave as one entry of its inbox, and while
// an entry is on its way, what comes gathers for the next one: so a slow connection makes longer entries, not more
// of them.
//
// What is said to a process whose inbox has expired lies beside it for a while, where that looks when it is back: it may
// only have been cut off.

import { setTimeout as wait } from "node:timers/promises";
import { monotonicTime } from "../src/core.ts";
import { INLINE, putBlob, seal } from "./payload.ts";
import { bodyOf, type Order, type Reply, sizeOf } from "./protocol.ts";
import type { RedisLink } from "./redislink.ts";

/** An entry that Redis refuses, as it is full, is tried again for so long. */
const TRY_FOR = 10_000;
const TRY_EVERY = 100;
/** Records of so many bytes are an entry: more would be larger, together, than who reads it takes. */
const ENTRY_BYTES = 1024 * 1024;
/** How long lies beside an inbox what nobody read; milliseconds. */
const LATE_TTL = 600_000;

export class Outbox<Sent extends Reply | Order> {
  readonly #connection: RedisLink;
  readonly #to: string;
  readonly #lost: (records: readonly Sent[]) => void;
  #waiting: Sent[] = [];
  #sending: Promise<void> | null = null;
  #count = 0;

  /** `lost` is told what could not be delivered, as nobody reads it. */
  constructor(connection: RedisLink, to: string, lost: (records: readonly Sent[]) => void = () => {}) {
    this.#connection = connection;
    this.#to = to;
    this.#lost = lost;
  }

  add(record: Sent): void {
    this.#waiting.push(record);
    this.#sending ??= this.#send();
  }

  /** Resolves when everything that was added has been delivered, or was lost. */
  async flushed(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
  }

  async #send(): Promise<void> {
    await null; // for the others of this turn
    while (this.#waiting.length > 0) {
      const records = this.#next();
      if (!(await this.#isDelivered(records))) this.#lost(records);
    }
    this.#sending = null;
  }

  /** What waits, as far as it makes up one entry. */
  #next(): readonly Sent[] {
    let size = 0;
    let count = 0;
    while (count < this.#waiting.length && size < ENTRY_BYTES) size += sizeOf(this.#waiting[count++] as Sent);
    const records = this.#waiting;
    this.#waiting = records.splice(count);
    return records;
  }

  async #isDelivered(records: readonly Sent[]): Promise<boolean> {
    const end = monotonicTime() + TRY_FOR;
    const number = ++this.#count;
    for (;;) {
      try {
        return await this.#post(number, bodyOf(records));
      } catch {
        if (monotonicTime() >= end) return false;
        await wait(TRY_EVERY, undefined, { ref: false });
      }
    }
  }

  /** Whether somebody reads it: nobody else than its owner makes an inbox. */
  async #post(number: number, body: Buffer): Promise<boolean> {
    const { redis, keys, id, signer } = this.#connection;
    const bytes = await seal(body);
    const isInline = bytes.length <= INLINE;
    const mac = signer.sign([this.#to, id, String(number), bytes]);
    const content = isInline ? ["m", bytes] : ["b", await putBlob(redis, keys, bytes)];
    const signed = mac === undefined ? [] : ["s", mac];
    const fields = ["f", id, "n", String(number), ...content, ...signed] as (string | Buffer)[];
    if ((await redis.xadd(keys.inbox(this.#to), "NOMKSTREAM", "*", ...fields)) !== null) return true;
    const late = keys.late(this.#to);
    await redis
      .multi()
      .xadd(late, "*", ...fields)
      .pexpire(late, LATE_TTL)
      .exec();
    return false;
  }
}

/** Those of a process, by whom it writes to. */
export class Outboxes<Sent extends Reply | Order> {
  readonly #connection: RedisLink;
  readonly #outboxes = new Map<string, Outbox<Sent>>();

  constructor(connection: RedisLink) {
    this.#connection = connection;
  }

  to(id: string): Outbox<Sent> {
    const known = this.#outboxes.get(id);
    if (known !== undefined) return known;
    const outbox = new Outbox<Sent>(this.#connection, id);
    this.#outboxes.set(id, outbox);
    return outbox;
  }

  /** Resolves when everything that was said has been delivered, or was lost. */
  async flushed(): Promise<void> {
    await Promise.all([...this.#outboxes.values()].map((outbox) => outbox.flushed()));
  }
}
