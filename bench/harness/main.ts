// npm run bench [-- NAME... --quick --json FILE --baseline FILE --results FOLDER]
import { fork } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, parse } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compareRuns } from "./baseline.ts";
import { describeMachine, type Machine } from "./machine.ts";
import { plotAnswer } from "./plot.ts";
import { clearProgress, showProgress } from "./progress.ts";
import type { Answer } from "./question.ts";
import { formatAllGoals, formatAnswer } from "./table.ts";

const USAGE = `npm run bench                 every question of bench/
npm run bench -- NAME...      only these
  --list                      names the questions
  --quick                     few rounds and small counts: does it run, not how fast
  --json FILE                 writes all figures of the run to FILE
  --baseline FILE             compares with a run that --json wrote, say of another commit
  --results FOLDER            where tables and plots go (default: bench/results)`;

interface Run {
  readonly machine: Machine;
  readonly quick: boolean;
  readonly answers: readonly Answer[];
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    baseline: { type: "string" },
    results: { type: "string", default: fileURLToPath(new URL("../../../bench/results", import.meta.url)) },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const known = readdirSync(new URL("..", import.meta.url))
  .filter((file) => file.endsWith(".js"))
  .map((file) => parse(file).name);
const unknown = positionals.filter((name) => !known.includes(name));
if (options.help) console.log(USAGE);
else if (options.list) console.log(known.join("\n"));
else if (unknown.length > 0)
  fail(`No question is called ${unknown.join(", ")}. There are: ${known.join(", ")}`);
else await main(positionals.length > 0 ? positionals : known);

async function main(names: readonly string[]): Promise<void> {
  const baseline = options.baseline === undefined ? undefined : readRun(options.baseline);
  const machine = describeMachine();
  console.log(formatMachine(machine));
  const answers: Answer[] = [];
  for (const [index, name] of names.entries()) {
    const answer = await ask(name, `[${index + 1}/${names.length}] ${name}`);
    if (answer === undefined) continue;
    answers.push(answer);
    write({ machine, quick: options.quick, answers }); // at once, as a run that is broken off has taken long
    console.log(`\n${formatAnswer(answer)}`);
  }
  if (baseline !== undefined) console.log(`\nBefore and now\n${compareRuns(answers, baseline.answers)}`);
  console.log(`\n${summary(answers)}`);
}

// A question that fails takes nothing with it: the others are asked, and the exit code tells.
function ask(name: string, label: string): Promise<Answer | undefined> {
  const arguments_ = [name, options.quick ? "quick" : "full"];
  const child = fork(new URL("./child.js", import.meta.url), arguments_, { execArgv: ["--expose-gc"] });
  let answer: Answer | undefined;
  child.on("message", (message: { progress?: string; answer?: Answer }) => {
    if (message.progress !== undefined) showProgress(label, message.progress);
    answer = message.answer ?? answer;
  });
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      clearProgress();
      if (answer === undefined || code !== 0) fail(`${name} failed: ${signal ?? `exit code ${code}`}`);
      resolve(answer);
    });
  });
}

function write(run: Run): void {
  mkdirSync(options.results, { recursive: true });
  for (const answer of run.answers) {
    const single = { machine: run.machine, quick: run.quick, answers: [answer] };
    writeFileSync(join(options.results, `${answer.question}.json`), `${JSON.stringify(single, null, 1)}\n`);
    writeFileSync(
      join(options.results, `${answer.question}.txt`),
      `${formatMachine(run.machine)}\n\n${formatAnswer(answer)}\n`,
    );
    const svg = plotAnswer(answer);
    if (svg !== undefined) writeFileSync(join(options.results, `${answer.question}.svg`), svg);
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(run)}\n`);
}

function readRun(file: string): Run {
  const run = JSON.parse(readFileSync(file, "utf8")) as Run;
  if (!Array.isArray(run.answers)) throw new Error(`${file} is no run: expected a file that --json wrote`);
  return run;
}

function formatMachine({ cpu, cores, memoryGb, os, node, v8, load }: Machine): string {
  const busy =
    load > 0.5 ? `; other processes are running (load ${load.toFixed(1)}), so read ratios, not times` : "";
  return `Node ${node} (V8 ${v8}) on ${cores} cores of ${cpu}, ${memoryGb} GB, ${os}${busy}`;
}

function summary(answers: readonly Answer[]): string {
  const goals = options.quick ? "a quick run judges no goals" : `Goals\n${formatAllGoals(answers)}`;
  return `${goals}\nfigures and plots: ${options.results}`;
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}
