// A native addon that is not made for threads, built here by a C compiler, and what becomes of the jobs that load it.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program } from "../support/processes.ts";
import { findProgram } from "../support/programpath.ts";
import { root } from "./project.ts";

/** Null where there is none, and one line that says so. CI has one. */
function findCompiler(): string | null {
  const path = findProgram(["gcc", "clang", "cc"]);
  if (path !== null) return path;
  const missing = "No C compiler: install the packages gcc and libc6-dev.";
  if (process.env.CI) throw new Error(missing);
  console.warn(missing);
  return null;
}

const compiler = findCompiler();
let folder = "";
beforeAll(() => {
  if (compiler === null) return;
  folder = mkdtempSync(join(tmpdir(), "threadloop-addon-"));
  cpSync(fileURLToPath(new URL("../fixtures/matrix/addon", import.meta.url)), folder, { recursive: true });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/threadloop"));
  const abi = `-DABI=${process.versions.modules}`;
  execFileSync(compiler, ["-shared", "-fPIC", abi, "-o", "addon.node", "addon.c"], { cwd: folder });
});
afterAll(() => {
  if (folder !== "") rmSync(folder, { recursive: true });
});

describe.runIf(compiler !== null)(
  "an addon that one thread has loaded, and that is not made for more",
  () => {
    it("fails the jobs of other threads that load it, by name, and hurts no others; a process has it for itself", async () => {
      const program = new Program([join(folder, "main.mjs")]);
      expect(await program.ended, program.errors).toBe(0);
      const [atHead, lazily, other, inProcess] = program.output.split("\n");
      expect(atHead).toMatch(
        /^ShipError ERR_SHIP_LOAD: .*measure\.cjs#measure threw .* Module did not self-register: addon\.node/,
      );
      expect(lazily).toBe("Error ERR_DLOPEN_FAILED: Module did not self-register: addon.node.");
      expect(other).toBe("42");
      expect(inProcess).toBe("a process: 3");
    });
  },
);
