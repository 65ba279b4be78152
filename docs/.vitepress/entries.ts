/**
 * The entries of the package, as package.json exports them: each has a reference of its own. One that is added there
 * is here too.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Entry {
  /** What programs import: `threadloop/workers`. */
  readonly name: string;
  /** Its folder in the reference: `workers`. */
  readonly folder: string;
  /** Its rolled-up declarations. */
  readonly declarations: string;
  /** Where its exports are listed, with headings perhaps. */
  readonly sources: readonly string[];
}

/** The names of an entry as the reference shows them. */
export interface Contents extends Entry {
  readonly groups: readonly { readonly title: string; readonly names: readonly Name[] }[];
}

export interface Name {
  readonly name: string;
  /** Its page, below the folder of the reference. */
  readonly page: string;
  /** The first sentence of its docstring. */
  readonly summary: string;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

export const reference = join(root, "docs/reference");

export const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;

export const entries: readonly Entry[] = Object.entries(manifest.exports).flatMap(([path, target]) => {
  if (typeof target === "string") return [];
  const name = path.replace(/^\./, manifest.name);
  const folder = path === "." ? manifest.name : path.slice("./".length);
  const source = target.default.replace(/^\.\/dist\/(.*)\.js$/, "$1.ts");
  const sources = path === "." ? [source, "src/index.ts"] : [source];
  return [
    {
      name,
      folder,
      declarations: join(root, target.types),
      sources: sources.map((file) => join(root, file)).filter((file) => existsSync(file)),
    },
  ];
});
