// These tests run the examples of docs/servers.md as a stranger does: with the packed package, real requests and a real
// SIGTERM.
import { cpSync, mkdtempSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program } from "../support/processes.ts";
import { runNode } from "../support/programs.ts";
import {
  INSTALLING,
  installPackages,
  makeFolder,
  makePackedProject,
  packPackage,
  removeProject,
  root,
} from "./project.ts";

interface Health {
  readonly running: number;
  readonly queued: number;
  readonly settled: { readonly succeeded: number; readonly failed: number; readonly cancelled: number };
}

/** No thread counts so far within the second that a request is given. */
const ENDLESS = "primes/1000000000";
const PACKAGES = ["express", "fastify", "hono", "@hono/node-server"];

let folder = "";
let next = "";
beforeAll(() => {
  folder = makePackedProject(join(root, "examples"), PACKAGES);
});
afterAll(() => {
  for (const each of [folder, next]) if (each !== "") removeProject(each);
});

describe.each(["express", "fastify", "hono"])("a server of %s", (framework) => {
  behaves(() => startServer(["server.js"], join(folder, framework)), 0);
});

describe("a server of next", () => {
  beforeAll(async () => {
    next = makeFolder(join(root, "examples/next"), []);
    const manifest = readFileSync(join(next, "package.json"), "utf8");
    writeFileSync(join(next, "package.json"), manifest.replace("file:../..", `file:./${packPackage(next)}`));
    await installPackages(next);
    await buildNext(next);
  }, INSTALLING);

  // Next answers what is under way, and then ends as by the signal.
  behaves(() => startServer(["node_modules/next/dist/bin/next", "start"], next), 143);

  describe("with threadloop in its bundle, and nothing configured", () => {
    let inside = "";
    let alone = "";
    beforeAll(async () => {
      inside = makeFolder("next", []);
      cpSync(join(root, "examples/next/primes.js"), join(inside, "primes.js"));
      renameSync(join(next, "node_modules"), join(inside, "node_modules")); // Turbopack follows no link out of its folder
      expect(warnings(await buildNext(inside))).toEqual([]);
      alone = realpathSync(mkdtempSync(join(tmpdir(), "threadloop-")));
      cpSync(join(inside, ".next/standalone"), alone, { recursive: true });
    }, 300_000);
    afterAll(() => {
      for (const each of [inside, alone]) if (each !== "") removeProject(each);
    });

    it.each([
      ["where it was built", "inside", ["node_modules/next/dist/bin/next", "start"]],
      ["from a folder of its own, when that of its build is gone", "alone", ["server.js"]],
    ])("its route handler offloads closures %s", async (_, where, args) => {
      if (where === "alone") removeProject(inside);
      const server = await startServer(args, where === "alone" ? alone : inside);
      const response = await server.get("offload?limit=1000");
      expect(await response.json()).toEqual({
        closure: [1000, false],
        imported: 168,
        loop: "slept",
        task: 42,
      });
    });
  });
});

/** What is said of the code that is built; of the machine, its network and, in CI, its cache Next warns as well. */
function warnings(printed: string): string[] {
  const lines = printed.split("\n").filter((line) => /warn|⚠/i.test(line));
  return lines.filter((line) => !/file ?system|advisories|telemetry|upgrade|build cache/i.test(line));
}

/** What it printed. */
async function buildNext(cwd: string): Promise<string> {
  const build = ["node_modules/next/dist/bin/next", "build"];
  const { exitCode, stdout, stderr } = await runNode(build, { cwd, env: { NEXT_TELEMETRY_DISABLED: "1" } });
  expect(exitCode, stdout + stderr).toBe(0);
  return stdout + stderr;
}

function behaves(start: () => Promise<Server>, exitCode: number): void {
  it("answers from a thread", async () => {
    const server = await start();
    const response = await server.get("primes/1000");
    expect([response.status, await response.json()]).toEqual([200, { count: 168 }]);
    expect(await server.health()).toEqual({ running: 0, queued: 0, settled: settled({ succeeded: 1 }) });
  });

  it("answers 504 when the work takes too long, and the work ends", async () => {
    const server = await start();
    expect((await server.get(ENDLESS)).status).toBe(504);
    expect(await server.health()).toEqual({ running: 0, queued: 0, settled: settled({ failed: 1 }) });
  });

  it("ends the work for a client that has left", async () => {
    const server = await start();
    let { settled } = await server.health();
    while (settled.cancelled === 0) {
      const client = new AbortController();
      const request = server.get(ENDLESS, client.signal).then(
        ({ status }) => status,
        ({ name }: Error) => name,
      );
      await server.begins(settled.failed);
      client.abort();
      // On a machine with much to do its second may be over before the client leaves.
      expect(["AbortError", 504]).toContain(await request);
      ({ settled } = await server.reaches(({ running }) => running === 0));
    }
    expect(settled).toMatchObject({ succeeded: 0, cancelled: 1 });
  });

  it("answers 503 when too much waits, and goes on when that is gone", async () => {
    const server = await start();
    const clients = new AbortController();
    let refused: Response | undefined;
    while (refused === undefined) {
      const request = server.get(ENDLESS, clients.signal);
      request.then(
        (response) => {
          if (response.status === 503) refused = response;
        },
        () => {},
      );
      await Promise.race([request, server.health()]);
    }
    expect([refused.headers.get("retry-after"), await refused.text()]).toEqual(["1", "busy"]);
    clients.abort();
    await server.reaches(({ running, queued }) => running === 0 && queued === 0);
    expect(await (await server.get("primes/10")).json()).toEqual({ count: 4 });
  });

  it("answers what is under way when it is told to end, and ends", async () => {
    const server = await start();
    const request = server.get(ENDLESS);
    await server.begins(0);
    server.program.child.kill("SIGTERM");
    const response = await request;
    expect([response.status, await response.text()]).toEqual([504, "too much work"]);
    expect(await server.program.ended, server.program.errors).toBe(exitCode);
  });
}

const settled = (some: Partial<Health["settled"]>): Health["settled"] => ({
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  ...some,
});

interface Server {
  readonly program: Program;
  get(path: string, signal?: AbortSignal): Promise<Response>;
  health(): Promise<Health>;
  /** Asks for its health until that is so. */
  reaches(state: (health: Health) => boolean): Promise<Health>;
  /** Asks until a job runs, or one more than so many has run out of time. */
  begins(failed: number): Promise<Health>;
}

async function startServer(args: readonly string[], cwd: string): Promise<Server> {
  const program = new Program(args, cwd, { PORT: "0", NODE_ENV: "production" });
  await program.said("http://");
  const [url] = /http:\/\/[\w.]+:\d+/.exec(program.output) as RegExpExecArray;
  const get: Server["get"] = (path, signal) => fetch(`${url}/${path}`, { signal: signal ?? null });
  const health = async (): Promise<Health> => (await (await get("health")).json()) as Health;
  const reaches: Server["reaches"] = async (state) => {
    for (;;) {
      const now = await health();
      if (state(now)) return now;
    }
  };
  const begins: Server["begins"] = (failed) =>
    reaches(({ running, settled }) => running === 1 || settled.failed > failed);
  return { program, get, health, reaches, begins };
}
