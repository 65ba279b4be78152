// Under Node's permission model each thing works, or is refused in words that name what is missing.
import { describe, expect, it } from "vitest";
import { nodeVersion, runForJson } from "../../support/programs.ts";

const [version = 0] = nodeVersion;
const permission = version === 20 ? "--experimental-permission" : "--permission";

/** What Node says of itself; Node 20 does not name the flag. */
const restricted = (flag: string): unknown =>
  expect.stringMatching(version === 20 ? "has been restricted" : `has been restricted.*${flag}`);

function underPermission(flags: readonly string[], ...things: string[]): Promise<unknown> {
  const args = ["--no-warnings", permission, "--allow-fs-read=*", ...flags];
  return runForJson([...args, "permissions.mjs", ...things]);
}

describe.concurrent("a program that may do little", { timeout: 60_000 }, () => {
  it("has its loop, its jobs, and their deadlines", async () => {
    const things = ["job", "map", "actor", "tasks", "deadline"];
    expect(await underPermission(["--allow-worker"], ...things)).toEqual({
      job: 2,
      map: [1, 2],
      actor: "one",
      tasks: expect.any(Number),
      deadline: "TimeoutError: Job `wait` ran for more than its timeout of 50 ms",
    });
  });

  it("is told which flag would allow closures, where there is one", async () => {
    const { closure } = (await underPermission(["--allow-worker"], "closure")) as { closure: string };
    expect(closure).toMatch(/^ShipError: .*closures cannot travel. Export the function/);
    expect(closure.endsWith(", or start the program with --allow-inspector")).toBe(version >= 24);
    if (version < 24) return;
    expect(await underPermission(["--allow-worker", "--allow-inspector"], "closure")).toEqual({ closure: 4 });
  });

  it("is told what threads, processes and files need", async () => {
    expect(await underPermission([], "job")).toEqual({ job: restricted("--allow-worker") });
    expect(await underPermission(["--allow-worker"], "process", "trace")).toEqual({
      process: restricted("--allow-child-process"),
      trace: restricted("--allow-fs-write"),
    });
  });

  it("is told what servers and connections need, where the network is restricted", async () => {
    const isRestricted = process.allowedNodeEnvironmentFlags.has("--allow-net");
    expect(await underPermission([], "server")).toEqual({
      server: isRestricted ? "Error: This process may not listen: start it with --allow-net" : "listened",
    });
    const flags = isRestricted ? ["--allow-net"] : [];
    expect(await underPermission(flags, "server", "connection")).toEqual({
      server: "listened",
      connection: "connected",
    });
  });
});
