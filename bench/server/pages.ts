// This is the real input: README files of the installed packages, text that nobody wrote for a benchmark. Sorted by
// package name, and without packages that only some platforms install, so that equal lock files give equal pages.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export interface Page {
  readonly name: string;
  readonly markdown: string;
}

const SHORTEST = 4_000;
const LONGEST = 64_000;

/** Reads the README files between 2,000 and 64,000 characters of the packages in `nodeModules`, sorted by name. */
export async function findPages(nodeModules: string): Promise<Page[]> {
  const names = await packageNames(nodeModules);
  const found = await Promise.all(names.map((name) => readPage(join(nodeModules, name), name)));
  const pages = found.filter((page) => page !== undefined);
  if (pages.length === 0) {
    throw new Error(
      `Expected README files of installed packages in ${nodeModules}, found none: run \`npm ci\` first`,
    );
  }
  return pages;
}

/** Identifies a list of pages, so that two runs can tell whether they rendered the same text. */
export function fingerprint(pages: readonly Page[]): string {
  const hash = createHash("sha256");
  for (const { name, markdown } of pages) hash.update(`${name}\0${markdown}\0`);
  return hash.digest("hex").slice(0, 16);
}

async function packageNames(nodeModules: string): Promise<string[]> {
  const entries = await readdir(nodeModules, { withFileTypes: true });
  const folders = entries.filter((entry) => !entry.isFile() && !entry.name.startsWith("."));
  const names = folders.map(async ({ name }) =>
    name.startsWith("@")
      ? (await readdir(join(nodeModules, name))).map((inner) => `${name}/${inner}`)
      : [name],
  );
  return (await Promise.all(names)).flat().sort();
}

async function readPage(folder: string, name: string): Promise<Page | undefined> {
  const readme = (await readdir(folder)).find((file) => file.toLowerCase() === "readme.md");
  if (readme === undefined || (await isForOnePlatform(folder))) return undefined;
  const markdown = await readFile(join(folder, readme), "utf8");
  return markdown.length >= SHORTEST && markdown.length <= LONGEST ? { name, markdown } : undefined;
}

async function isForOnePlatform(folder: string): Promise<boolean> {
  const manifest: { os?: string[]; cpu?: string[] } = JSON.parse(
    await readFile(join(folder, "package.json"), "utf8"),
  );
  return manifest.os !== undefined || manifest.cpu !== undefined;
}
