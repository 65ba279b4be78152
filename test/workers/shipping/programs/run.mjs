// Runs the programs of the tables, each directly and in a thread, and compares what comes out: `{ ran, wrong }` as JSON.
// A row is a program that sets `job`, and `args` if it takes some; what it throws is compared too. A row may also be a
// program and what the ShipError says that refuses it.
//
//   node run.mjs SHAPE [PART OF A NAME]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { WorkerPool } from "../../../../dist/workers/index.js";
import classes from "./classes.mjs";
import scopes from "./scopes.mjs";
import text from "./text.mjs";
import values from "./values.mjs";

const tables = { scopes, classes, text, values };
const HEAD = { esm: 'import util from "node:util";', cjs: 'const util = require("node:util");' };

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
let files = 0;
process.on("warning", () => {});

for (const [topic, rows] of Object.entries(tables)) {
  for (const [name, row] of Object.entries(rows)) {
    const title = `${topic}: ${name}`;
    if (!title.includes(part)) continue;
    ran++;
    const [code, refusal] = Array.isArray(row) ? row : [row];
    const there = await outcome(code, (job, args) => pool.submit(job, ...args));
    const here = refusal ?? (await outcome(code, async (job, args) => structuredClone(await job(...args))));
    const isRight =
      refusal instanceof RegExp ? refusal.test(there) && there.startsWith("ShipError") : there === here;
    if (!isRight) wrong[title] = { here: String(here), there };
  }
}
await pool.close();
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ ran, wrong }));

/** Runs a program in a module of its own, so that nothing is left of another run. */
async function outcome(code, run) {
  const [extension, module] = shapes[shape](code);
  const file = join(folder, `${++files}${extension}`);
  writeFileSync(file, module);
  const { job, args } = await import(pathToFileURL(file).href).then((exports) => exports.default ?? exports);
  try {
    return inspect(await run(job, args), { depth: 10 });
  } catch (error) {
    return `${error?.name}: ${error?.message}`.replaceAll(file, "FILE");
  }
}
