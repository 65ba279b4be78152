// These are modules written for one run: nobody has shipped anything of them yet, and they are as large as the
// question needs.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export type Job = (n: number) => number;

export interface Written {
  readonly first: Job;
  readonly next: Job;
  /** Makes a closure; each maker is another place in the source. */
  readonly makers: readonly ((base: number) => Job)[];
}

export interface Folder {
  /** Writes and imports another module. */
  module(makers: number): Promise<Written>;
  /** A closure over so many variables. */
  capturing(count: number): Promise<Job>;
  remove(): Promise<void>;
}

export async function writtenModules(): Promise<Folder> {
  const folder = await mkdtemp(join(tmpdir(), "threadloop-"));
  let count = 0;
  async function write<T>(text: string): Promise<T> {
    const file = join(folder, `module${count++}.mjs`);
    await writeFile(file, text);
    return (await import(pathToFileURL(file).href)) as T;
  }
  return {
    module: (makers) => write<Written>(moduleText(makers)),
    capturing: async (variables) => (await write<{ make(): Job }>(capturingText(variables))).make(),
    remove: () => rm(folder, { recursive: true }),
  };
}

function moduleText(makers: number): string {
  const made = Array.from({ length: makers }, (_, i) => `  (base) => (n) => n + base + ${i},`);
  return `export const first = (n) => n + 1;
export const next = (n) => n + 1;
export const makers = [
${made.join("\n")}
];
`;
}

function capturingText(count: number): string {
  const names = Array.from({ length: count }, (_, i) => `v${i}`);
  return `export function make() {
  let ${names.map((name) => `${name} = 0`).join(", ")};
  return (n) => n + 1 + ${names.join(" + ")};
}
`;
}
