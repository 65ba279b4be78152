// These are machines of a cluster: processes that a test starts by `threadloop worker`, and ends. Those of one test
// that are still there after it are killed.
import { fileURLToPath } from "node:url";
import { Program } from "./processes.ts";
import type { RedisServer } from "./redisserver.ts";

/** The folder whose modules the machines of tests serve. */
export const MODULES: string = fileURLToPath(new URL("../fixtures/cluster", import.meta.url));

/** Starts a machine of one thread, unless the flags say otherwise; resolves when it takes calls. */
export async function startMachine(
  redis: Pick<RedisServer, "url">,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const machine = startingMachine(redis, flags, env);
  await machine.said("ready:");
  return machine;
}

/** The same without waiting. */
export function startingMachine(
  { url }: Pick<RedisServer, "url">,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Program {
  const command = fileURLToPath(new URL("../../dist/bin/threadloop.js", import.meta.url));
  const defaults = ["--threads", "1", "--lock", "2000", "--modules", MODULES];
  return new Program([command, "worker", "--url", url, ...defaults, ...flags], undefined, env);
}
