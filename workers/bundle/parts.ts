// What is loaded from files beside the package's code: piscina, the parser, the code of a thread. In a program that was
// bundled there are no such files. There they come as code of one more module (`inline`), which bundlers put in a chunk
// that is loaded by the first pool only, and a thread is started with its code as text.
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

/** In a program that was bundled. */
export function setParts(parts: Parts): void {
  inline = parts;
}

/** Whether there is nothing to wait for before they are used. */
export function hasParts(): boolean {
  return inline !== null || !isBundled();
}

export function parts(): Parts {
  return inline ?? files;
}

const files: Parts = {
  get acorn() {
    return require("acorn") as typeof acorn;
  },
  get piscina() {
    return require("piscina") as typeof Piscina;
  },
  get threads() {
    return require("node:worker_threads") as typeof import("node:worker_threads");
  },
};

/** What piscina loads in a thread: a file, or what the text of a thread knows by this name. */
export function threadFile(): string {
  return inline === null
    ? fileURLToPath(new URL("workers/thread/entry.cjs", PACKAGE_ROOT))
    : "threadloop:session";
}
