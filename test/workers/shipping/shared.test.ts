// Functions that were written in one scope share its variables in a thread, for as long as a map, a stream or an actor is.
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runForJson } from "../../support/programs.ts";

const program = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/shipping/programs/${name}.mjs`, import.meta.url));

async function outcomesOf(name: string): Promise<[string, unknown, unknown][]> {
  const outcomes = (await runForJson(["--no-warnings", program(name)])) as Record<string, [unknown, unknown]>;
  return Object.entries(outcomes).map(([title, [here, there]]) => [title, here, there]);
}

describe.concurrent("what functions share", { timeout: 60_000 }, () => {
  it("they share in a map, a stream and an actor, each with variables of its own", async () => {
    const outcomes = await outcomesOf("shared");
    expect(outcomes.length).toBe(26);
    for (const [title, here, there] of outcomes) expect(there, title).toEqual(here);
  });

  it("they share in packages whose functions go by value", async () => {
    const outcomes = await outcomesOf("packages");
    expect(outcomes.length).toBeGreaterThan(12);
    for (const [title, here, there] of outcomes) expect(there, title).toEqual(here);
  });
});
