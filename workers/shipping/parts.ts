// This is what is loaded from files beside the package's code: piscina, the parser, the code of a thread. In a
// program that was bundled there are no such files. There they come as code of one more module (`inline`), which
// bundlers put in a chunk that is loaded by the first pool only, and a thread is started with its code as text.
import { fileURLToPath } from "node:url";
import type * as acorn from "acorn";
import type * as Piscina from "piscina";
import { isBundled, PACKAGE_ROOT, requireFrom } from "../../src/core.ts";

export interface Parts {
  readonly acorn: Pick<typeof acorn, "parse">;
  readonly piscina: Pick<typeof Piscina, "Piscina">;
  /** What piscina has `Worker` from. */
  readonly threads: { Worker: typeof import("node:worker_threads").Worker };
}

let inline: Parts | null = null;
const require = requireFrom();

let load: (() => Promise<Parts>) | null = null;
let loading: Promise<void> | null = null;

/** Says what loads them in a program that was bundled. */
export function setPartsLoader(loader: () => Promise<Parts>): void {
  load = loader;
}

/** To be awaited before a function is sent or a thread started; null when there is nothing to wait for. */
export function loadParts(): Promise<void> | null {
  if (inline !== null || load === null || !isBundled()) return null;
  loading ??= load().then(
    (parts) => {
      inline = parts;
    },
    (error) => {
      loading = null;
      throw error;
    },
  );
  return loading;
}

export function parts(): Parts {
  return inline ?? files;
}

const files: Parts = {
  get acorn() {
    return require("acorn") as typeof acorn;
  },
  get piscina() {
    return require(fileURLToPath(new URL("workers/piscina/main.cjs", PACKAGE_ROOT))) as typeof Piscina;
  },
  get threads() {
    return require("node:worker_threads") as typeof import("node:worker_threads");
  },
};

/** What piscina loads in a thread: a file, or what the text of a thread knows by this name. */
export function threadFile(): string {
  return inline === null ? fileURLToPath(new URL("workers/entry.cjs", PACKAGE_ROOT)) : "threadloop:session";
}
