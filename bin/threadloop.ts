#!/usr/bin/env node
// The command: looks into running processes that use threadloop, which need no preparation, and explains errors.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { printableLines } from "../src/errors/printable.ts";
import { explain } from "./explain.ts";
import { Problem } from "./problem.ts";
import { ps, pstree } from "./ps.ts";
import { trace } from "./trace.ts";

const USAGE = `Usage:
  threadloop ps PID                             the tasks of every thread of a running process, as a table
  threadloop pstree PID                         the same as a tree: each task below the one that awaits it
  threadloop trace PID [--seconds N] [-o FILE]  a timeline of its threads and tasks, for https://ui.perfetto.dev
  threadloop explain NAME                       when an error, a code or a warning comes, and what to do
Options:
  --seconds N     how long to trace (default 10)
  -o, --output F  the file of the trace (default a new threadloop-PID.json)
  --port N        the port of the process's inspector, where it cannot be found out (default 9229)
  --version       tells the version
  --help          shows this`;

async function main(): Promise<void> {
  const { values, positionals } = parseArguments();
  const [command, target, ...more] = positionals;
  if (values.version === true) {
    console.log(version());
    return;
  }
  if (values.help === true || command === undefined) {
    console.log(USAGE);
    return;
  }
  if (command === "explain") {
    console.log(explain(target));
    return;
  }
  const run = COMMANDS[command];
  if (run === undefined) throw new Problem(`There is no command \`${command}\`\n${USAGE}`);
  if (more.length > 0) throw new Problem(`Expected one PID, got ${positionals.slice(1).join(" ")}`);
  const text = await run(positive("PID", target), positive("--port", values.port), values);
  console.log(printableLines(text));
}

interface Options {
  readonly seconds: string;
  readonly output?: string | undefined;
}

const COMMANDS: Readonly<Record<string, (pid: number, port: number, options: Options) => Promise<string>>> = {
  ps,
  pstree,
  trace: (pid, port, { seconds, output }) => trace(pid, port, positive("--seconds", seconds), output),
};

function parseArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        port: { type: "string", default: "9229" },
        seconds: { type: "string", default: "10" },
        output: { type: "string", short: "o" },
        version: { type: "boolean", short: "v" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new Problem(`${(error as Error).message}\n${USAGE}`);
  }
}

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function positive(name: string, text: string | undefined): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Problem(
    `Expected ${name} to be a positive integer, got ${text === undefined ? "nothing" : `\`${text}\``}`,
  );
}

// A command that stands still (Ctrl-Z) would keep the inspector of the process that it looks into open.
process.on("SIGTSTP", () =>
  console.error("threadloop: this command cannot be stopped in between; Ctrl-C ends it"),
);

main().catch((error: unknown) => {
  console.error(error instanceof Problem ? `threadloop: ${printableLines(error.message)}` : error);
  process.exitCode = 1;
});
