// This runs random programs here and in a thread, compares, and prints `{ ran, refused, different }` as JSON: nothing
// may be different.
//
//   node run.mjs --count 300 --seed 1 --processes 2        or: npm run fuzz -- --count 10000
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { inspect, parseArgs, promisify } from "node:util";
import { WorkerPool } from "../../../../dist/workers/index.js";
import { programOf } from "./randomprogram.mjs";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    processes: { type: "string", default: "1" },
  },
});
const [count, first, processes] = [Number(values.count), Number(values.seed), Number(values.processes)];
/** How many programs the modules have, in turn: the first one of each has to wait until its module was looked at. */
const SIZES = [1, 50, 1, 1, 10];

const result = { ran: 0, refused: 0, different: [] };
if (processes > 1) await share();
else await runAll();
console.log(JSON.stringify(result));

/** Has several processes run a part each. */
async function share() {
  const part = Math.ceil(count / processes);
  const runs = Array.from({ length: processes }, (_, i) => {
    const own = Math.max(0, Math.min(part, count - i * part));
    const args = ["--count", `${own}`, "--seed", `${first + i * part}`];
    return promisify(execFile)(process.execPath, ["--no-warnings", fileURLToPath(import.meta.url), ...args]);
  });
  for (const { stdout } of await Promise.all(runs)) {
    const { ran, refused, different } = JSON.parse(stdout);
    result.ran += ran;
    result.refused += refused;
    result.different.push(...different);
  }
}

async function runAll() {
  const folder = mkdtempSync(join(tmpdir(), "threadloop-"));
  const pool = new WorkerPool({ size: 1, ship: "value" });
  process.on("warning", () => {});
  for (let seed = first, module = 0; seed < first + count; module++) {
    const size = Math.min(SIZES[module % SIZES.length], first + count - seed);
    const seeds = Array.from({ length: size }, (_, i) => seed + i);
    const programs = await load(folder, seeds, module);
    for (const [i, program] of programs.entries()) await compare(pool, seeds[i], program);
    seed += size;
  }
  await pool.close();
  rmSync(folder, { recursive: true });
}

/** Half of the modules are CommonJS, in sloppy mode. */
async function load(folder, seeds, module) {
  const isModule = module % 2 < 1;
  const list = seeds.map((seed) => `() => {\n${programOf(seed)}\n}`).join(",\n");
  const file = join(folder, `${seeds[0]}.${isModule ? "mjs" : "cjs"}`);
  writeFileSync(file, `${isModule ? "export default" : "module.exports ="} [${list}];\n`);
  return (await import(pathToFileURL(file).href)).default;
}

async function compare(pool, seed, program) {
  result.ran++;
  const here = show(program().job());
  const { job, after } = program();
  const shipped = pool.submit(job);
  after();
  const there = await shipped.toPromise().then(show, (error) => `${error.name}: ${error.message}`);
  if (there.startsWith("ShipError")) result.refused++;
  if (here !== there && !there.startsWith("ShipError")) result.different.push({ seed, here, there });
}

function show(value) {
  return inspect(value, { depth: 6, maxArrayLength: null, breakLength: Number.POSITIVE_INFINITY });
}
