// This loads what a program that was bundled has in a chunk of its own: see `parts`.
import type { Parts } from "../shipping/parts.ts";
import { BrokenPoolError } from "../wire/errors.ts";

export async function loadInline(): Promise<Parts> {
  try {
    const { inline } = await import("./inline.ts");
    const { learnOwnExports } = await import("./ownexports.ts");
    learnOwnExports();
    return inline;
  } catch (error) {
    throw new BrokenPoolError(
      "This program was bundled, and the chunk with the code of threadloop's threads is missing beside it: copy the whole " +
        "folder that the bundler wrote, not its first file alone, or have it write one file",
      { cause: error },
    );
  }
}
