import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runNode } from "../support/programs.ts";
import { makeProject, removeProject, root } from "./project.ts";

interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

let folder: string;
beforeAll(() => {
  folder = makeProject("jest");
});
afterAll(() => removeProject(folder));

describe("under Jest, whose vm contexts have copies of the globals", () => {
  it("functions, classes, tasks and actors of a test file travel", async () => {
    const config = JSON.stringify({ transform: {}, testMatch: ["**/*.spec.mjs"], testEnvironment: "node" });
    const { stdout, stderr } = await runNode(
      [
        "--experimental-vm-modules",
        join(root, "node_modules/jest/bin/jest.js"),
        "--json",
        "--config",
        config,
      ],
      { cwd: folder },
    );
    const [file] = (JSON.parse(stdout) as Report).testResults;
    const outcomes = file!.assertionResults.map(({ title, status }) => `${status}: ${title}`);
    expect(
      outcomes.filter((outcome) => !outcome.startsWith("passed")),
      file!.message + stderr,
    ).toEqual([]);
    expect(outcomes.length).toBe(7);
  });
});
