import { defineConfig } from "vitest/config";
import { hasRedis } from "./test/support/redisserver.ts";

// Tests that need a Redis, and processes beside this one: those of the cluster, and the suite of executors with the
// cluster's. They run once, on the machine's Node.
export default defineConfig({
  test: {
    include: hasRedis ? ["test/cluster/**/*.test.ts", "test/executor/*.test.ts"] : [],
    passWithNoTests: !hasRedis,
    env: { EXECUTOR: "cluster" },
    server: { deps: { external: [/\/dist\//, /\/fixtures\/(shipping|workers|cluster)\//] } },
    // The servers of tests keep their data where a test asks for that only.
    execArgv: ["--disable-warning=THREADLOOP_CLUSTER_PERSISTENCE"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // .ci/run adds up the reports of all runs.
    reporters: process.env.VITEST_CLUSTER_JSON
      ? ["default", ["json", { outputFile: process.env.VITEST_CLUSTER_JSON }]]
      : ["default"],
  },
});
