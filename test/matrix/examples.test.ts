// These tests run the examples beside the servers' (frameworks.test.ts) as a stranger does: with the packed package, by
// the one line of their README, and with a real Ctrl-C and SIGTERM.
import { once } from "node:events";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { Program } from "../support/processes.ts";
import { Terminal } from "../support/terminal.ts";
import { makePackedProject, removeProject, root } from "./project.ts";

const PACKAGES = [
  "@node-rs/argon2",
  "@opentelemetry/api",
  "@opentelemetry/core",
  "@opentelemetry/sdk-trace-base",
  "cli-progress",
  "csv-parse",
  "marked",
  "pdfkit",
  "pngjs",
  "react",
  "react-dom",
];

let folder = "";
beforeAll(() => {
  folder = makePackedProject(join(root, "examples"), PACKAGES);
});
afterAll(() => removeProject(folder));

const chromium = findChromium();

const CURSOR_HIDDEN = "\x1b[?25l";
const CURSOR_SHOWN = "\x1b[?25h";

/** Starts an example as `npm start` does. */
function start(example: string, env: Record<string, string> = {}): Program {
  const { scripts } = JSON.parse(readFileSync(join(folder, example, "package.json"), "utf8")) as {
    scripts: { start: string };
  };
  const [, ...args] = scripts.start.split(" ");
  return new Program(args, join(folder, example), { PORT: "0", ...env });
}

/** A table of 80 MB, for which the example needs some seconds. */
function largeTable(): string {
  const file = join(folder, "large.csv");
  const rows = '"a customer",1\n'.repeat(20_000);
  writeFileSync(file, rows);
  for (let i = 1; i < 270; i++) appendFileSync(file, rows);
  return file;
}

async function serve(
  example: string,
  env: Record<string, string> = {},
): Promise<{ program: Program; url: string }> {
  const program = start(example, env);
  await program.said("http://localhost:");
  return { program, url: program.output.trim() };
}

describe("an example", () => {
  it("has a README that says how it runs, and a line that starts it", () => {
    for (const example of readdirSync(join(root, "examples")).filter((name) => name !== "node_modules")) {
      const readme = readFileSync(join(root, "examples", example, "README.md"), "utf8");
      expect(readme, example).toMatch(/`npm install.* && npm start`/);
      const manifest = readFileSync(join(root, "examples", example, "package.json"), "utf8");
      expect(JSON.parse(manifest), example).toMatchObject({
        private: true,
        scripts: { start: expect.any(String) },
        dependencies: { threadloop: "file:../.." },
      });
    }
  });

  it("is told of in the guides", () => {
    const text = readFileSync(join(root, "docs/examples.md"), "utf8");
    const told = [...text.matchAll(/^\| (`.+?) \|/gm)].flatMap(([, names]) => names!.match(/\w+/g) ?? []);
    expect(told.sort()).toEqual(readdirSync(join(root, "examples")).sort());
  });

  it.each([
    ["crawler", "200 pages with 599 words"],
    ["bot", "answered 28657 17711 10946 28657 17711 10946 28657 17711 10946"],
    ["csv", "1000 customers have paid 9599419"],
    ["markdown", /^guide\/loops\.md: Loops & tasks\nplain\.md: plain\.md\nthreads\.md: Threads\n3 pages$/],
    ["images", /^(?:\d\.png: \d{3} bytes\n){8}broken\.png: Invalid file signature$/],
    ["pdf", "20 invoices over 1425.00"],
    ["webassembly", "837799 takes 524 steps"],
    ["passwords", /^(?:\w+: in, guessed: refused(?:\n|$)){4}$/],
  ])("%s does its work and ends", async (example, printed) => {
    const program = start(example);
    expect(await program.ended, program.errors).toBe(0);
    if (typeof printed === "string") expect(program.output.trim()).toBe(printed);
    else expect(program.output.trim()).toMatch(printed);
  });

  it("csv ends by Ctrl-C, and its threads with it", async () => {
    const program = new Program(["main.js", largeTable()], join(folder, "csv"));
    const { stderr } = program.child;
    if (stderr !== null) await once(stderr, "data");
    program.child.kill("SIGINT");
    await program.ended;
    expect(program.child.signalCode).toBe("SIGINT");
    expect(program.output).toBe("");
  });

  it("csv shows in a terminal how far it is, and has the cursor back at the end, done or by Ctrl-C", async () => {
    const done = new Terminal("", "main.js", join(folder, "csv"));
    await done.shows(/\b100 %, (\d+) of \1 bytes[\s\S]*1000 customers have paid 9599419/);
    expect(await done.ended).toBe(0);
    const shown = [...done.written.matchAll(/(\d+) %, /g)].map(([, percent]) => Number(percent));
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    expect([shown[0], shown.at(-1)]).toEqual([0, 100]);
    expect(done.written.lastIndexOf(CURSOR_SHOWN)).toBeGreaterThan(done.written.lastIndexOf(CURSOR_HIDDEN));

    const interrupted = new Terminal(largeTable(), "main.js", join(folder, "csv"));
    await interrupted.shows(/ %, /);
    interrupted.press("\x03");
    expect(await interrupted.ended).toBe(130);
    expect(interrupted.written.lastIndexOf(CURSOR_SHOWN)).toBeGreaterThan(
      interrupted.written.lastIndexOf(CURSOR_HIDDEN),
    );
  });

  it("tokens streams words while they are written, ends those of a reader who leaves, and what is under way at the end", async () => {
    const { program, url } = await serve("tokens");
    const all = await (await fetch(`${url}/write?prompt=a&amount=30`)).text();
    expect(all.trim().split("\n")).toHaveLength(30);
    const leaving = new AbortController();
    const response = await fetch(`${url}/write?prompt=a&amount=1000000`, { signal: leaving.signal });
    const first = await response.body!.getReader().read();
    expect(new TextDecoder().decode(first.value)).toMatch(/^\{"token":"\w+"\}/);
    leaving.abort();
    const again = await (await fetch(`${url}/write?prompt=a&amount=30`)).text();
    expect(again).toBe(all);
    program.child.kill("SIGTERM");
    expect(await program.ended, program.errors).toBe(0);
  });

  it("progress tells a page how far its job is, and when it is done", async () => {
    const { program, url } = await serve("progress");
    expect(await (await fetch(url)).text()).toContain("new EventSource");
    const events = (await (await fetch(`${url}/events?limit=20000`)).text()).trim().split("\n\n");
    const told = events
      .slice(0, -1)
      .map((event) => JSON.parse(event.slice("data: ".length)) as { done: number });
    expect(told.length).toBeGreaterThan(90);
    expect(told.map(({ done }) => done)).toEqual(told.map(({ done }) => done).sort((a, b) => a - b));
    expect(told.at(-1)).toEqual({ done: 1, count: 2262 });
    expect(events.at(-1)).toBe("event: done\ndata:");
    program.child.kill("SIGTERM");
    expect(await program.ended, program.errors).toBe(0);
  });

  it.runIf(chromium !== null)("progress shows in a browser how its job goes on, and asks once", async () => {
    const { program, url } = await serve("progress");
    const browser = await launchChromium(chromium!);
    try {
      const page = await browser.newPage();
      const wrong: string[] = [];
      const asked: string[] = [];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) wrong.push(message.text());
      });
      page.on("pageerror", (error) => wrong.push(String(error)));
      page.on("request", (request) => asked.push(new URL(request.url()).pathname));
      await page.goto(url);
      await page.waitForFunction("document.title === 'done'");
      expect(await page.textContent("#count")).toBe("216816 primes, 100 % done");
      expect(await page.getAttribute("#bar", "value")).toBe("1");
      expect(asked.filter((path) => path === "/events")).toEqual(["/events"]);
      expect(wrong).toEqual([]);
    } finally {
      await browser.close();
    }
    program.child.kill("SIGTERM");
    expect(await program.ended, program.errors).toBe(0);
  });

  it("metrics tells Prometheus what its pool has done", async () => {
    const { program, url } = await serve("metrics");
    expect(await (await fetch(`${url}/primes/1000`)).text()).toBe("168\n");
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('threadloop_pool_jobs_settled_total{pool="primes",outcome="succeeded"} 1\n');
    program.child.kill("SIGTERM");
    expect(await program.ended, program.errors).toBe(0);
  });

  it("react renders pages, and gives up one that takes too long", async () => {
    const { program, url } = await serve("react");
    expect(await (await fetch(`${url}/?rows=3`)).text()).toContain("<h1>3 rows</h1>");
    expect((await fetch(`${url}/?rows=2000000`)).status).toBe(504);
    expect((await fetch(`${url}/?rows=3`)).status).toBe(200);
    program.child.kill("SIGTERM");
    expect(await program.ended, program.errors).toBe(0);
  });

  it("shutdown answers what is under way when it is told to end", async () => {
    const { program, url } = await serve("shutdown");
    const answers = [1, 2, 3].map(async () => (await fetch(`${url}/primes/2000000`)).text());
    await Promise.race(answers); // the others are under way
    program.child.kill("SIGTERM");
    expect(await Promise.all(answers)).toEqual(Array(3).fill("148933\n"));
    expect(await program.ended, program.errors).toBe(0);
  });

  it("shutdown gives up at its deadline what takes too long, and tells its client", async () => {
    const { program, url } = await serve("shutdown", { DEADLINE: "100" });
    expect((await fetch(`${url}/primes/10`)).status).toBe(200);
    const endless = fetch(`${url}/primes/100000000000`);
    await fetch(`${url}/primes/10`); // it came after the other one
    program.child.kill("SIGINT");
    expect((await endless).status).toBe(503);
    expect(await program.ended, program.errors).toBe(0);
  });

  it("opentelemetry has the run of a job in a thread in the trace of its request", async () => {
    const { program, url } = await serve("opentelemetry");
    await (await fetch(`${url}/1000`)).text();
    program.child.kill("SIGTERM");
    expect(await program.ended, program.errors).toBe(0);
    const line = /^trace (\w+): (.+) is (\w+), below (\w+)$/gm;
    const spans = [...program.output.matchAll(line)].map(([, id, name, own, parent]) => ({
      id,
      name,
      own,
      parent,
    }));
    const [request, job, run] = ["request", "job countPrimes", "run countPrimes"].map(
      (name) => spans.find((span) => span.name === name)!,
    );
    expect(new Set(spans.map(({ id }) => id)).size).toBe(1);
    expect([request!.parent, job!.parent, run!.parent]).toEqual(["nothing", request!.own, job!.own]);
  });
});
