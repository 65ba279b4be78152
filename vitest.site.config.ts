import { defineConfig } from "vitest/config";

// The tests of the site, which build it and open it in Chromium. They run once, on the machine's Node.
export default defineConfig({
  test: {
    include: ["test/site/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // .ci/run adds up the reports of all runs.
    reporters: process.env.VITEST_SITE_JSON
      ? ["default", ["json", { outputFile: process.env.VITEST_SITE_JSON }]]
      : ["default"],
  },
});
