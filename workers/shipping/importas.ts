// This is `import(specifier)` as another file would do it: the specifier is resolved from that file, with Node's own
// loader. The API is experimental in every Node so far and warns once per thread, which nobody who uses a pool can
// act on.
import { fileURLToPath } from "node:url";
import { compileFunction, constants } from "node:vm";
import { LruMap } from "./lrumap.ts";

/** The `importModuleDynamically` option under which compiled code imports with Node's default loader; absent in old Nodes. */
export const defaultLoader: typeof constants.USE_MAIN_CONTEXT_DEFAULT_LOADER | undefined =
  constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;

type Importer = (specifier: string) => Promise<Record<string, unknown>>;

const importers = new LruMap<string, Importer>(100);

/** Imports `specifier` as the file `from` (a file: URL) would. */
export function importAs(from: string, specifier: string): Promise<Record<string, unknown>> {
  let importer = importers.get(from);
  if (!importer) {
    importer = quietly(() =>
      compileFunction("return import(specifier)", ["specifier"], {
        // A file of that folder, but not that file: coverage would be counted for it.
        filename: fileURLToPath(new URL("threadloop.import", from)),
        importModuleDynamically: defaultLoader!,
      }),
    ) as Importer;
    importers.set(from, importer);
  }
  return quietly(() => importer(specifier));
}

/** Runs `compile` without the warning that Node gives for the option above. */
export function quietly<T>(compile: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return compile();
  } finally {
    process.emitWarning = emitWarning;
  }
}

let silenced = false;

/** Worker side: keeps that warning away for good, since shipped code may call `import()` at any time. */
export function silenceLoaderWarning(): void {
  if (silenced) return;
  silenced = true;
  const { emitWarning } = process;
  const filtered = (...args: unknown[]): void => {
    const text = args[0] instanceof Error ? args[0].message : String(args[0]);
    if (!text.includes("USE_MAIN_CONTEXT_DEFAULT_LOADER")) Reflect.apply(emitWarning, process, args);
  };
  process.emitWarning = filtered as typeof process.emitWarning;
}
