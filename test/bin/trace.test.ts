import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { command, startCommand, startCommandIn, startFixture } from "../support/processes.ts";
import { checkTrace } from "../support/traces.ts";

const folder = mkdtempSync(join(tmpdir(), "threadloop-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("threadloop trace", () => {
  it("records the threads and tasks of a running process, and leaves it as it was", async () => {
    const file = join(folder, "trace.json");
    const app = startFixture("observe/busy.mjs");
    await app.said("ready");
    const { code, output, errors } = await command("trace", String(app.pid), "--seconds", "1", "-o", file);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toMatch(
      /^Recording process \d+ .*\n\d+ events of 1 s in .*trace\.json: open it at https:\/\/ui\.perfetto\.dev\n$/,
    );
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

  it("records every thread that has a loop, and arrows between workers", async () => {
    const file = join(folder, "threads.json");
    const app = startFixture("observe/threads.mjs");
    await app.said("ready");
    const { code, errors } = await command("trace", String(app.pid), "--seconds", "1", "-o", file);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    app.say("stop\n");
    await app.ended;

    const events = checkTrace(readFileSync(file, "utf8"));
    const lanes = new Map(
      events.filter(({ name }) => name === "thread_name").map(({ tid, args }) => [tid, args?.name]),
    );
    const laneOf = (name: string) =>
      new Set(events.filter((event) => event.ph === "X" && event.name === name).map(({ tid }) => tid));
    const [ticking] = laneOf("ticking");
    expect(lanes.get(ticking!)).toMatch(/^thread \d+: loop$/);
    const [hop] = laneOf("hop");
    expect(lanes.get(hop!)).toMatch(/^thread \d+: pool outer$/);
    expect(laneOf("submit hop")).toEqual(new Set([1]));
    // The worker of the first pool hands spin on to a worker of its own.
    expect(laneOf("submit spin")).toEqual(new Set([hop]));
    const [spin] = laneOf("spin");
    expect(lanes.get(spin!)).toMatch(/^thread \d+: pool /);
    const ends = events.filter((event) => event.ph === "f" && event.tid === spin);
    expect(ends.length).toBeGreaterThan(0);
    for (const end of ends) {
      const begins = events.filter((event) => event.ph === "s" && event.id === end.id);
      expect(begins.map(({ tid }) => tid)).toEqual([hop]);
    }
  });
});

// These wait more than they work: for an inspector to close itself, for a command that was stopped.
describe.concurrent("threadloop trace, from begin to end", () => {
  it("leaves a process alone that is being traced", async () => {
    const file = join(folder, "first.json");
    const app = startFixture("observe/busy.mjs", "calm");
    await app.said("ready");
    const first = startCommand("trace", String(app.pid), "--seconds", "600", "-o", file);
    await first.said("Recording");
    const second = await command("trace", String(app.pid), "-o", join(folder, "second.json"));
    expect(second.code).toBe(1);
    expect(second.errors).toBe(
      `threadloop: Cannot trace process ${app.pid}: RuntimeError: This thread is being traced already: stop that trace first\n`,
    );
    first.child.kill("SIGINT");
    expect(await first.ended).toBe(0);
    expect(checkTrace(readFileSync(file, "utf8")).length).toBeGreaterThan(0);
    app.say("stop\n");
    expect(await app.ended).toBe(0);
  });

  it.each(["SIGKILL", "SIGTERM", "SIGHUP"] as const)(
    "leaves no inspector open when it is ended by %s, and no recording that keeps others from tracing",
    async (signal) => {
      const app = startFixture("observe/busy.mjs", "calm");
      await app.said("ready");
      const killed = startCommand(
        "trace",
        String(app.pid),
        "--seconds",
        "60",
        "-o",
        join(folder, "never.json"),
      );
      await killed.said("Recording");
      const url = /ws:\/\/(\S+?)\//.exec(app.errors)![1];
      killed.child.kill(signal);
      await killed.ended;
      const file = join(folder, `${signal}.json`);
      const { code, errors } = await command("trace", String(app.pid), "--seconds", "1", "-o", file);
      expect({ code, errors }).toEqual({ code: 0, errors: "" });
      checkTrace(readFileSync(file, "utf8"));
      // The process closes it by itself, soon after the last client is gone.
      await closing(url!);
      app.say("stop\n");
      expect(await app.ended).toBe(0);
    },
  );

  it("has the process itself close its inspector when nobody comes after a command that was killed", async () => {
    const app = startFixture("observe/busy.mjs", "calm");
    await app.said("ready");
    const killed = startCommand(
      "trace",
      String(app.pid),
      "--seconds",
      "60",
      "-o",
      join(folder, "never.json"),
    );
    await killed.said("Recording");
    const url = /ws:\/\/(\S+?)\//.exec(app.errors)![1];
    expect(await isOpen(url!)).toBe(true);
    killed.child.kill("SIGKILL");
    await closing(url!);
    app.say("stop\n");
    expect(await app.ended).toBe(0);
  });

  it.runIf(process.platform === "linux")(
    "never keeps the process waiting, not even when it is stopped",
    async () => {
      const app = startFixture("observe/busy.mjs", "calm");
      await app.said("ready");
      const stopped = startCommand(
        "trace",
        String(app.pid),
        "--seconds",
        "60",
        "-o",
        join(folder, "never.json"),
      );
      await stopped.said("Recording");
      stopped.child.kill("SIGSTOP");
      // The first one's lease ends when it goes, and the stopped one's is over by then or soon.
      for (let times = 0; times < 2; times++) {
        const { code, errors } = await command("ps", String(app.pid));
        expect({ code, errors }).toEqual({ code: 0, errors: "" });
      }
      stopped.child.kill("SIGKILL"); // Node waits at its end for who is connected
      app.say("stop\n");
      expect(await app.ended).toBe(0);
    },
  );

  it("writes to a new file only, where none was named", async () => {
    const app = startFixture("observe/busy.mjs", "calm");
    await app.said("ready");
    const target = join(folder, "precious");
    writeFileSync(target, "precious");
    symlinkSync(target, join(folder, `threadloop-${app.pid}.json`));
    const tracing = startCommandIn(folder, "trace", String(app.pid), "--seconds", "1");
    expect(await tracing.ended).toBe(0);
    expect(readFileSync(target, "utf8")).toBe("precious");
    const written = join(folder, `threadloop-${app.pid}-2.json`);
    expect(tracing.output).toContain(`threadloop-${app.pid}-2.json`);
    checkTrace(readFileSync(written, "utf8"));
    expect(statSync(written).mode & 0o077).toBe(0);
    app.say("stop\n");
    await app.ended;
  });

  it("says so when the process ends meanwhile", async () => {
    const app = startFixture("observe/busy.mjs", "calm");
    await app.said("ready");
    const tracing = startCommand(
      "trace",
      String(app.pid),
      "--seconds",
      "60",
      "-o",
      join(folder, "never.json"),
    );
    await tracing.said("Recording");
    app.child.kill("SIGKILL");
    expect(await tracing.ended).toBe(1);
    expect(tracing.errors).toBe(
      `threadloop: Process ${app.pid} ended while it was traced, or closed its inspector\n`,
    );
  });

  it("ends early when it is interrupted, and writes what it has", async () => {
    const file = join(folder, "early.json");
    const app = startFixture("observe/busy.mjs", "calm");
    await app.said("ready");
    const tracing = startCommand("trace", String(app.pid), "--seconds", "600", "-o", file);
    await tracing.said("Recording");
    tracing.child.kill("SIGINT");
    expect(await tracing.ended).toBe(0);
    expect(checkTrace(readFileSync(file, "utf8")).length).toBeGreaterThan(0);
    app.say("stop\n");
    expect(await app.ended).toBe(0);
  });

  it("refuses a file that it could not write, before it records", async () => {
    const missing = await command("trace", "1", "-o", join(folder, "missing", "trace.json"));
    expect(missing).toMatchObject({ code: 1, errors: expect.stringContaining("Cannot write") });
    const isFolder = await command("trace", "1", "-o", folder);
    expect(isFolder).toMatchObject({
      code: 1,
      errors: `threadloop: Cannot write ${folder}: it is a folder\n`,
    });
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

/** Waits until no inspector listens at this address any more. */
async function closing(address: string): Promise<void> {
  while (await isOpen(address)) await wait(50);
}

/** Whether an inspector listens at this address. */
async function isOpen(address: string): Promise<boolean> {
  return await fetch(`http://${address}/json/list`).then(
    (response) => response.ok,
    () => false,
  );
}
