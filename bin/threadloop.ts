#!/usr/bin/env node
// The command: looks into running processes that use threadloop. They need no preparation.

import { parseArgs } from "node:util";
import { Problem } from "./problem.ts";
import { ps, pstree } from "./ps.ts";
import { trace } from "./trace.ts";

const USAGE = `Usage:
  threadloop ps PID                             the tasks of every thread of a running process, as a table
  threadloop pstree PID                         the same as a tree: each task below the one that awaits it
  threadloop trace PID [--seconds N] [-o FILE]  a timeline of its threads and tasks, for https://ui.perfetto.dev
Options:
  --seconds N     how long to trace (default 10)
  -o, --output F  the file of the trace (default threadloop-PID.json)
  --port N        the port of the process's inspector, where it cannot be found out (default 9229)
  --help          shows this`;

async function main(): Promise<void> {
  const { values, positionals } = parseArguments();
  const [command, target, ...more] = positionals;
  if (values.help === true || command === undefined) {
    console.log(USAGE);
    return;
  }
  const run = COMMANDS[command];
  if (run === undefined) throw new Problem(`There is no command \`${command}\`\n${USAGE}`);
  if (more.length > 0) throw new Problem(`Expected one PID, got ${positionals.slice(1).join(" ")}`);
  console.log(await run(positive("PID", target), positive("--port", values.port), values));
}

interface Options {
  readonly seconds: string;
  readonly output?: string | undefined;
}

const COMMANDS: Readonly<Record<string, (pid: number, port: number, options: Options) => Promise<string>>> = {
  ps,
  pstree,
  trace: (pid, port, { seconds, output }) =>
    trace(pid, port, positive("--seconds", seconds), output ?? `threadloop-${pid}.json`),
};

function parseArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        port: { type: "string", default: "9229" },
        seconds: { type: "string", default: "10" },
        output: { type: "string", short: "o" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new Problem(`${(error as Error).message}\n${USAGE}`);
  }
}

function positive(name: string, text: string | undefined): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Problem(
    `Expected ${name} to be a positive integer, got ${text === undefined ? "nothing" : `\`${text}\``}`,
  );
}

main().catch((error: unknown) => {
  console.error(error instanceof Problem ? `threadloop: ${error.message}` : error);
  process.exitCode = 1;
});
