import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that take longest begin first: else one of them runs on alone when all others have ended. */
const LONGEST = ["workers/shipping/programs", "docs/examples", "workers/shipping/fuzz", "bin/trace"];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) =>
      LONGEST.some((name) => moduleId.endsWith(`/test/${name}.test.ts`));
    return (await super.sort(files)).sort((a, b) => Number(isLong(b)) - Number(isLong(a)));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Those that start other tools, or need a Redis, have configurations of their own.
    exclude: ["test/matrix/**", "test/site/**", "test/cluster/**", "test/doctor/**", "**/node_modules/**"],
    // The tests run against the built package: Node loads it, vitest must not transform it.
    // So are the modules whose functions it brings to other threads: another loader would make other functions of them.
    server: { deps: { external: [/\/dist\//, /\/fixtures\/(shipping|workers)\//] } },
    testTimeout: 30_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // .ci/run adds up the reports of all Node versions.
    reporters: process.env.VITEST_JSON
      ? ["default", ["json", { outputFile: process.env.VITEST_JSON }]]
      : ["default"],
  },
});
