// These tests read the declarations as a stranger's compiler does: those of the packed tarball, with the compiler's own
// default to check them.
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runNode } from "../support/programs.ts";
import { INSTALLING, installPackages, makePackedProject, removeProject, root } from "./project.ts";

const COMPILERS = ["5.4", "5.9", "7"] as const;
const RESOLUTIONS = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
] as const;

let folder: string;
beforeAll(async () => {
  folder = makePackedProject("types", ["@types/node", "undici-types", "vitest"]);
  const compilers = COMPILERS.map((version) => `typescript-${version}@npm:typescript@${version}`);
  await installPackages(join(folder, "tools"), compilers);
}, INSTALLING);
afterAll(() => removeProject(folder));

describe("the package's declarations", () => {
  it.each(COMPILERS)(
    "compile with TypeScript %s as they are, and so do ordinary programs",
    async (compiler) => {
      for (const resolution of RESOLUTIONS) {
        expect(
          await errorsOf(compiler, ["asyncio.ts", "pool.ts"], { ...resolution, skipLibCheck: false }),
        ).toBe("");
      }
    },
  );

  it("infer and refuse what they should", async () => {
    cpSync(join(root, "test/types"), join(folder, "test/types"), { recursive: true });
    cpSync(join(root, "test/fixtures/types"), join(folder, "test/fixtures/types"), { recursive: true });
    const files = readdirSync(join(folder, "test/types")).map((file) => `test/types/${file}`);
    const options = { ...RESOLUTIONS[0], skipLibCheck: true, allowImportingTsExtensions: true };
    expect(await errorsOf("7", files, options)).toBe("");
  });

  it("say nothing of what is internal", () => {
    const types = join(folder, "node_modules/threadloop/dist/types");
    for (const file of readdirSync(types)) {
      const text = readFileSync(join(types, file), "utf8").replace(/\/\*\*[\s\S]*?\*\//g, "");
      expect(text.match(/^ {2}(?:readonly |static |get |set |abstract )*_\w+/gm) ?? [], file).toEqual([]);
      expect(text, file).not.toContain("AbstractEventLoop");
    }
  });
});

/** What a compiler prints for these files; nothing when all is well. */
async function errorsOf(compiler: string, files: readonly string[], options: object): Promise<string> {
  const compilerOptions = { target: "es2022", strict: true, types: ["node"], noEmit: true, ...options };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const tsc = join(folder, "tools/node_modules", `typescript-${compiler}`, "bin/tsc");
  const { stdout } = await runNode([tsc, "-p", folder], { cwd: folder });
  return stdout;
}
