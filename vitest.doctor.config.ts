import { defineConfig } from "vitest/config";

// The tests of `threadloop doctor`, which measures processes under load: one after the other, and beside no other test.
// They run once, on the machine's Node.
export default defineConfig({
  test: {
    include: ["test/doctor/**/*.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
    // .ci/run adds up the reports of all runs.
    reporters: process.env.VITEST_DOCTOR_JSON
      ? ["default", ["json", { outputFile: process.env.VITEST_DOCTOR_JSON }]]
      : ["default"],
  },
});
