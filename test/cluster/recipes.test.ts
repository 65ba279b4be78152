// These tests run the recipes of docs/ for those who watch a cluster, as they stand there: bull-board, and traces of
// OpenTelemetry.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { transformSync } from "esbuild";
import { ClusterExecutor } from "threadloop/cluster";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import * as jobs from "../fixtures/cluster/jobs.mjs";
import { root } from "../support/examples.ts";
import { MODULES, startMachine } from "../support/machines.ts";
import { Program } from "../support/processes.ts";
import { startRedis } from "../support/redisserver.ts";

/** In the project, so that modules in it find its packages. */
let folder = "";
beforeAll(() => {
  mkdirSync(join(root, "dist"), { recursive: true });
  folder = mkdtempSync(join(root, "dist/recipes-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the file that a page shows under this name, as JavaScript; gives its path. */
function fileOf(page: string, name: string): string {
  const blocks = readFileSync(join(root, "docs", page), "utf8").matchAll(/^```ts(?: \w+)?\n([\s\S]*?)^```/gm);
  const [, code] = [...blocks].find(([, text]) => text?.startsWith(`// ${name}.ts\n`)) ?? [];
  const file = join(folder, `${name}.js`);
  writeFileSync(file, transformSync(code as string, { loader: "ts" }).code);
  return file;
}

interface Board {
  readonly queue: { close(): Promise<void> };
  readonly app: { request(path: string): Response | Promise<Response> };
}

interface BoardJob {
  readonly name: string;
  readonly isFailed: boolean;
  readonly failedReason?: string;
}

describe("bull-board", () => {
  it("shows batches with their names, and what has failed in them", async () => {
    await using redis = await startRedis();
    await startMachine(redis);
    await using cluster = new ClusterExecutor({ url: redis.url, modules: MODULES });
    await Promise.allSettled([cluster.submit(jobs.fail, "page"), cluster.submit(jobs.add, 1, 1)]);
    vi.stubEnv("REDIS_URL", redis.url);
    const { queue, app } = (await import(pathToFileURL(fileOf("cluster.md", "board")).href)) as Board;
    try {
      const listed = async (): Promise<BoardJob[]> => {
        const response = await app.request("/board/api/queues?activeQueue=default&status=failed&page=1");
        const { queues } = (await response.json()) as { queues: { jobs: BoardJob[] }[] };
        return queues[0]?.jobs ?? [];
      };
      await vi.waitUntil(async () => (await listed()).length > 0, { timeout: 20_000 });
      expect(await listed()).toMatchObject([
        { name: "fail", isFailed: true, failedReason: "1 of 1 calls failed: no page" },
      ]);
      expect(await (await app.request("/board")).text()).toContain("<title>");
    } finally {
      await queue.close();
      vi.unstubAllEnvs();
    }
  });
});

describe("a trace of OpenTelemetry", () => {
  it("goes from the caller through Redis to the thread of a machine", async () => {
    await using redis = await startRedis();
    const tracing = fileOf("observability.md", "tracing");
    await startMachine(redis, ["--modules", folder, "--preload", tracing]);
    const caller = join(folder, "caller.js");
    writeFileSync(
      caller,
      `import { ClusterExecutor } from "threadloop/cluster";
       import { finished, tracer } from "./tracing.js";
       const cluster = new ClusterExecutor({ url: ${JSON.stringify(redis.url)}, modules: ${JSON.stringify(folder)} });
       await tracer.startActiveSpan("request", async (span) => {
         await cluster.submit(Math.sqrt, 2);
         await cluster.submit(JSON.parse, "{").then(null, () => {});
         span.end();
       });
       console.log(JSON.stringify({ here: finished(), there: await cluster.submit(finished) }));
       await cluster.close();`,
    );
    const program = new Program([caller]);
    expect(await program.ended, program.errors).toBe(0);
    interface SpanTold {
      readonly name: string;
      readonly id: string;
      readonly parent?: string;
      readonly trace: string;
    }
    const { here, there } = JSON.parse(program.output) as { here: SpanTold[]; there: SpanTold[] };
    const all = [...here, ...there];
    const described = (spans: SpanTold[]) =>
      spans.map(({ name, parent }) => `${name} <- ${all.find(({ id }) => id === parent)?.name ?? "nobody"}`);
    expect(described(here).sort()).toEqual([
      "job parse <- request",
      "job sqrt <- request",
      "request <- nobody",
    ]);
    expect(described(there).sort()).toEqual(["run parse <- job parse", "run sqrt <- job sqrt"]);
    expect(new Set(all.map(({ trace }) => trace)).size).toBe(1);
  });
});
