// Runs random programs here and in a thread, and compares: `{ ran, refused, different }` as JSON. Different is none.
//
//   node run.mjs --count 300 --seed 1        or: npm run fuzz -- --count 10000
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect, parseArgs } from "node:util";
import { WorkerPool } from "../../../../dist/workers/index.js";
import { programOf } from "./randomprogram.mjs";

const { values } = parseArgs({
  options: { count: { type: "string", default: "300" }, seed: { type: "string", default: "1" } },
});
const [count, first] = [Number(values.count), Number(values.seed)];
/** Programs of one module: half of the modules are CommonJS, in sloppy mode. */
const BATCH = 50;

const folder = mkdtempSync(join(tmpdir(), "threadloop-"));
const pool = new WorkerPool({ size: 1, ship: "value" });
const result = { ran: 0, refused: 0, different: [] };
process.on("warning", () => {});

for (let seed = first; seed < first + count; seed += BATCH) {
  const seeds = Array.from({ length: Math.min(BATCH, first + count - seed) }, (_, i) => seed + i);
  const programs = await load(seeds);
  for (const [i, program] of programs.entries()) await compare(seeds[i], program);
}
await pool.close();
rmSync(folder, { recursive: true });
console.log(JSON.stringify(result));

async function load(seeds) {
  const isModule = (seeds[0] / BATCH) % 2 < 1;
  const list = seeds.map((seed) => `() => {\n${programOf(seed)}\n}`).join(",\n");
  const file = join(folder, `${seeds[0]}.${isModule ? "mjs" : "cjs"}`);
  writeFileSync(file, `${isModule ? "export default" : "module.exports ="} [${list}];\n`);
  return (await import(pathToFileURL(file).href)).default;
}

async function compare(seed, program) {
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
