// Servers under load with a known culprit, or none: the doctor names the function with its file and line, or keeps quiet.
// None of this depends on how fast the machine is: there is enough work, and the names are the same when it is crowded.
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import type { Report } from "../../dist/bin/doctor/report.js";
import { Remote } from "../../dist/bin/remote.js";
import { root } from "../matrix/project.ts";
import { command, Program, startCommand } from "../support/processes.ts";

const folder = mkdtempSync(join(tmpdir(), "threadloop-doctor-"));
symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
afterAll(() => rmSync(folder, { recursive: true }));

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/doctor/${name}`, import.meta.url));

interface Server {
  readonly file: string;
  /** The names of the functions that block it. */
  readonly culprits: readonly string[];
  /** The file they are in, where it is another one. */
  readonly source?: string;
  readonly advice?: string;
  /** How it is built before. */
  readonly bundle?: { readonly sourcemap: boolean | "inline"; readonly minify?: boolean };
  /** The thread whose loop it is. */
  readonly thread?: number;
}

const SERVERS: readonly Server[] = [
  { file: "markdown.mjs", culprits: ["renderPage"], source: "render.mjs", advice: "offload" },
  { file: "regex.mjs", culprits: ["findWords"], advice: "extract" },
  { file: "chain.mjs", culprits: ["rankWords"], advice: "extract" },
  { file: "middleware.mjs", culprits: ["isGenuine"], advice: "twin" },
  { file: "inline.mjs", culprits: ["handle"], advice: "extract" },
  { file: "json.mjs", culprits: ["asText"], advice: "copy" },
  { file: "garbage.mjs", culprits: ["batch"] }, // its advice depends on how many processors the collector has
  { file: "stuck.mjs", culprits: ["isAddress"], advice: "offload" },
  { file: "fastify.mjs", culprits: ["scoreAll"], advice: "offload" },
  { file: "koa.mjs", culprits: ["longestRun"] },
  { file: "hono.mjs", culprits: ["closest"], advice: "offload" },
  { file: "hono.mjs", culprits: ["closest"], bundle: { sourcemap: true }, advice: "offload" },
  { file: "hono.mjs", culprits: ["closest"], bundle: { sourcemap: true, minify: true }, advice: "offload" },
  { file: "hono.mjs", culprits: ["closest"], bundle: { sourcemap: false }, advice: "offload" },
  { file: "typed.ts", culprits: ["groupRows"], bundle: { sourcemap: "inline" }, advice: "offload" },
  { file: "commonjs.cjs", culprits: ["packed"], advice: "twin" },
  { file: "methods.mjs", culprits: ["search"], advice: "offload" },
  { file: "two.mjs", culprits: ["counts", "sums"], advice: "offload" },
  { file: "timer.mjs", culprits: ["indexAll"] },
  { file: "threads.mjs", culprits: ["search"], source: "methods.mjs", advice: "offload", thread: 1 },
  { file: "small.mjs", culprits: [] },
  { file: "slowio.mjs", culprits: [] },
  { file: "proxied.mjs", culprits: [] },
  { file: "jobs.mjs", culprits: [] },
];

async function programOf({ file, bundle }: Server): Promise<string> {
  if (bundle === undefined) return fixture(file);
  const outfile = join(folder, `${basename(file)}.mjs`);
  await build({
    ...bundle,
    entryPoints: [fixture(file)],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    logLevel: "silent",
  });
  return outfile;
}

/** Asks again and again on a few connections, until it is over. */
function load(port: number): () => void {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let isOver = false;
  const ask = () => {
    if (isOver) return;
    const request = get({ port, host: "127.0.0.1", agent }, (response) => {
      response.resume().once("close", ask);
    });
    request.once("error", () => setTimeout(ask, 50));
  };
  for (let i = 0; i < 8; i++) ask();
  return () => {
    isOver = true;
    agent.destroy();
  };
}

/** Where a function stands in a fixture, or in another file. */
function lineOf(file: string, name: string): number {
  const lines = readFileSync(isAbsolute(file) ? file : fixture(file), "utf8").split("\n");
  return (
    lines.findIndex((line) => new RegExp(`function ${name}\\(|^  ${name}\\(|const ${name} =`).test(line)) + 1
  );
}

/** A server with something to do, while `use` runs. */
async function loaded<T>(program: string, use: (app: Program) => Promise<T>): Promise<T> {
  const app = new Program(["--inspect-port=0", program]);
  await app.said("\n");
  const stop = load(Number.parseInt(app.output, 10));
  try {
    return await use(app);
  } finally {
    stop();
  }
}

async function diagnosed(app: Program): Promise<{ report: Report; code: number | null }> {
  const { code, output, errors } = await command("doctor", String(app.pid), "--seconds", "2", "--json");
  expect(errors).toBe("");
  return { report: JSON.parse(output) as Report, code };
}

const namesIn = ({ findings }: Pick<Report, "findings">) =>
  findings.map(({ name, file, line }) => `${name.replace(/^.*\./, "")} ${basename(file)}:${line}`).sort();

describe("threadloop doctor", () => {
  const named = SERVERS.filter(({ culprits }) => culprits.length > 0);
  const quiet = SERVERS.filter(({ culprits }) => culprits.length === 0);

  it.each(named)("finds what blocks $file $bundle", async (server) => {
    const program = await programOf(server);
    const { file, culprits, advice, thread = 0 } = server;
    const source = server.bundle?.sourcemap === false ? program : (server.source ?? file);
    await loaded(program, async (app) => {
      const { report, code } = await diagnosed(app);
      const one = [report, ...report.threads].find((some) => some.thread === thread) ?? report;
      expect(namesIn(one)).toEqual(
        culprits.map((name) => `${name} ${basename(source)}:${lineOf(source, name)}`).sort(),
      );
      // A machine that leaves the collector no processor of its own makes it the culprit, whose findings are the same.
      if (advice !== undefined && one.verdict !== "garbage")
        expect(one.findings.map((some) => some.advice)).toEqual(culprits.map(() => advice));
      const isNothing = one.findings.every((some) => some.advice === "garbage" || some.advice === "copy");
      expect(code).toBe(isNothing ? 0 : 3);
    });
  });

  it.each(quiet)("keeps quiet about $file, which nothing blocks", async (server) => {
    await loaded(await programOf(server), async (app) => {
      const { report, code } = await diagnosed(app);
      expect(report.findings).toEqual([]);
      for (const { findings } of report.threads)
        for (const { advice } of findings) expect(advice).toBe("job");
      // Where other processes have the processor, it says that it does not know.
      expect(report.isCrowded ? ["free", "busy", "unclear"] : ["free", "busy"]).toContain(report.verdict);
      expect(code).toBe(report.verdict === "unclear" ? 4 : 0);
    });
  });

  it("tells of work that is in a worker thread already, without advising threads", async () => {
    await loaded(fixture("jobs.mjs"), async (app) => {
      const { report, code } = await diagnosed(app);
      expect(report.threads.flatMap(namesIn)).toEqual([`sorted jobs.mjs:${lineOf("jobs.mjs", "sorted")}`]);
      expect(report.threads[0]?.findings[0]?.advice).toBe("job");
      expect(code).not.toBe(3);
    });
  });

  it("prints the command that compares an exported function, and what others wait with it and without", async () => {
    await loaded(fixture("markdown.mjs"), async (app) => {
      const { output } = await command("doctor", String(app.pid), "--seconds", "2");
      expect(output).toMatch(/npx threadloop compare \S*render\.mjs#renderPage --args '\[\.\.\.\]'/);
      expect(output).toMatch(/without it others wait [\d.]+ ms instead of [\d.]+ ms \(p99\)/);
    });
  });

  it("asks to move an exported function out of the file that starts the server, before it is compared", async () => {
    await loaded(fixture("fastify.mjs"), async (app) => {
      const { output } = await command("doctor", String(app.pid), "--seconds", "2");
      expect(output).toMatch(
        /fastify\.mjs would start the program again .*: move scoreAll to a module of its own/,
      );
      expect(output).toContain("npx threadloop compare MODULE#scoreAll --args '[...]'");
    });
  });

  it("counts calls when it is asked to", async () => {
    await loaded(fixture("middleware.mjs"), async (app) => {
      const { output } = await command("doctor", String(app.pid), "--seconds", "2", "--calls", "--json");
      const { findings, requestsPerSecond } = JSON.parse(output) as Report;
      // Every request makes one call; one that is cut by the end of the watch is counted on one side only.
      expect(findings[0]?.callsPerSecond).toBeGreaterThan(requestsPerSecond / 2);
      expect(findings[0]?.callsPerSecond).toBeLessThan(requestsPerSecond * 2);
      expect(findings[0]?.msPerCall).toBeGreaterThan(0);
    });
  });

  it("is one of several that watch a process, and of several processes that are watched", async () => {
    await loaded(fixture("methods.mjs"), (first) =>
      loaded(fixture("fastify.mjs"), async (second) => {
        const reports = await Promise.all([diagnosed(first), diagnosed(first), diagnosed(second)]);
        expect(reports.map(({ report }) => report.findings[0]?.name.replace(/^.*\./, ""))).toEqual([
          "search",
          "search",
          "scoreAll",
        ]);
      }),
    );
  });

  it("watches a process beside a debugger, which notices nothing of it", async () => {
    const app = new Program(["--inspect=127.0.0.1:0", fixture("methods.mjs")]);
    await app.said("\n");
    const stop = load(Number.parseInt(app.output, 10));
    const url = /ws:\/\/\S+/.exec(app.errors)?.[0] ?? "";
    const debugging = await Remote.connect(url);
    await debugging.main.call("Debugger.enable");
    const { report } = await diagnosed(app);
    stop();
    expect(namesIn(report)).toEqual([`search methods.mjs:${lineOf("methods.mjs", "search")}`]);
    // Its session is as it was: this is refused where the debugger is not enabled.
    expect(await debugging.main.call("Debugger.setBreakpointsActive", { active: true })).toEqual({});
    expect(await debugging.main.evaluate("6 * 7")).toBe(42);
    await debugging.close();
  });

  it("leaves nothing behind in the process", async () => {
    const app = new Program(["--inspect-port=0", fixture("lists.mjs")]);
    await app.said("before");
    await command("doctor", String(app.pid), "--seconds", "1");
    app.say("again\n");
    await app.said("after");
    const [before, after] = app.output.split("\n").map((line) => line.replace(/^\w+ /, ""));
    expect(after).toBe(before);
  });

  it("tells what it has seen when it is interrupted", async () => {
    await loaded(fixture("methods.mjs"), async (app) => {
      const doctor = startCommand("doctor", String(app.pid), "--seconds", "600", "--json");
      await app.said("watched");
      doctor.child.kill("SIGINT");
      expect(await doctor.ended).toBe(3);
      expect(namesIn(JSON.parse(doctor.output) as Report)).toHaveLength(1);
    });
  });

  it("tells what it has seen of a process that ends meanwhile, and says so of one that is killed", async () => {
    const ends = new Program(["--inspect-port=0", fixture("ends.mjs")]);
    await ends.said("begins");
    const seen = await command("doctor", String(ends.pid), "--seconds", "600", "--json");
    expect(namesIn(JSON.parse(seen.output) as Report)).toEqual([
      `countDown ends.mjs:${lineOf("ends.mjs", "countDown")}`,
    ]);
    expect(await ends.ended).toBe(7);

    const killed = new Program(["--inspect-port=0", fixture("slowio.mjs")]);
    await killed.said("\n");
    const doctor = startCommand("doctor", String(killed.pid), "--seconds", "600");
    await killed.said("watched");
    killed.child.kill("SIGKILL");
    expect(await doctor.ended).toBe(1);
    expect(doctor.errors).toMatch(/^threadloop: The process ended while it was examined/);
  });
});

describe("threadloop doctor -- COMMAND", () => {
  it("examines a program until it ends, whose output and exit code stay its own", async () => {
    const doctor = startCommand(
      "doctor",
      "--json",
      "--",
      process.execPath,
      fixture("ends.mjs"),
      "an argument",
    );
    expect(await doctor.ended).toBe(7);
    expect(doctor.output).toBe("begins an argument\ndone\n");
    const report = JSON.parse(doctor.errors.slice(doctor.errors.indexOf("{"))) as Report;
    expect(namesIn(report)).toEqual([`countDown ends.mjs:${lineOf("ends.mjs", "countDown")}`]);
  });

  it("passes a signal on, after it has seen enough", async () => {
    const doctor = startCommand("doctor", "--", process.execPath, fixture("serves.mjs"));
    await doctor.said("watched");
    doctor.child.kill("SIGINT");
    expect(await doctor.ended).toBe(3);
    expect(doctor.output).toMatch(/SIGINT: good bye\n$/);
    expect(doctor.errors).toContain("1. busyWait ");
  });

  it("ends the program after some seconds, if it is told to", async () => {
    const file = join(folder, "diagnosis.json");
    const { code, output } = await command(
      ...["doctor", "--seconds", "1", "--json", "-o", file, "--", process.execPath, fixture("serves.mjs")],
    );
    expect(code).toBe(3);
    expect(output).toMatch(/SIGTERM: good bye\n$/);
    expect(namesIn(JSON.parse(readFileSync(file, "utf8")) as Report)).toHaveLength(1);
  });

  it.each([
    [["--", "no-such-program"], "Cannot start no-such-program"],
    [["--"], "Expected a command after --, got nothing"],
    [["--", "sleep", "60"], "does not take SIGUSR1: it is not a Node process"],
    [
      ["--", process.execPath, "-e", "process.exit(5)"],
      "The program ended with 5 before there was enough to tell",
    ],
    [["4711", "--", process.execPath], "Expected a PID or a command after --, got both"],
  ])("says what is wrong with %j", async (args, text) => {
    const { code, errors } = await command("doctor", ...args);
    expect(errors).toContain(text);
    expect(code).toBe(1);
  });
});
