// These tests say how much of the package a bundle takes along: what the program imports, and what that needs.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makePackedProject, removeProject } from "./project.ts";

let folder: string;
beforeAll(() => {
  folder = makePackedProject("bundled");
});
afterAll(() => removeProject(folder));

/** A minified bundle of a program, which lies in this folder. */
async function bundleOf(program: string, resolveDir = folder): Promise<Uint8Array> {
  const { outputFiles, warnings } = await build({
    stdin: { contents: program, resolveDir },
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    write: false,
  });
  expect(warnings).toEqual([]);
  return outputFiles[0]!.contents;
}

const sizeOf = async (program: string) => (await bundleOf(program)).byteLength;

/** What a program prints when its bundle runs, to its end or to a signal that ends it. */
async function printedBy(program: string, end: NodeJS.Signals | null = null): Promise<string> {
  const file = join(folder, "printing.mjs");
  writeFileSync(file, await bundleOf(program));
  const { stdout, stderr, signal } = spawnSync(process.execPath, [file], {
    encoding: "utf8",
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  expect({ stderr, signal }).toEqual({ stderr: "", signal: end });
  return stdout;
}

describe("a minified bundle", () => {
  it("has less than 15 kB of a program that imports sleep only", async () => {
    expect(await sizeOf('import { sleep } from "threadloop"; await sleep(1);')).toBeLessThan(15_000);
  });

  it("has tasks and the loop with run, and neither threads nor connections", async () => {
    const program = 'import { run, sleep } from "threadloop"; await run(() => sleep(1));';
    expect(await sizeOf(program)).toBeLessThan(49_500);
  });

  it("has the loop's connections with whatever gives the loop", async () => {
    const program =
      'import { getRunningLoop, run } from "threadloop"; await run(async () => getRunningLoop());';
    const alone = 'import { run } from "threadloop"; await run(async () => {});';
    expect(await sizeOf(program)).toBeGreaterThan((await sizeOf(alone)) + 10_000);
  });

  it("says what to import where a program has got a loop in another way, and has its methods where it does", async () => {
    const program = `
      import { Future, run } from "threadloop";
      const looking = run(() => new Future().getLoop().getaddrinfo("127.0.0.1", 80));
      await looking.then(([found]) => console.log(found.address), (error) => console.log(error.message));
    `;
    expect(await printedBy(program)).toMatch(
      /made without the loop's connections, processes, executor and signal handlers.*take the loop from getRunningLoop/,
    );
    const importing = `import { getRunningLoop } from "threadloop"; console.log(getRunningLoop.name);${program}`;
    expect(await printedBy(importing)).toMatch(/127\.0\.0\.1\n$/);
  });

  it.each([
    "runInExecutor({ submit: () => 1 }, () => {})",
    "runInExecutor(null, () => {})",
    'addSignalHandler("SIGTERM", () => {})',
  ])("does so for what else such a loop has: %s", async (call) => {
    const program = `
      import { Future, run } from "threadloop";
      const done = run(() => new Future().getLoop().${call});
      await done.then((value) => console.log("did", value), (error) => console.log(error.message));
    `;
    const expected = call.includes("submit") ? /^did 1$/m : /take the loop from getRunningLoop/;
    expect(await printedBy(program)).toMatch(expected);
    const importing = `import { getRunningLoop } from "threadloop"; console.log(getRunningLoop.name);${program}`;
    expect(await printedBy(importing)).toMatch(call.includes("null") ? /import runInExecutor of/ : /^did/m);
  });

  it("says what the end of run waits for, and more of it where a loop is had", async () => {
    const program = `
      import { createTask, run, sleep } from "threadloop";
      await run(async () => {
        const waiting = async () => {
          try {
            await sleep(60_000);
          } finally {
            console.error = (message) => console.log(message);
            process.kill(process.pid, "SIGINT");
            await sleep(60_000);
          }
        };
        createTask(waiting, { name: "cleaning" });
        await sleep(0);
      });
    `;
    expect(await printedBy(program, "SIGINT")).toMatch(
      /^run\(\) has ended, and waited for its tasks:\n {2}<Task 'cleaning' pending.*, waits on sleep>\n$/,
    );
    const importing = `import { getRunningLoop } from "threadloop"; console.log(getRunningLoop.name);${program}`;
    expect(await printedBy(importing, "SIGINT")).toMatch(
      /waited for 1 task:\n {2}task 'cleaning' \(.*\): waits on sleep for 0\.\d s\n$/,
    );
  });

  it("names the options there are where one is misspelt, and the one that was meant where a loop is had", async () => {
    const program = `
      import { run } from "threadloop";
      await run(async () => {}, { debugg: true }).catch((error) => console.log(error.message));
    `;
    expect(await printedBy(program)).toMatch(/`debugg` is unknown to run: its options are debug, clock/);
    const importing = `import { getRunningLoop } from "threadloop"; console.log(getRunningLoop.name);${program}`;
    expect(await printedBy(importing)).toMatch(/did you mean `debug`/);
  });

  it.each(["threadloop", "runtime"])("has nothing of the chunk %s where nobody uses it", async (name) => {
    const chunks = join(folder, "node_modules/threadloop/dist/chunks");
    const unused = readFileSync(join(chunks, `${name}.js`), "utf8").replace(/^export \{.*\};$/m, "");
    expect((await bundleOf(unused, chunks)).byteLength).toBeLessThan(400);
  });

  it("has the virtual clock of tests without their executor", async () => {
    const program = 'import { VirtualClock } from "threadloop/testing"; new VirtualClock();';
    expect(await sizeOf(program)).toBeLessThan(3_000);
  });
});
