// This looks at how a Redis is set up, once for each, and warns where it may lose what is posted. It asks by INFO, as that
// is what users with few rights may do; who may not is not warned.

import { emitWarning } from "../src/core.ts";
import type { RedisLink } from "./redislink.ts";

/** The servers that were looked at by this process, by their addresses. */
const known = new Set<string>();

/** Warns of settings with which calls may be lost; `title` names the cluster. */
export async function warnOfSettings({ redis, url }: RedisLink, title: string): Promise<void> {
  if (known.has(url)) return;
  known.add(url);
  const policy = await fieldOf(redis, "memory", "maxmemory_policy");
  if (policy !== null && policy !== "noeviction")
    emitWarning(
      "THREADLOOP_CLUSTER_EVICTION",
      `The Redis of ${title} deletes keys when it is full (maxmemory-policy ${policy}): calls and results may vanish. ` +
        "Set maxmemory-policy to noeviction there, so that it says that it is full",
    );
  if ((await fieldOf(redis, "persistence", "aof_enabled")) === "0")
    emitWarning(
      "THREADLOOP_CLUSTER_PERSISTENCE",
      `The Redis of ${title} does not write down each change (appendonly no): a restart loses the calls that were posted. ` +
        "Set appendonly to yes there where that matters",
    );
}

/** A field of what a server tells of itself; null where it does not tell it, or not to us. */
async function fieldOf(redis: RedisLink["redis"], section: string, field: string): Promise<string | null> {
  const text = await redis.info(section).catch(() => "");
  return new RegExp(`^${field}:([\\w-]+)\\r?$`, "m").exec(text)?.[1] ?? null;
}
