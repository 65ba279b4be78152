// This is what a test sees and does in the Redis of a cluster.
import { Redis } from "ioredis";
import type { RedisServer } from "./redisserver.ts";

/** A connection that is closed with its block. */
export function connected(server: Pick<RedisServer, "url">): { readonly redis: Redis } & AsyncDisposable {
  const redis = new Redis(server.url, { maxRetriesPerRequest: 1 });
  redis.on("error", () => {}); // commands reject
  return {
    redis,
    async [Symbol.asyncDispose]() {
      redis.disconnect();
    },
  };
}

/** Cuts every connection to the server. */
export async function cutConnections(server: RedisServer): Promise<void> {
  await using client = connected(server);
  await client.redis.client("KILL", "TYPE", "normal", "SKIPME", "yes");
}

/** BullMQ keeps these for a queue, and the last batches that failed for those who look. */
const KEPT =
  /^\{threadloop:[^}]*\}:[^:]+:(meta|id|events|marker|stalled-check|stalled|failed|completed|metrics:\w+)$/;

/**
 * The keys of calls, processes and values: what should not be there when nothing is under way. Failed batches are left
 * out, and what waits a while for a caller that may come back; where processes were killed, all that expires with them.
 */
export async function leftIn(
  server: RedisServer,
  { isExpiringLeft = true }: { isExpiringLeft?: boolean } = {},
): Promise<string[]> {
  await using client = connected(server);
  const keys = (await client.redis.keys("*")).filter((key) => !KEPT.test(key));
  const left: string[] = [];
  for (const key of keys) {
    const expires = (await client.redis.pttl(key)) > 0;
    if (expires && (!isExpiringLeft || key.includes(":late:"))) continue;
    const isFailed =
      (await client.redis.type(key)) === "hash" && (await client.redis.hexists(key, "failedReason")) === 1;
    if (!isFailed) left.push(key);
  }
  return left.sort();
}
