import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NamedRecipe, toNames, toUrls } from "../../dist/cluster/address.js";
import type { Recipe } from "../../dist/workers/core.js";

const STRANGER = { isSigned: false, allowSource: false };
const SIGNED = { isSigned: true, allowSource: false };
const TRUSTED = { isSigned: true, allowSource: true };

let folder = "";
let caller = "";
let machine = "";

/** Both sides have the same files in folders of their own. */
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "threadloop-address-")));
  caller = join(folder, "caller");
  machine = join(folder, "machine");
  for (const root of [caller, machine]) {
    mkdirSync(join(root, "src"), { recursive: true });
    mkdirSync(join(root, "node_modules/rows"), { recursive: true });
    writeFileSync(join(root, "src/render.mjs"), "export const render = () => 1;\n");
    writeFileSync(join(root, "src/größe # 1%.mjs"), "export const size = () => 1;\n");
    writeFileSync(join(root, "node_modules/rows/index.js"), "exports.sort = () => 1;\n");
  }
  writeFileSync(join(folder, "outside.mjs"), "export const steal = () => 1;\n");
  symlinkSync(join(folder, "outside.mjs"), join(machine, "src/link.mjs"));
  symlinkSync(folder, join(machine, "src/up"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const urlIn = (root: string, path: string) => pathToFileURL(join(root, path)).href;
const moduleAt = (url: string, ...path: string[]): Recipe => ({ kind: "module", url, path });
const named = (recipe: Recipe): NamedRecipe => ({ recipe, hashes: {} });

describe("a function by name", () => {
  it("is found below the other machine's folder, and names no path of this one", () => {
    for (const path of ["src/render.mjs", "src/größe # 1%.mjs"]) {
      const names = toNames(moduleAt(urlIn(caller, path), "render"), caller);
      expect(JSON.stringify(names)).not.toContain("caller");
      expect(toUrls(names, machine, STRANGER)).toEqual(moduleAt(urlIn(machine, path), "render"));
    }
  });

  it("keeps the query of its URL, and says nothing of when its file was modified", () => {
    const url = `${urlIn(caller, "src/render.mjs")}?v=2`;
    const names = toNames({ kind: "module", url, path: ["render"], modified: 5 }, caller);
    expect(toUrls(names, machine, STRANGER)).toEqual(
      moduleAt(`${urlIn(machine, "src/render.mjs")}?v=2`, "render"),
    );
  });

  it("is refused here when it lies outside of the folder, through a link as well", () => {
    for (const url of [
      urlIn(folder, "outside.mjs"),
      urlIn(machine, "src/link.mjs"),
      "data:text/javascript,1",
    ])
      expect(() => toNames(moduleAt(url, "steal"), machine)).toThrow(
        expect.objectContaining({ code: "ERR_SHIP_OUTSIDE" }),
      );
  });

  it("is refused there when its file is another version", () => {
    const names = toNames(moduleAt(urlIn(caller, "src/render.mjs"), "render"), caller);
    const other = join(folder, "newer");
    mkdirSync(join(other, "src"), { recursive: true });
    writeFileSync(join(other, "src/render.mjs"), "export const render = () => 2;\n");
    expect(() => toUrls(names, other, STRANGER)).toThrow(
      expect.objectContaining({
        code: "ERR_SHIP_OTHER_CODE",
        message: expect.stringMatching(/src\/render\.mjs is another version .*sha256 \w{12}\).*\(\w{12}\)/),
      }),
    );
    expect(() => toUrls(named(names.recipe), machine, STRANGER)).toThrow(/another version/);
  });

  it("says what to do when the machine has no such module", () => {
    expect(() => toUrls(named(moduleAt("src/new.mjs", "f")), machine, STRANGER)).toThrow(
      /no module src\/new\.mjs .*deploy the code/,
    );
  });
});

describe("a hostile name", () => {
  const paths = [
    "../outside.mjs",
    "src/../../outside.mjs",
    "..%2foutside.mjs",
    "%2e%2e/outside.mjs",
    "src/link.mjs",
    "src/up/outside.mjs",
    "src",
    "",
    ".",
    "/etc/passwd",
    "file:///etc/passwd",
    "data:text/javascript,export%20const%20f=1",
    "http://example.org/x.mjs",
    "node:child_process",
    "child_process",
    "__proto__",
    "constructor",
    "src/render.mjs\0.js",
    "%",
    "%00",
    "threadloop:index.js",
  ];
  it.each(paths)("%j leads nowhere", (path) => {
    for (const recipe of [
      moduleAt(path, "execSync"),
      { kind: "commonjs", url: path, path: ["execSync"] } as const,
      { kind: "declared", url: path, name: "f" } as const,
    ])
      for (const trust of [STRANGER, SIGNED])
        expect(() => toUrls(named(recipe), machine, trust)).toThrow(/ERR_SHIP|below|no module|runs exports/);
  });

  it.each([
    ["eval"],
    ["Function"],
    ["process", "exit"],
    ["globalThis", "eval"],
    ["Math", "constructor"],
    ["Math", "max", "constructor"],
    ["structuredClone", "constructor"],
    ["require"],
    ["setTimeout"],
    ["Object", "setPrototypeOf"],
    [],
  ])("global %j %j %j is not called", (...path) => {
    expect(() => toUrls(named({ kind: "global", path }), machine, SIGNED)).toThrow(
      expect.objectContaining({ code: "ERR_SHIP_OUTSIDE" }),
    );
  });

  it("does not lead from an export to the constructor of all functions", () => {
    const names = toNames(moduleAt(urlIn(caller, "src/render.mjs"), "render"), caller);
    for (const path of [
      ["render", "constructor"],
      ["render", "__proto__", "constructor"],
      ["render", "call"],
    ])
      expect(() =>
        toUrls({ ...names, recipe: { ...names.recipe, path } as Recipe }, machine, SIGNED),
      ).toThrow(/not `render/);
  });

  it.each([
    "node:fs",
    "fs",
    "data:text/javascript,1",
    "file:///etc/passwd",
    "../outside.mjs",
    "/etc",
    "missing",
    "",
  ])("import of %j is not followed", (specifier) => {
    const { hashes } = toNames(moduleAt(urlIn(caller, "src/render.mjs")), caller);
    const recipe: Recipe = { kind: "imported", from: "src/render.mjs", specifier, path: ["f"] };
    expect(() => toUrls({ recipe, hashes }, machine, SIGNED)).toThrow(
      expect.objectContaining({ code: "ERR_SHIP_OUTSIDE" }),
    );
  });
});

describe("what a machine takes", () => {
  it("is functions of the language that only compute", () => {
    const recipe: Recipe = { kind: "global", path: ["Math", "max"] };
    expect(toUrls(toNames(recipe, caller), machine, STRANGER)).toEqual(recipe);
  });

  it("is a package below its folder for those who know its secret only", () => {
    const recipe: Recipe = {
      kind: "imported",
      from: urlIn(caller, "src/render.mjs"),
      specifier: "rows",
      path: ["sort"],
    };
    const names = toNames(recipe, caller);
    expect(toUrls(names, machine, SIGNED)).toEqual({ ...recipe, from: urlIn(machine, "src/render.mjs") });
    expect(() => toUrls(names, machine, STRANGER)).toThrow(/no secret/);
    const direct = toNames(
      { kind: "commonjs", url: urlIn(caller, "node_modules/rows/index.js"), path: ["sort"] },
      caller,
    );
    expect(() => toUrls(direct, machine, STRANGER)).toThrow(/belongs to a package/);
  });

  it("is source code for those who know its secret, where it was told so", () => {
    const copy: Recipe = {
      kind: "copy",
      nodes: [
        { kind: "reference", reference: moduleAt(urlIn(caller, "src/render.mjs"), "render") as never },
        { kind: "reference", reference: moduleAt("node:path", "join") as never },
      ],
    };
    const names = toNames(copy, caller);
    expect(JSON.stringify(toUrls(names, machine, TRUSTED))).toContain(urlIn(machine, "src/render.mjs"));
    for (const trust of [STRANGER, SIGNED, { isSigned: false, allowSource: true }])
      expect(() => toUrls(names, machine, trust)).toThrow(
        expect.objectContaining({ code: "ERR_SHIP_SOURCE" }),
      );
  });

  it("is no source code that uses require", () => {
    const copy: Recipe = { kind: "copy", nodes: [{ kind: "require", url: urlIn(caller, "src/render.mjs") }] };
    expect(() => toNames(copy, caller)).toThrow(expect.objectContaining({ code: "ERR_SHIP_SOURCE" }));
  });
});
