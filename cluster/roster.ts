// This tells which machines there are. Each keeps a hash that expires when it is not heard of for a while, so no
// clock of one machine is compared with that of another; a set has their names.

import type { RedisLink } from "./redislink.ts";

/** Milliseconds between two signs of life, and after which a machine without one is not listed any more. */
export const BEAT = 5000;
const GONE_AFTER: number = 3 * BEAT;

/** What a machine says of itself. */
export interface MachineInfo {
  readonly id: string;
  /** As given with `--name`, or the host's. */
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly threads: number;
  readonly node: string;
  /** Jobs that it has begun and not ended. */
  readonly running: number;
  /** Jobs that have ended there, by outcome. */
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
}

/** Says that this machine is there. */
export async function announce({ redis, keys }: RedisLink, info: MachineInfo): Promise<void> {
  const key = keys.worker(info.id);
  const fields = { ...info } as Record<string, string | number>;
  await redis
    .multi()
    .hset(key, fields)
    .pexpire(key, GONE_AFTER)
    .sadd(keys.workers, info.id)
    .pexpire(keys.workers, GONE_AFTER)
    .exec();
}

/** Says that it goes. */
export async function withdraw({ redis, keys, id }: RedisLink): Promise<void> {
  await redis.multi().srem(keys.workers, id).del(keys.worker(id)).exec();
}

/** The machines there are, by name. */
export async function machinesOf({ redis, keys }: RedisLink): Promise<MachineInfo[]> {
  const ids = await redis.smembers(keys.workers);
  const found = await Promise.all(ids.map((id) => redis.hgetall(keys.worker(id))));
  const gone = ids.filter((_, at) => found[at]?.id === undefined);
  if (gone.length > 0) await redis.srem(keys.workers, ...gone); // it comes back with its next sign of life
  const machines = found.filter((fields) => fields.id !== undefined).map(infoOf);
  return machines.sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
}

function infoOf(fields: Record<string, string>): MachineInfo {
  const number = (name: string): number => Number(fields[name] ?? 0) || 0;
  return {
    id: fields.id ?? "",
    name: fields.name ?? "",
    host: fields.host ?? "",
    pid: number("pid"),
    threads: Math.max(1, number("threads")),
    node: fields.node ?? "",
    running: number("running"),
    succeeded: number("succeeded"),
    failed: number("failed"),
    cancelled: number("cancelled"),
  };
}
