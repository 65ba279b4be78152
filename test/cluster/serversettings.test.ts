// These tests look at what is said of a Redis that may lose calls. Each has a process of its own: one says it once.
import { describe, expect, it } from "vitest";
import { Program } from "../support/processes.ts";
import { type RedisOptions, startRedis } from "../support/redisserver.ts";

/** The codes of the warnings of a program with two executors, by user `name` where there is one. */
async function warningsOf(options: RedisOptions, user?: string): Promise<string[]> {
  await using redis = await startRedis(options);
  const url = user === undefined ? redis.url : redis.urlOf(user, "pw");
  const program = new Program([
    "--input-type=module",
    "-e",
    `import { ClusterExecutor } from "threadloop/cluster";
     const codes = [];
     process.on("warning", ({ code, message }) => codes.push(code, message));
     for (const name of ["one", "two"]) {
       const cluster = new ClusterExecutor({ url: "${url}", name });
       await cluster.ready;
       await cluster.close();
     }
     await new Promise(setImmediate);
     console.log(JSON.stringify(codes));`,
  ]);
  expect(await program.ended, program.errors).toBe(0);
  const said = JSON.parse(program.output) as string[];
  expect(JSON.stringify(said)).not.toContain("pw");
  return said.filter((text) => text.startsWith("THREADLOOP"));
}

describe("Redis that may lose calls", () => {
  it("is warned of once: it evicts keys, or keeps no append-only file", async () => {
    expect(await warningsOf({ settings: ["--maxmemory-policy", "allkeys-lru"] })).toEqual([
      "THREADLOOP_CLUSTER_EVICTION",
      "THREADLOOP_CLUSTER_PERSISTENCE",
    ]);
  });

  it("is not where it loses none, nor by a user who may not ask", async () => {
    expect(await warningsOf({ persistent: true })).toEqual([]);
    const users = ["user default off", "user render on >pw ~* +@all -info -config"];
    expect(await warningsOf({ users }, "render")).toEqual([]);
  });
});
