#!/usr/bin/env node
// The command: looks into running processes that use threadloop. They need no preparation.

import { parseArgs } from "node:util";
import { Problem } from "./problem.ts";
import { ps, pstree } from "./ps.ts";

const USAGE = `Usage:
  threadloop ps PID                             the tasks of every thread of a running process, as a table
  threadloop pstree PID                         the same as a tree: each task below the one that awaits it
Options:
  --port N   the port of the process's inspector, where it cannot be found out (default 9229)
  --help     shows this`;

async function main(): Promise<void> {
  const { values, positionals } = parseArguments();
  const [command, process_] = positionals;
  if (values.help === true || command === undefined) {
    console.log(USAGE);
    return;
  }
  const commands: Record<string, (pid: number, port: number) => Promise<string>> = { ps, pstree };
  const run = commands[command];
  if (run === undefined) throw new Problem(`There is no command \`${command}\`\n${USAGE}`);
  console.log(await run(positive("PID", process_), positive("--port", values.port)));
}

function parseArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { port: { type: "string", default: "9229" }, help: { type: "boolean", short: "h" } },
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
