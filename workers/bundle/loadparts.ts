// Loads what a program that was bundled has in a chunk of its own: see `parts`.
import { BrokenPoolError } from "../wire/errors.ts";
import { learnOwnExports } from "./ownexports.ts";
import { hasParts, setParts } from "./parts.ts";

let loading: Promise<void> | null = null;

/** To be awaited before a function is sent or a thread started; null when there is nothing to wait for. */
export function loadParts(): Promise<void> | null {
  if (hasParts()) return null;
  loading ??= load();
  return loading;
}

async function load(): Promise<void> {
  try {
    const { inline } = await import("./inline.ts");
    learnOwnExports();
    setParts(inline);
  } catch (error) {
    loading = null;
    throw new BrokenPoolError(
      "This program was bundled, and the chunk with the code of threadloop's threads is missing beside it: copy the whole " +
        "folder that the bundler wrote, not its first file alone, or have it write one file",
      { cause: error },
    );
  }
}
