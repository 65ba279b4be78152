// This is CPython beside us: a python3 that answers questions on its standard input, where there is one.
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Bench, Contender, Sample } from "../harness/question.ts";

export interface Python {
  readonly name: string;
  /** Sends a line, and returns the number it is answered with. */
  ask(question: string): Promise<number>;
  close(): void;
}

/** The loops of CPython: asyncio's own and, where installed, uvloop, both in the same interpreter. */
export function startLoops(bench: Bench): Python[] {
  const uvloop = findPython("import asyncio, uvloop");
  const python = uvloop ?? findPython("import asyncio");
  if (python === undefined) bench.skip("asyncio and uvloop", "there is no python3 here");
  else if (uvloop === undefined)
    bench.skip("uvloop", "no python3 here can import it (Debian: python3-uvloop)");
  if (python === undefined) return [];
  bench.note(`asyncio and uvloop: Python ${versionOf(python)}`);
  const loops = uvloop === undefined ? ["asyncio"] : ["asyncio", "uvloop"];
  return loops.map((loop) => start(python, loop, "asyncio_loop.py", [loop]));
}

/** asyncio's `run_in_executor` with a ThreadPoolExecutor and with a ProcessPoolExecutor. */
export function startExecutors(bench: Bench, size: number): Python[] {
  const python = findPython("import asyncio");
  if (python === undefined) bench.skip("asyncio's executors", "there is no python3 here");
  if (python === undefined) return [];
  return ["thread", "process"].map((kind) =>
    start(python, `asyncio, ${kind} pool`, "asyncio_pools.py", [kind, String(size)]),
  );
}

/** Makes a contender of a Python: what it asks, and under which measure each answer counts. */
export function contenderOf(
  python: Python,
  questions: Readonly<Record<string, string>>,
  rounds?: number,
): Contender {
  return {
    name: python.name,
    ...(rounds !== undefined && { rounds }),
    async sample() {
      const sample: Record<string, number> = {};
      for (const [measure, question] of Object.entries(questions))
        sample[measure] = await python.ask(question);
      return sample satisfies Sample;
    },
  };
}

// Debian's own interpreter is the one its python3-uvloop belongs to, whatever comes first on the PATH.
const INTERPRETERS = ["python3", "/usr/bin/python3"];

function findPython(code: string): string | undefined {
  return INTERPRETERS.find((python) => spawnSync(python, ["-c", code], { stdio: "ignore" }).status === 0);
}

function versionOf(python: string): string {
  return spawnSync(python, ["-c", "import platform; print(platform.python_version())"], {
    encoding: "utf8",
  }).stdout.trim();
}

function start(python: string, name: string, script: string, options: readonly string[]): Python {
  const path = fileURLToPath(new URL(`../../../bench/peers/${script}`, import.meta.url));
  const child = spawn(python, [path, ...options], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name,
    async ask(question) {
      child.stdin.write(`${question}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${name} gave up on "${question}"`);
      return JSON.parse(value) as number;
    },
    close: () => child.stdin.end(),
  };
}
