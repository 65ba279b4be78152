// In Bun and Deno the loop is whole, and of the pool there is all that needs no inspector.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { INSTALLING, installPackages, makeProject, otherRuntimes, removeProject } from "./project.ts";

const BINARIES = {
  Bun: [join("tools", otherRuntimes.bun)],
  Deno: [join("tools", otherRuntimes.deno), "run", "--allow-all"],
} as const;

let folder: string;
beforeAll(async () => {
  folder = makeProject("runtimes");
  await installPackages(join(folder, "tools"), otherRuntimes.packages);
}, INSTALLING);
afterAll(() => removeProject(folder));

describe.each(["Bun", "Deno"] as const)("in %s", (runtime) => {
  it("the loop, exports, tasks, modules and cancels work, and closures are refused in words that are true", async () => {
    const [binary, ...args] = BINARIES[runtime];
    const { mapped, closure, ...results } = JSON.parse(
      await start(join(folder, binary), [...args, "main.mjs"]),
    );
    expect(results).toEqual({
      global: 2,
      exported: 55,
      byDefault: 5,
      nested: 20,
      reference: 144,
      declared: 30,
      module: 89,
      failed: { name: "RangeError", message: "too far" },
      cancelled: { name: "CancelledError", message: expect.any(String) },
      afterwards: 233,
      loop: [13, 55],
    });
    expect(mapped).toEqual([1, 1, 2]);
    expect(closure).toEqual({
      name: "ShipError",
      code: "ERR_SHIP_NO_INSPECTOR",
      message: expect.stringContaining(`${runtime} tells no program what its functions close over`),
    });
  });

  it("exports are found also where nothing awaits the program", async () => {
    const [binary, ...args] = BINARIES[runtime];
    expect(await start(join(folder, binary), [...args, "floating.mjs"])).toBe("55\n");
  });
});

function start(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd: folder, timeout: 100_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command}: ${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
  });
}
