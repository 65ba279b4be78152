import { defineConfig } from "vitest/config";

// Tests that start other tools: test runners, bundlers, compilers, frameworks. They run once, on the machine's Node.
export default defineConfig({
  test: {
    include: ["test/matrix/**/*.test.ts"],
    server: { deps: { external: [/\/dist\//] } },
    testTimeout: 240_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // Of a file whose tests are independent, two run at the same time.
    maxConcurrency: 2,
    // .ci/run adds up the reports of all runs.
    reporters: process.env.VITEST_MATRIX_JSON
      ? ["default", ["json", { outputFile: process.env.VITEST_MATRIX_JSON }]]
      : ["default"],
  },
});
