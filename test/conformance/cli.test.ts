import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { readCases } from "./cases.ts";
import type { Case } from "./scenario.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const example = (name: string) => fileURLToPath(new URL(`examples/${name}.json`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "threadloop-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs what `npm run conformance -- FILE...` runs. */
function conformance(...files: string[]): Promise<{ code: number; lines: string[] }> {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const [node, ...script] = scripts.conformance.split(" ");
  expect(node).toBe("node");
  return new Promise((resolve) => {
    execFile(process.execPath, [...script, ...files], { cwd: root }, (error, stdout) => {
      resolve({ code: Number(error?.code ?? 0), lines: stdout.trimEnd().split("\n") });
    });
  });
}

async function fileOf(name: string, change: (given: Case) => Case): Promise<string> {
  const [given] = await readCases(example("deadlock"));
  const path = join(folder, name);
  const line = Buffer.from(`${JSON.stringify(change(given!))}\n`);
  writeFileSync(path, name.endsWith(".gz") ? gzipSync(line) : line);
  return path;
}

describe("npm run conformance", () => {
  it("adds up the scenarios of all files, whatever their form", async () => {
    const packed = await fileOf("equal.jsonl.gz", (given) => given);
    const plain = await fileOf("equal.jsonl", (given) => given);
    expect(await conformance(packed, plain, example("deadlock"))).toEqual({
      code: 0,
      lines: ["3 equal, 0 different, 0 unsupported"],
    });
  });

  it("shows the first event that differs, by the scenario's name, and fails", async () => {
    const changed = await fileOf("changed.jsonl", ({ scenario, trace }) => ({
      scenario,
      trace: trace.with(2, [9, "a", "start", null, null]),
    }));
    const longer = await fileOf("longer.jsonl", ({ scenario, trace }) => ({
      scenario,
      trace: [...trace, trace[0]!],
    }));
    expect(await conformance(changed, longer)).toEqual({
      code: 1,
      lines: [
        'deadlock: event 2: want [9,"a","start",null,null], got [0,"a","start",null,null]',
        'deadlock: event 14: want [0,"main","start",null,null], got the end of the trace',
        "0 equal, 2 different, 0 unsupported",
      ],
    });
  });

  it("names the features that a scenario needs and we lack", async () => {
    const newer = await fileOf("newer.jsonl", ({ scenario, trace }) => ({
      scenario: { ...scenario, features: ["telepathy", "eager"] },
      trace,
    }));
    expect(await conformance(newer)).toEqual({
      code: 0,
      lines: ["deadlock: unsupported: telepathy", "0 equal, 0 different, 1 unsupported"],
    });
  });
});
