import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const sourceOf = (chunk: string) =>
  readFileSync(new URL(`../../dist/chunks/${chunk}.js`, import.meta.url), "utf8");
const importsOf = (chunk: string) =>
  [...sourceOf(chunk).matchAll(/^import .*"\.\/(.*)\.js";$/gm)].map((at) => at[1]);
const chunks = JSON.parse(readFileSync(new URL("../../dist/chunks.json", import.meta.url), "utf8")) as Record<
  string,
  string[]
>;
const modulesOf = (chunk: string): string[] => chunks[`chunks/${chunk}.js`] ?? [];

describe("The build", () => {
  it("has a thread load no other chunks than its own", () => {
    expect(importsOf("worker").sort()).toEqual(["session", "threadloop", "wire"]);
    expect(importsOf("session").sort()).toEqual(["threadloop", "wire"]);
    expect(importsOf("wire")).toEqual(["threadloop"]);
    expect(importsOf("threadloop")).toEqual([]);
  });

  it("leaves streams, servers, processes and shared objects out of what a thread loads", () => {
    const modules = ["worker", "session", "wire", "threadloop"].flatMap(modulesOf);
    expect(modules).toContain("workers/workerthread");
    expect(modules).toContain("src/scheduling/pump");
    const needless =
      /^src\/(streams\/|io\/(server|transport|subprocess)|combine\/taskgroup)|^workers\/(shared\/lock|host\/)/;
    expect(modules.filter((module) => needless.test(module))).toEqual([]);
  });

  it("loads no hosts, no policy and no shipping for tests", () => {
    expect(importsOf("testing")).not.toContain("main");
    expect(importsOf("executor").sort()).toEqual(["session", "threadloop", "wire"]);
    const modules = [...modulesOf("testing"), ...modulesOf("executor")];
    expect(modules).toContain("workers/testing/inlineexecutor");
    const needless =
      /^workers\/(host|pool\/(scheduler|dispatch)|shipping\/(ship|inspector)|bundle)|^src\/(io|streams)\//;
    expect(modules.filter((module) => needless.test(module))).toEqual([]);
  });

  it("has a program load neither shipping nor the rest of the runtime with a pool", () => {
    expect(importsOf("main").sort()).toEqual(["executor", "session", "threadloop", "view", "wire"]);
    const modules = ["main", "executor", "session", "view", "wire", "threadloop"].flatMap(modulesOf);
    expect(modules).toContain("workers/shipping/nearby");
    expect(modules.filter((module) => /shipping\/(copy|plan|syntax|sharing)$/.test(module))).toEqual([]);
  });

  it("has Node load what pools are made of with the first call of one only", () => {
    const chunksOf = (entry: string) => {
      const code = readFileSync(new URL(`../../dist/${entry}.js`, import.meta.url), "utf8");
      const chunks = new Set([...code.matchAll(/from "[./]*\/chunks\/(.*)\.js";$/gm)].map((at) => at[1]!));
      for (const chunk of chunks) for (const other of importsOf(chunk)) chunks.add(other!);
      chunks.delete("rolldown-runtime");
      return [...chunks].sort();
    };
    expect(chunksOf("node")).toEqual(["runtime", "threadloop"]);
    expect(chunksOf("workers/node")).toEqual(["shared", "threadloop", "view", "wire"]);
  });

  it("leaves nothing out of what the main thread loads", () => {
    const names = ["executor", "main", "runtime", "session", "shared", "threadloop", "view", "wire"];
    const loaded = names.flatMap(modulesOf);
    for (const module of ["src/streams/connect", "src/io/server", "workers/shared/lock", "workers/host/host"])
      expect(loaded).toContain(module);
  });
});
