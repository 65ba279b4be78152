// This tells which machines there are. Each keeps a hash that expires when it is not heard of for a while, so no
// clock of one machine is compared with that of another; a set has their names.

import type { WorkerStats } from "../workers/observe/stats.ts";
import type { RedisLink } from "./redislink.ts";

/** Milliseconds between two signs of life, at most. */
const LONGEST_BEAT = 5000;
/** A machine that has missed so many is not listed any more. */
const MOST_MISSED = 3;
const GONE_AFTER: number = MOST_MISSED * LONGEST_BEAT;

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
  /** Actors that live there. */
  readonly actors: number;
}

/** What a machine says to others of its kind. */
export interface Announced extends MachineInfo {
  /** It takes nothing more, and finishes what it has. */
  readonly isDraining: boolean;
  /** The newest version of the protocol that it understands. */
  readonly protocol: number;
  /** Its threads, in numbers. */
  readonly workers: readonly WorkerStats[];
}

/** Milliseconds between two signs of life of a machine that is lost when it was not heard of for `lock` milliseconds. */
export function beatOf(lock: number): number {
  return Math.min(LONGEST_BEAT, Math.ceil(lock / 2));
}

/** Says that this machine is there; it is heard of every `beat` milliseconds. */
export async function announce({ redis, keys }: RedisLink, info: Announced, beat: number): Promise<void> {
  const key = keys.worker(info.id);
  const { isDraining, workers, ...others } = info;
  const numbers = workers.map(({ thread, running, waiting, eventLoop: { idle, active, utilization } }) => {
    return [thread, running, waiting, idle, active, utilization];
  });
  const fields = { ...others, isDraining: Number(isDraining), workers: JSON.stringify(numbers) };
  await redis
    .multi()
    .hset(key, fields)
    .pexpire(key, MOST_MISSED * beat)
    .sadd(keys.workers, info.id)
    .pexpire(keys.workers, GONE_AFTER)
    .exec();
}

/** Says that it goes. */
export async function withdraw({ redis, keys, id }: RedisLink): Promise<void> {
  await redis.multi().srem(keys.workers, id).del(keys.worker(id)).exec();
}

/** The machines that take calls, by name. */
export async function machinesOf(link: RedisLink): Promise<MachineInfo[]> {
  const all = await announcedIn(link);
  return all
    .filter(({ isDraining }) => !isDraining)
    .map(({ isDraining: _, protocol: __, workers: ___, ...info }) => info);
}

/** All machines there are, by name. */
export async function announcedIn({ redis, keys }: RedisLink): Promise<Announced[]> {
  const ids = await redis.smembers(keys.workers);
  const found = await Promise.all(ids.map((id) => redis.hgetall(keys.worker(id))));
  const gone = ids.filter((_, at) => found[at]?.id === undefined);
  if (gone.length > 0) await redis.srem(keys.workers, ...gone); // it comes back with its next sign of life
  const machines = found.filter((fields) => fields.id !== undefined).map(infoOf);
  return machines.sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
}

function infoOf(fields: Record<string, string>): Announced {
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
    actors: number("actors"),
    isDraining: number("isDraining") === 1,
    protocol: Math.max(1, number("protocol")),
    workers: workersIn(fields.workers ?? "[]", fields.name ?? ""),
  };
}

/** What is not as it should be is left out. */
function workersIn(text: string, machine: string): WorkerStats[] {
  let all: unknown;
  try {
    all = JSON.parse(text);
  } catch {
    return [];
  }
  const isOne = (one: unknown): one is number[] =>
    Array.isArray(one) && one.length === 6 && one.every((number) => typeof number === "number");
  return (Array.isArray(all) ? all : []).filter(isOne).map((numbers) => {
    const [thread, running, waiting, idle, active, utilization] = numbers as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return { thread, machine, name: null, running, waiting, eventLoop: { idle, active, utilization } };
  });
}
