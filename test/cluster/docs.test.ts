import { beforeAll, describe, expect, it } from "vitest";
import { startMachine } from "../../dist/cluster/worker/index.js";
import {
  compile,
  type Example,
  examplesOfMarkdown,
  examplesOfSource,
  filesBelow,
  promisedOutput,
  root,
  runProgram,
} from "../support/examples.ts";
import { startRedis } from "../support/redisserver.ts";

const examples: Example[] = [
  ...filesBelow("docs", ".md").flatMap((page) => examplesOfMarkdown(page, "cluster")),
  ...filesBelow("cluster", ".ts").flatMap(examplesOfSource),
];

describe("The documentation of the cluster", () => {
  let programs: string[] = [];

  beforeAll(async () => {
    programs = await compile(examples);
    const redis = await startRedis();
    process.env.REDIS_URL = redis.url;
    const machine = await startMachine({ url: redis.url, threads: 1, modules: root });
    return async () => {
      await machine.close();
      await redis[Symbol.asyncDispose]();
    };
  }, 120_000);

  it("has examples to run", () => {
    expect(examples.length).toBeGreaterThan(0);
  });

  it.each(examples.map((example, i) => ({ place: example.place, i })))("runs at $place", async ({ i }) => {
    const output = await runProgram(programs[i] as string);
    const printed = output.trimEnd().split("\n").join(", ");
    for (const promised of promisedOutput((examples[i] as Example).code)) expect(printed).toContain(promised);
  });
});
