// What does it cost to bring a function to a thread: declared, by reference, by value; the first time and every time?
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { median } from "../compare/statistics.ts";
import { WorkerPool } from "../workers/index.ts";
import { threadCpu } from "./harness/cpu.ts";
import type { Bench, Contender, Question } from "./harness/question.ts";
import { type Folder, type Job, writtenModules } from "./ship/written.ts";
import { declared, exported, fib } from "./workloads/shipped.ts";

const ROUNDS = 9;
const IN_FLIGHT = 500;
const VARIABLES = [1, 10, 1_000];
const FIB = 27;

const CALL = `a call (${IN_FLIGHT} in flight)`;
const CPU = "its main CPU";
const FIRST = "first use";
const RUN = `fib(${FIB}) there`;
const AWAIT = "await here";
const THROW = "throw here";

const DECLARED = "task()";
const REFERENCE = "by reference";
const CLOSURE = "closure, 1 variable";
const BEFORE = "after references";
const AFTER = "after closures";

const question: Question = {
  title: "the cost of bringing a function to a thread, one thread",
  async ask(bench) {
    bench.measure(CALL, "µs");
    bench.measure(CPU, "µs", { plot: false });
    bench.measure(FIRST, "µs");
    bench.measure(RUN, "ms");
    bench.measure(AWAIT, "ns");
    bench.measure(THROW, "ns");
    const pool = new WorkerPool({ size: 1 });
    const folder = await writtenModules();
    const rounds = bench.pick(ROUNDS, 1);
    await askCalls(bench, rounds, pool, folder);
    await bench.interleave(rounds, firstUses(pool, folder));
    await bench.interleave(rounds, runs(pool));
    await bench.interleave(rounds, [mainSpeed(BEFORE, "references"), mainSpeed(AFTER, "closures")]);
    await folder.remove();
    await pool.close();
    if (!bench.quick) judge(bench);
  },
};

export default question;

async function askCalls(bench: Bench, rounds: number, pool: WorkerPool, folder: Folder): Promise<void> {
  const count = bench.pick(IN_FLIGHT, 20);
  const nothing: Job = (n) => n + 1;
  const contenders = [call(DECLARED, pool, declared, count), call(REFERENCE, pool, exported, count)];
  contenders.push(call("closure, nothing captured", pool, nothing, count));
  for (const variables of VARIABLES) {
    const name = variables === 1 ? CLOSURE : `closure, ${variables.toLocaleString("en")} variables`;
    contenders.push(call(name, pool, await folder.capturing(variables), count));
  }
  await bench.warmUp(contenders);
  await bench.interleave(rounds, contenders);
}

function call(name: string, pool: WorkerPool, job: Job, count: number): Contender {
  const sample = async () => {
    const cpu = threadCpu();
    const start = performance.now();
    const results = await Promise.all(Array.from({ length: count }, (_, i) => pool.submit(job, i)));
    const value = ((performance.now() - start) * 1000) / count;
    const own = cpu === undefined ? value : ((threadCpu()! - cpu) * 1000) / count;
    if (results.some((result, i) => result !== i + 1)) throw new Error("A result is wrong");
    return { [CALL]: value, [CPU]: own };
  };
  return { name, kind: "ours", sample };
}

/** Each sample takes a module that nothing was shipped from. */
function firstUses(pool: WorkerPool, folder: Folder): Contender[] {
  const first = (
    name: string,
    use: (module: Awaited<ReturnType<Folder["module"]>>) => Promise<() => Job>,
  ): Contender => ({
    name,
    kind: "ours",
    sample: async () => {
      const job = await use(await folder.module(2));
      const start = performance.now();
      if ((await pool.submit(job(), 1)) !== 2) throw new Error("A result is wrong");
      return { [FIRST]: (performance.now() - start) * 1000 };
    },
  });
  return [
    first(DECLARED, async () => () => declared),
    first(REFERENCE, async (module) => () => module.first),
    first("by reference, the module known", async (module) => {
      await pool.submit(module.first, 1);
      return () => module.next;
    }),
    first(CLOSURE, async (module) => () => module.makers[0]!(1)),
    first("closure, the module known", async (module) => {
      await pool.submit(module.makers[0]!(1), 1);
      return () => module.makers[1]!(0);
    }),
  ];
}

/** The same code in the worker, brought there in both ways. */
function runs(pool: WorkerPool): Contender[] {
  const run = (name: string, ship: "reference" | "value"): Contender => ({
    name,
    kind: "ours",
    sample: async () => {
      const view = pool.with({ ship });
      await view.submit(fib, 20);
      const start = performance.now();
      if ((await view.submit(fib, FIB)) !== 196_418) throw new Error("A result is wrong");
      return { [RUN]: performance.now() - start };
    },
  });
  return [run(REFERENCE, "reference"), run("by value", "value")];
}

const execute = promisify(execFile);

function mainSpeed(name: string, argument: string): Contender {
  const program = fileURLToPath(new URL("./ship/mainspeed.js", import.meta.url));
  const sample = async () => {
    const { stdout } = await execute(process.execPath, [program, argument]);
    const speed = JSON.parse(stdout) as { await: number; throw: number };
    return { [AWAIT]: speed.await, [THROW]: speed.throw };
  };
  return { name, kind: "ours", sample };
}

function judge(bench: Bench): void {
  const over = (name: string) => median(bench.samples(CPU, name)) - median(bench.samples(CPU, DECLARED));
  bench.goal({ text: "by reference: µs of main CPU over task()", value: over(REFERENCE), atMost: 1 });
  bench.goal({ text: "closure: µs of main CPU over task()", value: over(CLOSURE), atMost: 150 });
  bench.goal({
    text: "code by value: times by reference",
    value: bench.ratio(RUN, "by value", REFERENCE),
    atMost: 1.15,
  });
  // Each sample is the fastest of many in one process; a whole process may have had the slower core.
  const least = (measure: string, name: string) => Math.min(...bench.samples(measure, name));
  for (const measure of [AWAIT, THROW]) {
    const value = least(measure, AFTER) / least(measure, BEFORE);
    bench.goal({ text: `${measure}, ${AFTER}: times ${BEFORE}`, value, atMost: 1.05 });
  }
}
