// This is what others say to this process: a Redis stream that it alone reads, in order, over a connection of its
// own.
//
// The inbox is the lease of the process: it makes the stream and renews its expiry, and nobody else makes it. So who
// writes to a process that is gone learns that, and nothing of it stays. When the connection comes back, reading goes
// on behind the last entry that was read, and the lease is renewed first.
//
// Invariant: an entry is looked into only when it is signed as it has to be. One that says nothing but that it is worth
// to look for a batch needs no signature.

import { clearInterval, setInterval } from "node:timers";
import { setTimeout as wait } from "node:timers/promises";
import type { Redis } from "ioredis";
import { emitWarning } from "../src/core.ts";
import { reasonOf } from "../workers/shipping/reason.ts";
import { dropBlob, readBlob, unseal } from "./payload.ts";
import { contentOf } from "./protocol.ts";
import type { RedisLink } from "./redislink.ts";

/** Milliseconds that one XREAD waits. */
const LONGEST_READ = 15_000;
const MOST_ENTRIES = 256;
/** What was read is trimmed after so many entries. */
const TRIM_AFTER = 500;
/** After a read has failed, so many milliseconds until the next one. */
const PAUSE = 100;
/** So many senders are remembered, with the number of their last entry. */
const MOST_SENDERS = 10_000;

/** Deletes entries that were read, and the stream when there are no others: it would be there for nothing. */
const FORGET = `redis.call("xdel", KEYS[1], unpack(ARGV)) if redis.call("xlen", KEYS[1]) == 0 then redis.call("del", KEYS[1]) end`;

/** The field of an entry that says for which batch it is worth to look. */
export const LOOK_FOR = "look";

/** What is told of an entry: who sent it, and its records. */
export type Receive = (from: string, records: readonly unknown[]) => void;

export class ProcessInbox {
  readonly #connection: RedisLink;
  readonly #reader: Redis;
  readonly #key: string;
  readonly #lease: number;
  readonly #receive: Receive;
  readonly #lookFor: (batch: string) => void;
  readonly #most: number;
  /** The id of the last entry that was read. */
  #last = "0-0";
  #isOpen = true;
  #renewing: NodeJS.Timeout | undefined;
  #untrimmed = 0;
  readonly #numbers = new Map<string, number>();
  /** The same of what was said while the inbox was not there. */
  readonly #lateNumbers = new Map<string, number>();
  /** Those who wait until an entry has been read. */
  readonly #catchingUp = new Set<{ readonly to: string; readonly resolve: () => void }>();

  /** `most`: bytes of an entry, unpacked. `lookFor`: something has become of a batch, whoever says so. */
  constructor(
    connection: RedisLink,
    { lease, most }: { lease: number; most: number },
    receive: Receive,
    lookFor: (batch: string) => void = () => {},
  ) {
    this.#connection = connection;
    this.#reader = connection.another();
    this.#key = connection.keys.inbox(connection.id);
    this.#lease = lease;
    this.#most = most;
    this.#receive = receive;
    this.#lookFor = lookFor;
  }

  /** Makes the stream, and reads it from now on. */
  async open(): Promise<void> {
    await this.#renew();
    if (!this.#isOpen) return;
    this.#renewing = setInterval(() => this.#renewSoon(), this.#lease / 3).unref();
    this.#reader.on("ready", () => this.#renewSoon()); // Redis may have come back without its data
    void this.#readAll();
  }

  /** Everything that is in the inbox now has been received when this resolves. */
  async caughtUp(): Promise<void> {
    const { redis } = this.#connection;
    const [newest] = await redis.xrevrange(this.#key, "+", "-", "COUNT", 1);
    const to = newest?.[0];
    if (to !== undefined && this.#isOpen && isBefore(this.#last, to))
      await new Promise<void>((resolve) => this.#catchingUp.add({ to, resolve }));
    await this.#readLate();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    clearInterval(this.#renewing);
    this.#reader.disconnect();
    this.#settleCaughtUp();
    await this.#connection.redis.del(this.#key);
  }

  #renewSoon(): void {
    if (this.#isOpen) this.#renew().catch(() => {}); // again at the next turn
  }

  async #renew(): Promise<void> {
    const { redis, id } = this.#connection;
    if ((await redis.pexpire(this.#key, this.#lease)) === 1) return;
    // An inbox cannot be empty and exist: its first entry is its owner's own.
    await redis.multi().xadd(this.#key, "*", "f", id).pexpire(this.#key, this.#lease).exec();
    await this.#readLate();
  }

  /** What was said while the inbox was not there, as its lease had run out. */
  async #readLate(): Promise<void> {
    const { redis, keys, id } = this.#connection;
    const key = keys.late(id);
    for (let isMore = true; isMore && this.#isOpen; ) {
      const entries = await redis.xrangeBuffer(key, "-", "+", "COUNT", MOST_ENTRIES);
      for (const [, fields] of entries) await this.#take(fieldsOf(fields), this.#lateNumbers);
      if (entries.length > 0) await redis.eval(FORGET, 1, key, ...entries.map(([id]) => id.toString()));
      isMore = entries.length === MOST_ENTRIES;
    }
  }

  async #readAll(): Promise<void> {
    while (this.#isOpen) {
      try {
        await this.#readMore();
      } catch {
        if (this.#isOpen) await wait(PAUSE, undefined, { ref: false });
      }
    }
  }

  async #readMore(): Promise<void> {
    const found = (await this.#reader.xreadBuffer(
      "COUNT",
      MOST_ENTRIES,
      "BLOCK",
      LONGEST_READ,
      "STREAMS",
      this.#key,
      this.#last,
    )) as [key: Buffer, entries: [id: Buffer, fields: Buffer[]][]][] | null;
    const entries = found?.[0]?.[1] ?? [];
    for (const [id, fields] of entries) {
      if (!this.#isOpen) return;
      await this.#take(fieldsOf(fields), this.#numbers);
      this.#last = id.toString();
    }
    this.#settleCaughtUp();
    this.#untrimmed += entries.length;
    if (this.#untrimmed < TRIM_AFTER) return;
    this.#untrimmed = 0;
    await this.#connection.redis.xtrim(this.#key, "MINID", this.#last);
  }

  async #take(fields: ReadonlyMap<string, Buffer>, numbers: Map<string, number>): Promise<void> {
    const { redis, keys, id, signer } = this.#connection;
    const batch = fields.get(LOOK_FOR);
    if (batch !== undefined) this.#lookFor(batch.toString());
    const from = fields.get("f")?.toString();
    const number = Number(fields.get("n")?.toString());
    if (from === undefined || from === id || !(number > (numbers.get(from) ?? 0))) return;
    const blob = fields.get("b")?.toString();
    let records: unknown;
    try {
      const bytes = blob === undefined ? fields.get("m") : await readBlob(redis, keys, blob, this.#most);
      if (bytes === undefined || bytes === null) return;
      if (!signer.isSigned([id, from, String(number), bytes], fields.get("s")?.toString())) return;
      note(numbers, from, number);
      if (blob !== undefined) void dropBlob(redis, blob);
      records = contentOf(await unseal(bytes, this.#most));
    } catch (error) {
      emitWarning("THREADLOOP_CLUSTER_ENTRY", `An entry of ${from} cannot be read: ${reasonOf(error)}`);
    }
    if (Array.isArray(records)) this.#receive(from, records);
  }

  #settleCaughtUp(): void {
    for (const waiting of this.#catchingUp) {
      if (this.#isOpen && isBefore(this.#last, waiting.to)) continue;
      this.#catchingUp.delete(waiting);
      waiting.resolve();
    }
  }
}

function note(numbers: Map<string, number>, from: string, number: number): void {
  numbers.delete(from);
  numbers.set(from, number);
  if (numbers.size <= MOST_SENDERS) return;
  for (const oldest of numbers.keys()) {
    numbers.delete(oldest);
    return;
  }
}

function fieldsOf(list: readonly Buffer[]): Map<string, Buffer> {
  const fields = new Map<string, Buffer>();
  for (let at = 0; at + 1 < list.length; at += 2) fields.set(String(list[at]), list[at + 1] as Buffer);
  return fields;
}

/** Whether the entry of one id comes before that of another. */
function isBefore(one: string, other: string): boolean {
  const [time, count] = one.split("-").map(Number) as [number, number];
  const [otherTime, otherCount] = other.split("-").map(Number) as [number, number];
  return time < otherTime || (time === otherTime && count < otherCount);
}
