// How this program loads its modules, as far as its worker threads have to know.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

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
  const execArgv = process.execArgv.filter((option) => !option.startsWith("--input-type"));
  return {
    ...(execArgv.length < process.execArgv.length && { execArgv }),
    ...(register !== undefined && { register }),
  };
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
    const path = createRequire(pathToFileURL(process.argv[1] ?? `${process.cwd()}/`)).resolve("tsx/esm/api");
    return pathToFileURL(path.replace(/\.cjs$/, ".mjs")).href;
  } catch {
    return undefined;
  }
}
