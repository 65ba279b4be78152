import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
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
const sources = ["src", "workers", "compare"].flatMap((folder) => filesBelow(folder, ".ts"));
/** What docs/servers.md shows of examples/ is tried with real requests by test/matrix/frameworks. */
const shown = filesBelow("examples", "js")
  .filter((file) => /\.m?js$/.test(file) && !/node_modules|\.next/.test(file))
  .map((file) => ({ file: relative("examples", file), text: readFileSync(join(root, file), "utf8") }));
const isShown = ({ code }: Example): boolean => shown.some(({ text }) => text === code);
const examples: Example[] = [
  ...pages.flatMap((page) => examplesOfMarkdown(page)).filter((example) => !isShown(example)),
  ...sources.flatMap(examplesOfSource),
];
let programs: string[] = [];

beforeAll(async () => {
  programs = await compile(examples);
}, 120_000);

describe("The documentation", () => {
  it("has examples to run", () => {
    expect(examples.length).toBeGreaterThan(20);
  });

  it("shows the servers of examples/ as they are", () => {
    const blocks = examplesOfMarkdown("docs/servers.md").filter(({ language }) => language === "js");
    expect(blocks.filter((block) => !isShown(block))).toEqual([]);
    const files = blocks.map(({ code }) => shown.find(({ text }) => text === code)?.file);
    for (const server of ["express", "fastify", "hono"]) expect(files).toContain(join(server, "server.js"));
    expect(files).toContain(join("next/app/primes/[limit]/route.js"));
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
