import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { Comparison } from "../../dist/compare/index.js";
import { command } from "../support/processes.ts";

const folder = mkdtempSync(join(tmpdir(), "threadloop-"));
afterAll(() => rmSync(folder, { recursive: true }));

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/compare/${name}`, import.meta.url));
const functions = fixture("functions.mjs");
const QUICK = ["--threads", "2", "--rounds", "1"];
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe("threadloop compare", () => {
  it("tells as JSON whether threads pay, with the exit code of it, draws, and prints nothing else", async () => {
    const inputs = write("inputs.jsonl", "[1]\n\n[2]\n");
    const picture = join(folder, "picture.svg");
    const { code, output, errors } = await command(
      "compare",
      `${functions}#talkative`,
      ...["--inputs", inputs, "--json", "-o", picture],
      ...QUICK,
    );
    const comparison = JSON.parse(output) as Comparison;
    expect(comparison).toMatchObject({ function: "talkative", file: functions, threads: 2 });
    expect(comparison.inputs).toHaveLength(2);
    expect(code).toBe(new Map([[true, 0], [false, 3], [null, 4]]).get(comparison.pays)); // biome-ignore format: a table
    expect(errors.replaceAll("louder\n", "")).toBe("");
    expect(readFileSync(picture, "utf8")).toMatch(/^<svg .*talkative: /s);
  });

  it("takes the only function of a file, of any kind, and tells in words", async () => {
    const { output, errors } = await command("compare", fixture("single.cjs"), "--args", "[21]", ...QUICK);
    expect(errors).toBe("");
    expect(output).toMatch(/^twice of .*single\.cjs, 2 threads, Node \d+/);
    for (const line of [
      "one call ",
      "loop kept busy ",
      "copied ",
      "calls at once ",
      "in a message ",
      "The loop gains",
    ])
      expect(output).toContain(line);
  });

  it("ends with 1 and a clear line when there is nothing to compare", async () => {
    const broken = write("broken.mjs", "syntax error");
    const empty = write("empty.mjs", "export const n = 1;");
    const expected: [string[], string][] = [
      [[], "Expected FILE[#EXPORT], got nothing"],
      [["nowhere.mjs"], "There is no file nowhere.mjs"],
      [[broken], `${broken} cannot be imported: `],
      [[empty], `${empty} exports no function by default. It exports no function`],
      [[`${functions}#fob`], "exports no function `fob`. It exports #default, #endless, #pending"],
      [[functions, "--args", "30"], "Expected --args to be a list of arguments, such as [30], got 30"],
      [[functions, "--args", "[30"], "Expected --args to be JSON: "],
      [[functions, "--args", "[]", "--inputs", "x"], "Expected --inputs or --args, got both"],
      [[functions, "--inputs", "nowhere.json"], "There is no file nowhere.json"],
      [[functions, "--inputs", write("one.json", "[1]")], "Expected input 1 of"],
      [[functions, "--inputs", empty], "to hold a list of inputs, each a list of arguments"],
      [[functions, "--threads", "none"], "Expected --threads to be a positive integer"],
      [[functions, "-o", folder], "it is a folder"],
    ];
    await Promise.all(
      expected.map(async ([args, message]) => {
        const { code, output, errors } = await command("compare", ...args);
        expect({ code, output, errors }).toEqual({
          code: 1,
          output: "",
          errors: expect.stringContaining(message),
        });
      }),
    );
  });

  it("ends with 1 when the function throws, cannot be sent, does not end or is another one in a thread", async () => {
    const expected: [string, string][] = [
      ["throwing", "threadloop: throwing threw in a thread: RangeError: no\\x1b[2J\n"],
      ["throwingAnything", "threadloop: throwingAnything threw in a thread: "],
      ["uncloneable", "threadloop: uncloneable cannot run in a thread: "],
      ["endless", "threadloop: endless did not return within 300 ms"],
      ["pending", "threadloop: pending did not return within 300 ms"],
      ["unshareable", "threadloop: unshareable gave another result in a thread"],
    ];
    for (const [name, message] of expected) {
      const { code, output, errors } = await command("compare", `${functions}#${name}`, "--timeout", "300");
      expect({ code, output, errors }).toEqual({
        code: 1,
        output: "",
        errors: expect.stringContaining(message),
      });
    }
  });

  it("compares TypeScript where Node runs it, and says so where it does not", async () => {
    const file = write("typed.ts", "export const half = (n: number): number => n / 2;\n");
    const { code, output, errors } = await command("compare", file, "--args", "[3]", ...QUICK);
    if ((process.features as { typescript?: unknown }).typescript) expect(output).toContain("half of ");
    else
      expect({ code, errors }).toEqual({
        code: 1,
        errors: expect.stringContaining("TypeScript runs on Node 22.18"),
      });
  });
});
