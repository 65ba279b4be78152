// This runs the programs of the tables, each directly and in a thread, compares what comes out, and prints `{ ran,
// wrong }` as JSON. A row is a program that sets `job`, and `args` if it takes some; what it throws is compared too. A
// row may also be a program and what the ShipError says that refuses it. The programs of several files are run by value
// and by reference.
//
//   node run.mjs SHAPE [PART OF A NAME]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { WorkerPool } from "../../../../dist/workers/index.js";
import classes from "./classes.mjs";
import documented, { files as ofRows } from "./documented.mjs";
import everyday from "./everyday.mjs";
import modules from "./modules.mjs";
import scopes from "./scopes.mjs";
import text from "./text.mjs";
import unexported from "./unexported.mjs";
import values from "./values.mjs";

const tables = { scopes, classes, text, values, everyday, documented };
const HEAD = { esm: 'import util from "node:util";', cjs: 'const util = require("node:util");' };

/** How many programs are loaded at a time. */
const BATCH = 50;

/** The programs lie where no package is found. */
const PACKAGE = JSON.stringify(new URL("../../../../dist/index.js", import.meta.url).href);

/** How the text of a program becomes that of a module: what is in it is at the top, or in a function. */
const shapes = {
  module: (code) => [".mjs", `${HEAD.esm} let job, args = []; ${code}\nexport { job, args };`],
  function: (code) => [
    ".mjs",
    `${HEAD.esm} function make() { let job, args = []; ${code}\nreturn { job, args }; } export const { job, args } = make();`,
  ],
  commonjs: (code) => [".cjs", `${HEAD.cjs} let job, args = []; ${code}\nmodule.exports = { job, args };`],
  inner: (code) => [
    ".cjs",
    `${HEAD.cjs} module.exports = (() => { for (const _ of [0]) { let job, args = []; ${code}\nreturn { job, args }; } })();`,
  ],
};

const [, , shape = "module", part = ""] = process.argv;
const folder = mkdtempSync(join(tmpdir(), "threadloop-"));
const pool = new WorkerPool({ size: 1, ship: "value" });
const wrong = {};
let ran = 0;
let written = 0;
process.on("warning", () => {});

if (shape === "files") await compareModules();
else await compareTables();
await pool.close();
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ ran, wrong }));

async function compareTables() {
  const programs = Object.entries(tables).flatMap(([topic, rows]) =>
    Object.entries(rows).map(([name, row]) => {
      const [code, refusal] = Array.isArray(row) ? row : [row];
      const [extension, module] = shapes[shape](code);
      const write = () => writeFiles({ [`main${extension}`]: module });
      return { title: `${topic}: ${name}`, write, refusal };
    }),
  );
  const chosen = programs.filter(({ title }) => title.includes(part));
  for (let i = 0; i < chosen.length; i += BATCH) await compareAll(chosen.slice(i, i + BATCH));
}

/** Loads what goes to the thread before the first of it goes: to find a script costs as much as to find all there are. */
async function compareAll(programs) {
  const files = programs.map(({ write }) => write());
  for (const file of files) await load(file);
  for (const [i, { title, write, refusal }] of programs.entries()) {
    await compare(title, files[i], write, pool, refusal);
  }
}

async function compareModules() {
  for (const [name, row] of Object.entries({ ...modules, ...unexported, ...ofRows })) {
    if (!name.includes(part)) continue;
    const [files, refusal] = Array.isArray(row) ? row : [row];
    const write = () => writeFiles(files);
    await compare(`${name}, by value`, write(), write, pool, refusal);
    await compare(`${name}, by reference`, write(), write, pool.with({ ship: "auto" }));
  }
}

/** Runs what a file has in a thread, and what a copy of it has here. */
async function compare(title, file, write, view, refusal) {
  ran++;
  const there = await outcome(file, (job, args) => view.submit(job, ...args));
  const here = refusal ?? (await outcome(write(), async (job, args) => structuredClone(await job(...args))));
  const isRight =
    refusal instanceof RegExp ? refusal.test(there) && there.startsWith("ShipError") : there === here;
  if (!isRight) wrong[title] = { here: String(here), there };
}

/** Writes a program into a folder of its own, so that nothing is left of another run, and gives its last file. */
function writeFiles(files) {
  const own = join(folder, String(++written));
  mkdirSync(own);
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(own, name), text.replace("'threadloop'", PACKAGE));
  return join(own, Object.keys(files).at(-1));
}

async function outcome(file, run) {
  const { job, args = [] } = await load(file);
  try {
    return inspect(await run(job, args), { depth: 10 });
  } catch (error) {
    return `${error?.name}: ${error?.message}`.replaceAll(file, "FILE");
  }
}

async function load(file) {
  const exports = await import(pathToFileURL(file).href);
  return exports.default ?? exports;
}
