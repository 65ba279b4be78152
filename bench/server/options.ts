// This is what `npm start -- --seconds 5` and the like mean, with the defaults.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** How a run is measured. */
export interface Settings {
  /** Where the input is looked for. */
  readonly nodeModules: string;
  /** Most pages to render. */
  readonly pages: number;
  /** How long each way is measured. */
  readonly seconds: number;
  /** How long each way is driven before that, to compile its code and fill its queues. */
  readonly warmup: number;
  /** How many clients there are. */
  readonly connections: number;
  /** How many threads render. */
  readonly workers: number;
  /** Milliseconds from one ping to the next. */
  readonly pingEvery: number;
}

export interface Options extends Settings {
  /** The folder that the figures and the picture are written to. */
  readonly out: string;
}

const root = fileURLToPath(new URL("../../..", import.meta.url));

const text = { type: "string" } as const;
const options = {
  seconds: text,
  warmup: text,
  connections: text,
  workers: text,
  "ping-every": text,
  pages: text,
  out: text,
};

/** Reads the command line; throws RangeError or TypeError that names the option. */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({ args, options });
  return {
    nodeModules: join(root, "node_modules"),
    out: values.out ?? join(root, "bench", "results"),
    seconds: positive("--seconds", values.seconds, 8),
    warmup: positive("--warmup", values.warmup, 5),
    pingEvery: positive("--ping-every", values["ping-every"], 10),
    connections: count("--connections", values.connections, 16),
    workers: count("--workers", values.workers, availableParallelism()),
    pages: count("--pages", values.pages, 40),
  };
}

function positive(name: string, given: string | undefined, otherwise: number): number {
  const value = given === undefined ? otherwise : Number(given);
  if (value > 0) return value;
  throw new RangeError(`Expected \`${name}\` to be a number above 0, got \`${given}\``);
}

function count(name: string, given: string | undefined, otherwise: number): number {
  const value = positive(name, given, otherwise);
  if (given === undefined || Number.isInteger(value)) return value;
  throw new RangeError(`Expected \`${name}\` to be a whole number, got \`${given}\``);
}
