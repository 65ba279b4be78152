// This starts what most tests of the cluster begin with: a Redis, machines in processes of their own and a client.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ClusterExecutor, type ClusterExecutorOptions } from "threadloop/cluster";
import { type RedisServer, startRedis } from "../../support/redisserver.ts";

export const root: string = fileURLToPath(new URL("../../..", import.meta.url));

/** What a test has of a cluster. */
export interface TestCluster {
  readonly redis: RedisServer;
  readonly cluster: ClusterExecutor;
}

/** Runs a test with a Redis, one machine of two threads and a client. */
export async function withCluster(
  test: (cluster: TestCluster) => Promise<void>,
  options: Partial<ClusterExecutorOptions> = {},
): Promise<void> {
  await using redis = await startRedis();
  const machines = startMachines();
  try {
    machines.send({ queue: "default", options: { url: redis.url, modules: root, threads: 2 } });
    const cluster = new ClusterExecutor({ url: redis.url, modules: root, ...options });
    try {
      await test({ redis, cluster });
    } finally {
      await cluster.close({ deadline: 0 });
    }
  } finally {
    machines.kill("SIGKILL");
  }
}

/** A process that starts machines as it is told. */
export function startMachines(): ChildProcess {
  return fork(fileURLToPath(new URL("../../fixtures/cluster/machines.mjs", import.meta.url)), { cwd: root });
}
