import { beforeAll, describe, expect, it } from "vitest";
import {
  compile,
  type Example,
  examplesOfMarkdown,
  examplesOfSource,
  filesBelow,
  promisedOutput,
  runProgram,
} from "../support/examples.ts";

const pages = ["README.md", ...filesBelow("docs", ".md")];
const sources = [...filesBelow("src", ".ts"), ...filesBelow("workers", ".ts")];
const examples: Example[] = [...pages.flatMap(examplesOfMarkdown), ...sources.flatMap(examplesOfSource)];
let programs: string[] = [];

beforeAll(async () => {
  programs = await compile(examples);
}, 120_000);

describe("The documentation", () => {
  it("has examples to run", () => {
    expect(examples.length).toBeGreaterThan(20);
  });

  it.concurrent.each(examples.map((example, i) => ({ place: example.place, i })))(
    "runs at $place",
    async ({ i }) => {
      const example = examples[i] as Example;
      const output = await runProgram(programs[i] as string);
      if (example.output !== null) expect(output).toBe(example.output);
      const printed = output.trimEnd().split("\n").join(", ");
      for (const promised of promisedOutput(example.code)) expect(printed).toContain(promised);
    },
  );
});
