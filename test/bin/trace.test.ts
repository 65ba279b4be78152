import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { command, startFixture } from "../support/processes.ts";
import { checkTrace } from "../support/traces.ts";

const folder = mkdtempSync(join(tmpdir(), "threadloop-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("threadloop trace", () => {
  it("records the threads and tasks of a running process, and leaves it as it was", async () => {
    const file = join(folder, "trace.json");
    const app = startFixture("observe/busy.mjs");
    await app.said("ready");
    const { code, output, errors } = await command("trace", String(app.pid), "--seconds", "2", "-o", file);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toMatch(/^\d+ events of 2 s in .*trace\.json: open it at https:\/\/ui\.perfetto\.dev\n$/);
    app.say("stop\n");
    expect(await app.ended).toBe(0);

    const events = checkTrace(readFileSync(file, "utf8"));
    const names = new Set(events.map((event) => event.name));
    expect(names.has("first") || names.has("second")).toBe(true);
    expect(names.has("submit spin") || names.has("submit nap")).toBe(true);
    const lanes = events.filter((event) => event.name === "thread_name").map((event) => event.args?.name);
    expect(lanes).toContainEqual("thread 0: loop");
    expect(lanes).toContainEqual(expect.stringMatching(/^thread \d+: pool busy$/));
    const arrows = events.filter((event) => event.ph === "f");
    expect(arrows.length).toBeGreaterThan(0);
  });

  it("says so when the process does not use threadloop", async () => {
    const app = startFixture("observe/stranger.mjs");
    await app.said("ready");
    const { code, errors } = await command("trace", String(app.pid));
    expect(code).toBe(1);
    expect(errors).toContain("does not use threadloop");
    app.say("go\n");
    await app.ended;
  });
});
