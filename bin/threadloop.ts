#!/usr/bin/env node
// This is the command: it looks into running processes that use threadloop, which need no preparation, explains
// errors, measures functions, and is a machine of a cluster.

import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { printableLines } from "../src/errors/printable.ts";
import { explain } from "./explain.ts";
import { flagsOf, positive } from "./flags.ts";
import { Problem } from "./problem.ts";
import { ps, pstree } from "./ps.ts";
import { trace } from "./trace.ts";

const USAGE = `Usage:
  threadloop ps PID|redis://HOST:PORT           the tasks of every thread of a running process, as a table; of a cluster,
                                                its machines, their tasks and jobs, and what waits for them
  threadloop pstree PID|redis://HOST:PORT       the same as a tree: each task below the one that awaits it
  threadloop top PID|redis://HOST:PORT          the same live, with pools, rates and functions: in a terminal, with keys
  threadloop trace PID [--seconds N] [-o FILE]  a timeline of its threads and tasks, for https://ui.perfetto.dev
  threadloop doctor PID | -- COMMAND...         which functions block the loop of a process, and what a thread would bring
  threadloop compare FILE[#EXPORT]              whether it pays to run a function of yours in threads, measured
  threadloop explain NAME                       when an error, a code or a warning comes, and what to do
  threadloop worker --url redis://HOST:PORT     a machine of a cluster: \`threadloop worker --help\` tells more
Options:
  --queue NAME    the queue of the cluster (default "default"). THREADLOOP_CLUSTER_SECRET has the secret of its machines,
                  and "cluster" stands for the address in THREADLOOP_CLUSTER_URL
  --every MS      milliseconds between two looks of top (default 1000)
  --seconds N     how long to trace or to watch (default 10; a program that doctor starts: until it ends)
  --calls         doctor counts calls too, for which V8 optimizes nothing meanwhile
  -o, --output F  the file of the trace (default a new threadloop-PID.json), or of the picture of a comparison (SVG),
                  or of the diagnosis
  --port N        the port of the process's inspector, where it cannot be found out (default 9229)
  --args JSON     the arguments that are compared with, as a list: '[30, "abc"]'
  --inputs F      several such lists: a .json file with a list of them, a .jsonl file with one a line, a module that
                  exports them by default, or any other file, whose text is the one argument
  --threads N     threads to compare with (default one a processor)
  --rounds N      how often each figure is measured (default 9)
  --timeout N     milliseconds that the first call may last (default 60000)
  --json          tells the comparison or the diagnosis as JSON
  --version       tells the version
  --help          shows this
Exit codes: 0 done, 1 a problem; of compare 0 threads pay, 3 they do not, 4 it cannot be told (a busy machine);
of doctor 0 there is nothing to do, 3 there is, 4 it cannot be told; of a program that it starts and fails, its own`;

async function main(): Promise<void> {
  const [first, ...args] = process.argv.slice(2);
  if (first === "worker") {
    const { worker } = await import("./worker.ts");
    return worker(args);
  }
  const { values, positionals } = parseArguments();
  const [command, target, ...more] = positionals;
  if (command === "doctor" && process.argv.includes("--")) {
    const { doctorOf } = await import("./doctor/doctor.ts");
    const at = process.argv.indexOf("--");
    if (positionals.length > process.argv.length - at)
      throw new Problem("Expected a PID or a command after --, got both");
    return tell(await doctorOf(process.argv.slice(at + 1), doctorSettings(values)));
  }
  if (values.version === true) {
    console.log(version());
    return;
  }
  if (values.help === true || command === undefined) {
    console.log(USAGE);
    return;
  }
  const run = COMMANDS[command];
  if (run === undefined) throw new Problem(`There is no command \`${command}\`\n${USAGE}`);
  if (more.length > 0) {
    const wanted = ({ compare: "FILE", explain: "NAME" } as Record<string, string>)[command] ?? "PID";
    throw new Problem(`Expected one ${wanted}, got ${positionals.slice(1).join(" ")}`);
  }
  tell(await run(target, values));
}

/** Prints, and ends. */
function tell({ text, code }: Outcome): void {
  // A module that was compared may have left something that keeps the process alive.
  process.stdout.write(text === "" ? "" : `${printableLines(text)}\n`, () => process.exit(code));
}

type Values = ReturnType<typeof parseArguments>["values"];

interface Outcome {
  readonly text: string;
  readonly code: number;
}

const COMMANDS: Readonly<Record<string, (target: string | undefined, values: Values) => Promise<Outcome>>> = {
  ps: async (target, { port, queue }) => {
    const url = addressIn(target);
    if (url === null) return done(await ps(positive("PID", target), positive("--port", port)));
    const { psOfCluster } = await import("./cluster.ts");
    return done(await psOfCluster(url, queue));
  },
  pstree: async (target, { port, queue }) => {
    const url = addressIn(target);
    if (url === null) return done(await pstree(positive("PID", target), positive("--port", port)));
    const { pstreeOfCluster } = await import("./cluster.ts");
    return done(await pstreeOfCluster(url, queue));
  },
  top: async (target, { port, every, queue }) => {
    const interval = positive("--every", every);
    const url = addressIn(target);
    if (url !== null) {
      const { topOfCluster } = await import("./cluster.ts");
      return done(await topOfCluster(url, queue, interval));
    }
    const { top } = await import("./top.ts");
    return done(await top(positive("PID", target), positive("--port", port), interval));
  },
  trace: async (target, { port, seconds, output }) =>
    done(
      await trace(
        positive("PID", target),
        positive("--port", port),
        optional("--seconds", seconds) ?? 10,
        output,
      ),
    ),
  doctor: async (target, values) => {
    const pid = positive("PID", target);
    const { doctor } = await import("./doctor/doctor.ts");
    return doctor(pid, doctorSettings(values));
  },
  explain: async (target) => done(explain(target)),
  compare: async (target, { threads, rounds, timeout, ...values }) => {
    if (target === undefined) throw new Problem(`Expected FILE[#EXPORT], got nothing\n${USAGE}`);
    const { compare } = await import("./compare.ts"); // loads the pool
    return compare(target, {
      ...values,
      threads: optional("--threads", threads),
      rounds: optional("--rounds", rounds),
      timeout: optional("--timeout", timeout),
    });
  },
};

/** The address of a cluster's Redis, or null where a process is meant. */
function addressIn(target: string | undefined): string | null {
  if (target !== "cluster") return target?.includes("://") === true ? target : null;
  const url = process.env.THREADLOOP_CLUSTER_URL;
  if (url === undefined) throw new Problem("THREADLOOP_CLUSTER_URL, the address of the cluster, is not set");
  return url;
}

function doctorSettings({ port, seconds, json, calls, output }: Values) {
  return {
    port: positive("--port", port),
    seconds: optional("--seconds", seconds) ?? null,
    json: json === true,
    calls: calls === true,
    output,
  };
}

function done(text: string): Outcome {
  return { text, code: 0 };
}

function parseArguments() {
  return flagsOf(
    {
      allowPositionals: true,
      options: {
        port: { type: "string", default: "9229" },
        queue: { type: "string", default: "default" },
        every: { type: "string", default: "1000" },
        seconds: { type: "string" },
        calls: { type: "boolean" },
        output: { type: "string", short: "o" },
        args: { type: "string" },
        inputs: { type: "string" },
        threads: { type: "string" },
        rounds: { type: "string" },
        timeout: { type: "string" },
        json: { type: "boolean" },
        version: { type: "boolean", short: "v" },
        help: { type: "boolean", short: "h" },
      },
    },
    USAGE,
  );
}

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function optional(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : positive(name, text);
}

// A command that stands still (Ctrl-Z) would keep the inspector of the process that it looks into open.
process.on("SIGTSTP", () =>
  console.error("threadloop: this command cannot be stopped in between; Ctrl-C ends it"),
);

main().catch((error: unknown) => {
  const text = error instanceof Problem ? `threadloop: ${printableLines(error.message)}` : inspect(error);
  process.stderr.write(`${text}\n`, () => process.exit(1));
});
