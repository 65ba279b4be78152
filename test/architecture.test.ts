import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const map = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");

const sources = ["src", "workers", "compare", "cluster"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.c?ts$/.test(file))
    .map((file) => `${folder}/${file}`),
);

/** The folders of the map's tables, from the bottom up, each with the files that its row names. */
const wings = [...map.matchAll(/^\| `((?:src|workers|compare|cluster)\/(?:\w+\/)*)` \| ([^|]+) \|/gm)].map(
  ([, folder, files]) => ({
    folder: folder!,
    files: [...files!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
  }),
);

const folderOf = (file: string): string => `${dirname(file)}/`;

/** What a file imports of ours, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const names = [...text.matchAll(/^(?:import|export)\b[^;]*?"(\.[^"]+)";/gm)].map(([, name]) => name!);
  return names.map((name) => relative(root, resolve(root, dirname(file), name)));
}

/** The names of types and constants that a file exports. */
function exportedBy(file: string): Set<string> {
  const text = readFileSync(join(root, file), "utf8");
  const declared = text.matchAll(/^export (?:abstract )?(?:class|interface|type|const|enum) (\w+)/gm);
  return new Set([...declared].map(([, name]) => name!));
}

describe("ARCHITECTURE.md", () => {
  it("names every source file, in the row of its folder, and none that is not there", () => {
    const named = wings.flatMap(({ folder, files }) => files.map((name) => folder + name));
    expect(named.sort()).toEqual(sources.map((file) => file.replace(/\.c?ts$/, "")).sort());
  });

  it("has the folders in the order of the imports: each imports only those above it", () => {
    const order = wings.map(({ folder }) => folder);
    const upward = sources.flatMap((file) =>
      importsOf(file)
        .filter((other) => folderOf(file) !== folderOf(other))
        .filter((other) => order.indexOf(folderOf(other)) > order.indexOf(folderOf(file)))
        .map((other) => `${file} imports ${other}`),
    );
    expect(upward).toEqual([]);
  });

  it("is read in one go", () => {
    expect(map.split("\n").length).toBeLessThanOrEqual(151);
  });
});

describe("The tests", () => {
  it("know the parts of src and workers by public names, or by the inner contract of each", () => {
    const contracts = /^dist\/(index|testing|workers\/index|src\/core|workers\/core)\.js$/;
    const inside = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
      .filter((file) => /\.m?[jt]s$/.test(file) && !file.startsWith("matrix/"))
      .flatMap((file) => importsOf(`test/${file}`).map((other) => ({ file, other })))
      .filter(({ other }) => /^(dist\/)?(src|workers)\//.test(other) && !contracts.test(other));
    expect(inside).toEqual([]);
  });
});

describe("The sources", () => {
  it("export no type and no constant of the same name twice", () => {
    const places = new Map<string, string[]>();
    for (const file of sources)
      for (const name of exportedBy(file)) places.set(name, [...(places.get(name) ?? []), file]);
    expect([...places].filter(([, files]) => files.length > 1)).toEqual([]);
  });

  it("have what they need of Node in src/platform and src/io", () => {
    const others = sources.filter((file) => /^src\/(?!platform\/|io\/)/.test(file));
    const imports = others.filter((file) =>
      /^import\b[^;]*?"node:[^"]+";/m.test(readFileSync(join(root, file), "utf8")),
    );
    expect(imports).toEqual([]);
  });
});
