// These tests compare several flows in one task with the same flows in a task each: `npm run flows` compares 5,000
// programs.
import { describe, expect, it } from "vitest";
import { eventsOf, program } from "../../support/flows.ts";

const count = Number(process.env.FLOWS ?? 200);
const seed = Number(process.env.FLOWS_SEED ?? 1);

describe("Flows of one task", () => {
  it(`are cancelled, time out and fail as they do in a task each, in ${count} programs from ${seed} on`, async () => {
    const different: string[] = [];
    let open = 0;
    for (let each = seed; each < seed + count; each++) {
      const flows = await eventsOf(program(each), "one task");
      const tasks = await eventsOf(program(each), "a task each");
      if (flows.isOpen || tasks.isOpen) open++;
      else different.push(...differences(flows.flows, tasks.flows).map((line) => `${each}: ${line}`));
    }
    expect(different).toEqual([]);
    expect(open).toBeLessThan(2 + count / 33);
  }, 600_000);
});

function differences(got: Record<string, unknown>, wanted: Record<string, unknown>): string[] {
  const names = new Set([...Object.keys(got), ...Object.keys(wanted)]);
  const lines = [...names].map(
    (name) => [name, JSON.stringify(got[name]), JSON.stringify(wanted[name])] as const,
  );
  return lines.filter(([, one, other]) => one !== other).map((line) => line.join("\n  "));
}
