import { describe, expect, it } from "vitest";
import { ratesBetween } from "../../dist/bin/rates.js";
import { linesOf, type ScreenState } from "../../dist/bin/screen.js";
import { command, startFixture } from "../support/processes.ts";
import { Terminal } from "../support/terminal.ts";

type Numbers = Parameters<typeof ratesBetween>[1] extends ReadonlyMap<string, infer T> ? T : never;

/** What a thread told, of one pool with one worker. */
function numbers(at: number, { settled = 0, active = 0, looks = 0, seen = 0 } = {}): Numbers {
  const worker = { thread: 7, name: null, running: 1, waiting: 2, active, idle: at - active };
  const pool = { name: "app", running: 1, queued: 4, lost: 0, succeeded: settled, failed: 0, cancelled: 0 };
  const functions = [{ name: "render", seen, longest: 1234 }];
  return {
    thread: 0,
    at,
    active,
    idle: at - active,
    pools: [{ ...pool, workers: [worker] }],
    looks,
    functions,
  };
}

const reading = (one: Numbers): ReadonlyMap<string, Numbers> => new Map([["0/0", one]]);

describe("rates", () => {
  it("are what happened between two readings", () => {
    const before = numbers(1000, { settled: 10, active: 900, looks: 20, seen: 20 });
    const now = numbers(3000, { settled: 50, active: 1400, looks: 60, seen: 40 });
    const { pools, threads, functions } = ratesBetween(reading(before), reading(now));
    expect(pools).toEqual([
      { name: "app", threads: 1, lost: 0, running: 1, queued: 4, rate: 20, unsuccessful: 0 },
    ]);
    expect(threads.map(({ thread, busy }) => [thread, busy])).toEqual([
      [0, 0.25],
      [7, 0.25],
    ]);
    expect(functions).toEqual([{ name: "render", threads: 0.5, longest: 1234 }]);
  });

  it("are those since the start where nothing was read before", () => {
    const { pools, threads } = ratesBetween(new Map(), reading(numbers(2000, { settled: 10, active: 500 })));
    expect(pools[0]?.rate).toBe(5);
    expect(threads[1]?.busy).toBe(0.25);
  });
});

describe("the screen", () => {
  const { pools, threads, functions } = ratesBetween(new Map(), reading(numbers(1000)));
  const task = (name: string) => ({
    kind: "task" as const,
    name,
    function: name,
    state: "waiting" as const,
    thread: 0,
    waitsOn: "sleep",
    since: 1500,
    stack: [],
    awaitedBy: [],
    waitsFor: [],
  });
  const names = Array.from({ length: 50 }, (_, i) => `task-${i}`);
  const stateWith = (all: readonly string[], more: Partial<ScreenState> = {}): ScreenState => ({
    subject: "1",
    owners: "POOL",
    rates: { pools, threads, functions },
    tasks: all.map(task),
    placeOf: ({ thread }) => String(thread),
    notice: "",
    order: "time",
    marked: 0,
    isOpen: false,
    isPaused: false,
    ...more,
  });

  it.each([
    [40, 12],
    [80, 24],
    [200, 60],
  ])("fits into %i columns and %i rows, and always has its keys", (columns, rows) => {
    for (const isOpen of [false, true]) {
      const lines = linesOf(stateWith(names, { isOpen }), { columns, rows, hasColor: false });
      expect(lines.length).toBeLessThanOrEqual(rows);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      expect(lines.at(-1)).toMatch(/^q quit/);
    }
  });

  it("keeps the marked task in sight", () => {
    const size = { columns: 100, rows: 30, hasColor: false };
    for (const marked of [0, 20, 49]) {
      expect(linesOf(stateWith(names, { marked }), size).join("\n")).toMatch(new RegExp(`task-${marked} `));
    }
  });

  it("shows whatever a task is called on one line, by the width that it has", () => {
    const size = { columns: 100, rows: 40, hasColor: false };
    const lines = linesOf(stateWith(["a\n\x1b[2J", "名前", "plain"]), size);
    const row = (name: RegExp) => lines.find((line) => name.test(line)) ?? "";
    expect(row(/\\x1b|\\u001b/)).toContain("waiting");
    expect(row(/名前/).indexOf("task ") + 2).toBe(row(/plain/).indexOf("task "));
  });
});

describe("threadloop top", () => {
  it("prints what it would show where there is no terminal", async () => {
    const app = startFixture("observe/app.mjs");
    await app.said("ready");
    const { code, output, errors } = await command("top", String(app.pid), "--every", "200");
    expect(errors).toBe("");
    expect(code).toBe(0);
    expect(output).toMatch(/^app +2 +2 +0/m);
    expect(output).toMatch(/^\d crew +app +\d+ %/m);
    expect(output).toMatch(/^blockUntilOpen +[\d.]+ +[\d.]+ m?s/m);
    expect(output).toMatch(/^fetching +task +0 +waiting/m);
    app.say("go\n");
    expect(await app.ended).toBe(0);
  });

  it.runIf(process.platform === "linux")(
    "is worked by keys in a terminal, which it leaves as it was, and ends with the process that it looks into",
    async () => {
      const app = startFixture("observe/app.mjs");
      await app.said("ready");
      for (const end of ["key", "process"]) {
        const terminal = new Terminal(`top ${app.pid} --every 100`);
        await terminal.shows(/crunching +task/);
        expect(terminal.written).toContain("\x1b[?1049h");
        terminal.press("s");
        await terminal.shows(/by name/);
        terminal.press("\r");
        await terminal.shows(/job awaitUntilOpen: running.*\n|awaited by/);
        terminal.press("\x7f");
        await terminal.shows(/FUNCTION/);
        if (end === "key") terminal.press("q");
        else app.say("go\n");
        expect(await terminal.ended, terminal.written.slice(-1500)).toBe(0);
        expect(terminal.written).toContain("\x1b[?1049l");
        expect(terminal.written).toContain("\x1b[?25h");
        if (end === "process") expect(terminal.written).toContain(`Process ${app.pid} has ended`);
      }
      expect(await app.ended).toBe(0);
    },
  );

  it("tells which processes it cannot look into, as the other commands do", async () => {
    const { code, errors } = await command("top", "999999999");
    expect(code).toBe(1);
    expect(errors).toContain("There is no process 999999999");
  });
});
