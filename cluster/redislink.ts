// These are the connections of one process to Redis. Those of a client keep its process only while it has something
// open.

import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { hostname } from "node:os";
import { Redis, type RedisOptions } from "ioredis";
import { inRootContext } from "../src/core.ts";
import { realTime } from "../workers/executor/time.ts";
import { reasonOf } from "../workers/shipping/reason.ts";
import { ConnectionError } from "./errors.ts";
import { type Keys, keysOf } from "./keys.ts";
import { Signer } from "./signature.ts";

/** What a process says of where its Redis is. */
export interface Whereabouts {
  readonly url: string;
  readonly redis: RedisOptions;
  readonly queue: string;
  readonly secrets: readonly string[];
}

/** Milliseconds between two attempts to connect, at most. */
const LONGEST_PAUSE = 1000;

export class RedisLink {
  /** What others call this process. */
  readonly id = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  readonly keys: Keys;
  readonly signer: Signer;
  /** Where its Redis is; it may hold a password. */
  readonly url: string;
  /** For commands; nothing that blocks. */
  readonly redis: Redis;
  readonly #where: Whereabouts;
  readonly #all: Redis[] = [];
  #isHeld = true;
  /** Why commands have been waiting for too long, or null. */
  outage: ConnectionError | null = null;

  constructor(where: Whereabouts) {
    this.#where = where;
    this.url = where.url;
    this.keys = keysOf(where.queue);
    this.signer = new Signer(where.secrets);
    this.redis = this.another();
  }

  /** Tells when there was no connection for so many milliseconds, from now on; `outage` is that error until there is one. */
  watch(timeout: number, tell: (error: ConnectionError) => void): void {
    let callOff: (() => void) | null = null;
    let cause: unknown;
    const wait = (): void => {
      callOff ??= inRootContext(() =>
        realTime.inBackground(timeout, () => {
          const why = cause === undefined ? "" : `: ${reasonOf(cause)}`;
          const message = `Redis could not be reached for ${timeout} ms, the connectTimeout${why}`;
          this.outage = new ConnectionError(message, { cause });
          tell(this.outage);
        }),
      );
    };
    this.redis.on("error", (error) => {
      cause = error;
    });
    this.redis.on("close", wait);
    this.redis.on("ready", () => {
      callOff?.();
      callOff = null;
      this.outage = null;
    });
    wait();
  }

  /** One more connection to the same Redis. */
  another(): Redis {
    const redis = inRootContext(
      () =>
        new Redis(this.#where.url, {
          ...this.#where.redis,
          maxRetriesPerRequest: null, // commands wait for the connection
          retryStrategy: (times) => Math.min(times * 50, LONGEST_PAUSE),
        }),
    );
    redis.on("error", () => {}); // it connects again by itself; who waits too long is told by `whenLost`
    for (const event of ["connecting", "connect", "reconnecting"])
      redis.on(event, () => setImmediate(() => this.#apply(redis)));
    this.#all.push(redis);
    return redis;
  }

  /** Whether the process is kept for what comes over these connections. */
  hold(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return;
    this.#isHeld = isHeld;
    for (const redis of this.#all) this.#apply(redis);
  }

  close(): void {
    for (const redis of this.#all) redis.disconnect();
  }

  #apply(redis: Redis): void {
    // The pause before the next attempt is nobody's but the client's of Redis.
    const { stream, reconnectTimeout } = redis as unknown as {
      readonly stream?: Socket;
      readonly reconnectTimeout?: NodeJS.Timeout | null;
    };
    for (const each of [stream, reconnectTimeout]) {
      if (this.#isHeld) each?.ref?.();
      else each?.unref?.();
    }
  }
}
