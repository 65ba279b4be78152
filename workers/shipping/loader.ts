// This says how this program loads its modules, as far as its worker threads have to know.
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { requireFrom } from "../../src/core.ts";

/** What a worker needs to load the same modules: the options of its thread, and a loader to register in it. */
export interface ThreadLoader {
  /** For `new Worker`; undefined: inherit. */
  readonly execArgv?: string[];
  /** The URL of a module with `register()`, to be called before anything is imported. */
  readonly register?: string;
}

/** How threads of this program are to be started, so that they can load what this thread can. */
export function threadLoader(): ThreadLoader {
  const register = tsxForOldNode();
  // `node --input-type=module -e` applies to the program's text only; a worker refuses it.
  const execArgv = without(process.execArgv, (flag) => TEXT_FLAGS.includes(flag));
  return {
    ...(execArgv.length < process.execArgv.length && { execArgv: acceptable(execArgv) }),
    ...(register !== undefined && { register }),
  };
}

/** The flags of a program that is given as text. */
const TEXT_FLAGS: readonly string[] = ["--input-type", "-e", "--eval"];
/** A flag that no thread takes, so that none is started to find out which others it would not take. */
const REFUSED = "--expose-gc";

/**
 * Flags without those of the whole process, such as V8's, which threads have all the same: Node refuses them where they
 * are given to one thread. It names them, as the first thing that is done with a new Worker.
 */
function acceptable(flags: readonly string[]): string[] {
  try {
    new Worker("", { eval: true, execArgv: [REFUSED, ...flags] }).terminate();
  } catch (error) {
    const { message } = error as Error;
    const named = `, ${message.slice(message.indexOf(": ") + 2)}, `;
    return without(flags, (flag, option) => named.includes(`, ${option}, `) || named.includes(`, ${flag}, `));
  }
  return [...flags];
}

/** Leaves out options by their flag, each with its value, which may follow as an argument of its own. */
function without(options: readonly string[], isOut: (flag: string, option: string) => boolean): string[] {
  const rest: string[] = [];
  for (let at = 0; at < options.length; at++) {
    const option = options[at] as string;
    const flag = option.split("=", 1)[0] as string;
    if (!option.startsWith("-") || !isOut(flag, option)) rest.push(option);
    else if (flag === option && options[at + 1]?.startsWith("-") === false) at++;
  }
  return rest;
}

/** Worker side: makes the program's loader work in this thread. */
export async function installLoader(loader: ThreadLoader): Promise<void> {
  if (loader.register === undefined) return;
  const { register } = (await import(loader.register)) as { register: () => unknown };
  register();
}

/** Whether the loader of a file drops imports that are used as types only: then not all that is written is loaded. */
export function mayElideImports(url: string): boolean {
  return /\.[cm]?tsx?$/.test(url) && (!stripsTypes() || usesTsx());
}

function stripsTypes(): boolean {
  return (process.features as { typescript?: string | false }).typescript === "strip";
}

function usesTsx(): boolean {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ""];
  return options.some((option) => option.includes("tsx"));
}

/** In Node 20 the hooks that tsx registers do not reach worker threads. */
function tsxForOldNode(): string | undefined {
  if (!usesTsx() || Number.parseInt(process.versions.node, 10) >= 22) return undefined;
  try {
    const path = requireFrom(pathToFileURL(process.argv[1] ?? `${process.cwd()}/`)).resolve("tsx/esm/api");
    return pathToFileURL(path.replace(/\.cjs$/, ".mjs")).href;
  } catch {
    return undefined;
  }
}
