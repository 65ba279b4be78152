import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runNode } from "../support/programs.ts";
import { makeProject, removeProject, root } from "./project.ts";

let folder: string;
beforeAll(() => {
  folder = makeProject("faked", ["vitest", "@jest/globals"]);
});
afterAll(() => removeProject(folder));

const jest = join(root, "node_modules/jest/bin/jest.js");

function configOf(more: object): string {
  const base = { transform: {}, testMatch: ["**/loaded.spec.mjs"], testEnvironment: "node" };
  return JSON.stringify({ ...base, ...more });
}

describe("the runtime, beside faked timers, sleeps, times out and runs jobs", () => {
  it("loaded under Jest with every timer faked", async () => {
    const config = configOf({
      fakeTimers: { enableGlobally: true, doNotFake: ["nextTick", "queueMicrotask"] },
    });
    const { stderr } = await runNode(["--experimental-vm-modules", jest, "--config", config], {
      cwd: folder,
    });
    expect(stderr).toContain("4 passed, 4 total");
  });

  it("loaded under vitest while they are faked", async () => {
    const { stdout, stderr } = await runNode(
      [join(root, "node_modules/vitest/vitest.mjs"), "run", "vitest.spec.mjs", "--root", folder],
      { cwd: folder },
    );
    expect(stdout + stderr).toMatch(/Tests .*1 passed/);
  });

  it("loaded under node:test before they are mocked", async () => {
    const { stdout, stderr } = await runNode(["--test", "node.test.mjs"], { cwd: folder });
    expect(stdout + stderr).toMatch(/# pass 1\n|ℹ pass 1\n/);
  });
});

describe("jest --detectOpenHandles finds none", () => {
  it.each([
    ["of tasks, timers and callbacks, which are ended", "open", 1],
    ["of pools, whether they are closed or left open", "pool", 3],
  ])("%s", async (_, name, count) => {
    const config = configOf({ testMatch: [`**/${name}.spec.mjs`] });
    const { stdout, stderr } = await runNode(
      ["--experimental-vm-modules", jest, "--detectOpenHandles", "--config", config],
      { cwd: folder },
    );
    expect(stderr).toContain(`${count} passed, ${count} total`);
    expect(stdout + stderr).not.toContain("open handle");
  });
});
