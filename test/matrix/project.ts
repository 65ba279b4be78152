/** A folder of its own outside this package, with threadloop and tools in its node_modules. */
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Makes the folder from `test/fixtures/matrix/<fixture>`; `packages` are those of this package's node_modules that it
 * needs beside threadloop.
 */
export function makeProject(fixture: string, packages: readonly string[] = []): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "threadloop-")));
  cpSync(join(root, "test/fixtures/matrix", fixture), folder, { recursive: true });
  for (const name of packages) link(folder, name, join(root, "node_modules", name));
  link(folder, "threadloop", root);
  return folder;
}

export function removeProject(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function link(folder: string, name: string, target: string): void {
  const path = join(folder, "node_modules", name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, "dir");
}
