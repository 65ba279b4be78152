import { describe, expect, it } from "vitest";
import { Session } from "../../../dist/workers/core.js";

const code = { number: 1, name: "echo", fn: () => 1, mode: "auto", shipment: { recipe: {}, stable: true } };

describe("a session", () => {
  it("whose thread has died refuses nothing any more: its slots may be other jobs' by then", async () => {
    const told: string[] = [];
    let die = (_error: Error) => {};
    const session = new Session({
      start: () => new Promise((_, reject) => (die = reject)),
      tell: (event: { is: string }) => told.push(event.is),
    } as never);
    die(new Error("died"));
    // One job in each microtask up to the end: what the last one posts leaves after it.
    for (let slot = 4; !told.includes("ended"); slot++) {
      session.post(slot, code as never, null, [() => 1]);
      await null;
    }
    await session.ended;
    await null;
    expect(told.at(-1)).toBe("ended");
    expect(told.length).toBeGreaterThan(1);
  });
});
