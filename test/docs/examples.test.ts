import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
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

const guides = readdirSync(join(root, "docs")).filter((file) => file.endsWith(".md"));
const pages = ["README.md", ...guides.map((file) => join("docs", file))];
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

  it("shows the servers of examples/ as they are", () => {
    const read = (file: string): string => readFileSync(join(root, file), "utf8");
    const own = filesBelow("examples", "js").filter((file) => !/node_modules|\.next/.test(file));
    const files = new Map(own.map((file) => [read(file), file]));
    const blocks = read("docs/servers.md").matchAll(/^```js\n([\s\S]*?)^```$/gm);
    const shown = [...blocks].map(([, code]) => files.get(code!) ?? code);
    expect(shown.filter((each) => !/^examples[\\/]/.test(each!))).toEqual([]);
    for (const server of ["express", "fastify", "hono"]) {
      expect(shown).toContain(join("examples", server, "server.js"));
    }
    expect(shown).toContain(join("examples/next/app/primes/[limit]/route.js"));
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
