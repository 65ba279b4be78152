// These tests use the package as it is published: the tarball, unpacked in a stranger's project.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runForJson, runNode } from "../support/programs.ts";
import { makePackedProject, removeProject, root } from "./project.ts";

let folder: string;
let unpacked: string;
beforeAll(() => {
  folder = makePackedProject("tarball");
  unpacked = join(folder, "node_modules/threadloop");
});
afterAll(() => removeProject(folder));

/** The files that conditions lead to. */
const filesOf = (entry: string | object): string[] =>
  typeof entry === "string" ? [normalize(entry)] : Object.values(entry).flatMap(filesOf);

const filesIn = (at: string): string[] =>
  readdirSync(at, { recursive: true, encoding: "utf8" }).filter((file) => statSync(join(at, file)).isFile());

describe("the packed package", () => {
  it("runs: tasks, a pool, shared objects in a worker, the virtual clock", async () => {
    expect(await runForJson(["main.mjs"], { cwd: folder })).toEqual({ pool: 55, shared: 3, virtual: 60_000 });
  });

  it("tells its version, and looks into nothing without a process", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    const bin = join(unpacked, "dist/bin/threadloop.js");
    expect((await runNode([bin, "--version"], { cwd: folder })).stdout).toBe(`${version}\n`);
    expect((await runNode([bin, "ps", "999999999"], { cwd: folder })).stderr).toContain(
      "There is no process 999999999",
    );
  });

  it("has what each link of its documents leads to", () => {
    const documents = filesIn(unpacked).filter((file) => file.endsWith(".md"));
    expect(documents).toContain("README.md");
    expect(documents).toContain("docs/threads.md");
    const dead = documents.flatMap((file) => {
      const links = readFileSync(join(unpacked, file), "utf8").matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g);
      const targets = [...links].map(([, target]) => target!).filter((target) => !/^[a-z]+:/.test(target));
      return targets
        .filter((target) => !existsSync(resolve(unpacked, dirname(file), target)))
        .map((to) => `${file}: ${to}`);
    });
    expect(dead).toEqual([]);
  });

  it("runs nothing when it is installed, and holds nothing that nobody imports, in less than 630 kB", () => {
    const { scripts, exports } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
      exports: object;
    };
    for (const script of ["preinstall", "install", "postinstall", "prepare"])
      expect(scripts).not.toHaveProperty(script);
    const modules = filesIn(unpacked).filter((file) => /\.c?js$/.test(file));
    const needed = new Set([
      ...filesOf(exports).filter((file) => file.endsWith(".js")),
      "dist/workers/entry.cjs",
      "dist/workers/shared/index.js", // this and the next ones by their address
      "dist/workers/lateparts.js",
      "dist/workers/poolparts.js",
      "dist/workers/shipping/ship.js",
      "dist/workers/piscina/main.cjs",
      "dist/workers/piscina/worker.cjs",
    ]);
    for (const file of modules.filter((each) => each.startsWith("dist/bin/"))) needed.add(file);
    for (const file of needed) {
      const text = readFileSync(join(unpacked, file), "utf8");
      for (const [, target] of text.matchAll(/(?:from ?|import ?|import\()"(\.[^"]+)"/g)) {
        needed.add(join(dirname(file), target!));
      }
    }
    expect(modules.filter((file) => !needed.has(file))).toEqual([]);
    const [packed] = JSON.parse(
      execFileSync("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], {
        cwd: root,
        encoding: "utf8",
      }),
    ) as [{ size: number }];
    expect(packed.size).toBeLessThan(630_000);
  });
});

describe("the entries export", () => {
  it.each([
    "threadloop",
    "threadloop/workers",
    "threadloop/testing",
    "threadloop/metrics",
    "threadloop/bench",
  ])("these names, and no internals: %s", async (entry) => {
    const { stdout } = await runNode(["names.mjs", entry], { cwd: folder });
    expect(JSON.parse(stdout)).toMatchSnapshot();
  });
});
