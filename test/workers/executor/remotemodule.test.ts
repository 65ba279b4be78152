import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ShipError } from "threadloop/workers";
import { afterAll, describe, expect, it } from "vitest";
import { errorOf, makePool } from "../../support/pools.ts";

const folder = mkdtempSync(join(tmpdir(), "threadloop-"));
afterAll(() => rmSync(folder, { recursive: true }));

function moduleOf(name: string, source: string): URL {
  const file = join(folder, name);
  writeFileSync(file, source);
  return pathToFileURL(file);
}

type Functions = Record<"work" | "nope", () => number>;

describe("a function of pool.module that cannot be had", () => {
  it("for want of such an export says so, with the code for it, each time", async () => {
    const functions = makePool().module<Functions>(moduleOf("good.mjs", "export const work = () => 1;"));
    for (let i = 0; i < 2; i++) {
      const error = await errorOf(functions.nope());
      expect(error).toBeInstanceOf(ShipError);
      expect(error).toMatchObject({ code: "ERR_SHIP_NO_EXPORT" });
      expect(error.cause).toBeUndefined();
      expect(error.message).toContain('good.mjs has no export "nope"');
    }
    expect(await functions.work()).toBe(1);
  });

  it("for a syntax error in the module says where that is", async () => {
    const url = moduleOf("wrong.mjs", "export const work = () => 1;\nexport const two = ;\n");
    const error = await errorOf(makePool().module<Functions>(url).work());
    expect(error).toMatchObject({ code: "ERR_SHIP_UNREACHABLE", cause: expect.any(SyntaxError) });
    expect(error.message).toContain(`Unexpected token ';' (${url.href}:2:20)`);
  });

  it("for a syntax error in what the module imports says in which line", async () => {
    moduleOf("wrong.mjs", "export const work = () => 1;\nexport const two = ;\n");
    const url = moduleOf("importer.mjs", 'import "./wrong.mjs";\nexport const work = () => 1;\n');
    const error = await errorOf(makePool().module<Functions>(url).work());
    expect(error.message).toContain("(line 2, column 20 of it or of a module that it imports)");
  });

  it("for a module that is not there has Node's error as its cause", async () => {
    const error = await errorOf(
      makePool()
        .module<Functions>(new URL("none.mjs", pathToFileURL(`${folder}/`)))
        .work(),
    );
    expect(error).toMatchObject({ code: "ERR_SHIP_UNREACHABLE", cause: { code: "ERR_MODULE_NOT_FOUND" } });
  });

  it("for what the module throws says that, with the code for it", async () => {
    const url = moduleOf("throws.mjs", 'throw new RangeError("at the top");');
    const error = await errorOf(makePool().module<Functions>(url).work());
    expect(error).toMatchObject({ code: "ERR_SHIP_LOAD", cause: { message: "at the top" } });
  });
});
