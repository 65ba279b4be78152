/** This makes a folder of its own outside this package, with threadloop and tools in its node_modules. */
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

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

/**
 * Bun, for processors of any age, and Deno: of one version, so that no release of theirs decides what is seen here, and
 * as the file that runs, which needs no script of an installation.
 */
export const otherRuntimes = {
  packages: ["@oven/bun-linux-x64-baseline@1.4.5", "@deno/linux-x64-glibc@2.9.6"],
  bun: "node_modules/@oven/bun-linux-x64-baseline/bin/bun",
  deno: "node_modules/@deno/linux-x64-glibc/deno",
} as const;

/** How long the hook may take that installs packages. */
export const INSTALLING = 920_000;

/** Installs what the folder's package.json names, or `packages`; what breaks off on its way is tried again. */
export async function installPackages(folder: string, packages: readonly string[] = []): Promise<void> {
  const options = ["--no-audit", "--no-fund", ...(packages.length === 0 ? [] : ["--no-save"])];
  for (let attempt = 1; ; attempt += 1) {
    try {
      mkdirSync(folder, { recursive: true });
      await promisify(execFile)("npm", ["install", "--prefix", folder, ...options, ...packages], {
        cwd: folder,
        timeout: 300_000,
      });
      return;
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

export function removeProject(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function link(folder: string, name: string, target: string): void {
  const path = join(folder, "node_modules", name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, "dir");
}
