// These tests keep the catalogue of errors complete: what the package can throw or warn of has an entry, and nothing
// else has.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesBelow, root } from "../support/examples.ts";

const page = readFileSync(join(root, "docs/errors.md"), "utf8");
const titles = [...page.matchAll(/^### (\S+)$/gm)].map(([, title]) => title!);

const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports: object };
const entries = Object.keys(exports).filter((entry) => entry !== "./package.json");

async function errorClasses(): Promise<string[]> {
  const modules = await Promise.all(entries.map((entry) => import(join("threadloop", entry))));
  const named = modules.flatMap((module: object) => Object.entries(module));
  return named.filter(([, value]) => value?.prototype instanceof Error).map(([name]) => name);
}

/** Node's own codes, which are looked at or thrown as Node has them, and the environment variables. */
const OTHERS =
  /^(ERR_MODULE_NOT_FOUND|ERR_UNKNOWN_FILE_EXTENSION|ERR_ACCESS_DENIED|ERR_BUFFER_TOO_LARGE|ERR_WORKER_\w+|THREADLOOP_DEBUG)$/;

const sources = ["src", "workers", "compare", "cluster", "bin"].flatMap((folder) => [
  ...filesBelow(folder, ".ts"),
  ...filesBelow(folder, ".cts"),
]);
const texts = sources.map((file) => readFileSync(join(root, file), "utf8"));
const codes = texts.flatMap((text) =>
  [...text.matchAll(/"((?:ERR|THREADLOOP)_[A-Z_]+)"/g)]
    .map(([, code]) => code!)
    .filter((code) => !OTHERS.test(code)),
);

describe("docs/errors.md", () => {
  it("has an entry for each class of errors and each code, and for nothing else", async () => {
    const all = new Set([...(await errorClasses()), ...codes]);
    expect(all.size).toBeGreaterThan(40);
    expect([...titles].sort()).toEqual([...all].sort());
  });

  it("says of each which it extends that is not an Error of the language", async () => {
    const modules: object[] = await Promise.all(entries.map((entry) => import(join("threadloop", entry))));
    const classes = new Map(modules.flatMap((module) => Object.entries(module)));
    for (const name of await errorClasses()) {
      const base = Object.getPrototypeOf(classes.get(name)).name as string;
      const [, entry = ""] = new RegExp(`^### ${name}\\n([^#]*)`, "m").exec(page) ?? [];
      if (base !== "Error") expect(entry, name).toMatch(new RegExp(`extends ${base}|is an ${base}`));
    }
  });

  it("is named by every warning: none is emitted in another way", () => {
    const emitting = sources.filter((_, i) => /process\.emitWarning\(/.test(texts[i]!));
    expect(emitting.filter((file) => !/errors\/warning\.ts$/.test(file))).toEqual([]);
  });
});
