import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readCases } from "./cases.ts";
import { compare } from "./compare.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

describe("asyncio's scenarios", async () => {
  const examples = readdirSync(here("examples")).filter((name) => name.endsWith(".json"));

  it.each(examples)("gives CPython's trace of %s", async (name) => {
    const [example] = await readCases(here(`examples/${name}`));
    expect(await compare(example!)).toEqual({ kind: "equal" });
  });

  it("gives CPython's trace, event by event, of all 2,000 generated scenarios", async () => {
    const cases = await readCases(here("corpus-2000.jsonl.gz"));
    const unequal: unknown[] = [];
    for (const example of cases) {
      const verdict = await compare(example);
      if (verdict.kind !== "equal") unequal.push([example.scenario.name, verdict]);
    }
    expect(unequal.slice(0, 5)).toEqual([]);
    expect(cases).toHaveLength(2000);
  });
});
