// These tests run the example of a cluster as a stranger does: with the packed package, and with a real Ctrl-C.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { makePackedProject, removeProject, root } from "../matrix/project.ts";
import { Program } from "../support/processes.ts";

const example = join(root, "examples/cluster");
let folder = "";
beforeAll(() => {
  folder = makePackedProject(example, ["bullmq", "ioredis", "echarts"]);
});
afterAll(() => removeProject(folder));

/** Its own temporary folders, so that what it leaves is seen. */
const start = () => new Program(["demo.js", "picture.svg"], folder, { TMPDIR: folder });
const temporary = () => readdirSync(folder).filter((name) => name.startsWith("threadloop-cluster-"));

function machinesOf(output: string): number[] {
  return [...output.matchAll(/is process (\d+)/g)].map(([, pid]) => Number(pid));
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("the example of a cluster", () => {
  it("loses no call when one of two machines is killed, draws what each did, and leaves nothing", async () => {
    const program = start();
    expect(await program.ended, program.errors).toBe(0);
    expect(program.errors).toBe("");
    expect(program.output).toMatch(/^(alpha|beta) is killed$/m);
    expect(program.output).toMatch(/^60 of 60 calls have a result, \d+ of them on their second machine/m);
    expect(machinesOf(program.output)).toHaveLength(2);
    expect(machinesOf(program.output).filter(isThere)).toEqual([]);
    expect(temporary()).toEqual([]);
    const picture = readFileSync(join(folder, "picture.svg"), "utf8");
    expect(picture).toMatch(/^<svg [\s\S]*<\/svg>$/);
    expect(picture).toContain(">60 calls, 2 machines, one of them killed: 60 results<");
    expect(picture).toMatch(/>(alpha|beta) is killed</);
    const bars = picture.match(/fill="(#0f8a7e|#2563eb)"/g) ?? [];
    expect(bars, "one for each call").toHaveLength(60);
  });

  it("ends by Ctrl-C, and what it started with it", async () => {
    const program = start();
    await program.said("12 of 60 done");
    program.child.kill("SIGINT");
    await program.ended;
    expect(program.child.signalCode, program.errors).toBe("SIGINT");
    await vi.waitUntil(() => !machinesOf(program.output).some(isThere), { timeout: 20_000 });
    expect(temporary()).toEqual([]);
  });

  it("has containers for the same: a queue, two machines and a caller", () => {
    const { services } = parse(readFileSync(join(example, "compose.yaml"), "utf8"), { merge: true }) as {
      services: Record<string, Record<string, unknown>>;
    };
    expect(Object.keys(services)).toEqual(["valkey", "worker", "caller"]);
    const { worker, caller } = services;
    expect(worker).toMatchObject({
      deploy: { replicas: 2 },
      environment: { THREADLOOP_CLUSTER_URL: "redis://valkey:6379" },
    });
    expect(caller?.build).toEqual(worker?.build);
    const { context, dockerfile } = (worker as { build: unknown }).build as {
      context: string;
      dockerfile: string;
    };
    expect(existsSync(join(example, context, dockerfile))).toBe(true);
    const lines = readFileSync(join(example, "Dockerfile"), "utf8");
    const copied = [...lines.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files]) =>
      files!.split(" "),
    );
    for (const file of copied) expect(existsSync(join(root, file)), file).toBe(true);
    const [program, ...flags] = JSON.parse(/^CMD (.+)$/m.exec(lines)?.[1] ?? "[]") as string[];
    expect(program).toBe("node_modules/.bin/threadloop");
    const bin = join(folder, "node_modules/threadloop/dist/bin/threadloop.js");
    const help = execFileSync(process.execPath, [bin, "worker", "--help"], { encoding: "utf8" });
    for (const flag of flags.filter((word) => word.startsWith("--"))) expect(help).toContain(flag);
  });
});
