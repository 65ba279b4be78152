/** A folder of its own outside this package, with threadloop and tools in its node_modules. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Makes the folder from `test/fixtures/matrix/<fixture>`, or from the folder of this path; `packages` are those of this
 * package's node_modules that it needs beside threadloop.
 */
export function makeProject(fixture: string, packages: readonly string[] = []): string {
  const folder = makeFolder(fixture, packages);
  link(folder, "threadloop", root);
  return folder;
}

/** The same with threadloop as it is packed: what the tarball holds, and its dependencies beside it. */
export function makePackedProject(fixture: string, packages: readonly string[] = []): string {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const folder = makeFolder(fixture, [...packages, ...Object.keys(dependencies)]);
  const unpacked = join(folder, "node_modules/threadloop");
  mkdirSync(unpacked);
  const tarball = join(folder, packPackage(folder));
  execFileSync("tar", ["-xzf", tarball, "-C", unpacked, "--strip-components=1"]);
  rmSync(tarball);
  return folder;
}

/** Packs what is built, and gives the name of the tarball. */
export function packPackage(folder: string): string {
  const output = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
  });
  const packed = JSON.parse(output) as { filename: string }[] | Record<string, { filename: string }>;
  return Object.values(packed)[0]!.filename;
}

/** Makes the folder without threadloop. */
export function makeFolder(fixture: string, packages: readonly string[]): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "threadloop-")));
  cpSync(resolve(root, "test/fixtures/matrix", fixture), folder, {
    recursive: true,
    filter: (source) => !/^(?:node_modules|\.next)$/.test(basename(source)),
  });
  for (const name of packages) link(folder, name, join(root, "node_modules", name));
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
