import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { sleep } from "threadloop";
import { describe, expect, it } from "vitest";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

const FIXTURE = fileURLToPath(new URL("../../fixtures/workers/prints.mjs", import.meta.url));
const numbered = (word: string, count: number) => Array.from({ length: count }, (_, i) => `${word} ${i}`);

/** Runs a program and gives the lines of its two outputs; a slow reader reads stdout when all of stderr was there. */
async function run(
  program: string,
  count: number,
  isSlow = false,
): Promise<{ out: string[]; err: string[] }> {
  const child = spawn(process.execPath, [FIXTURE, program, String(count)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let err = "";
  const isComplete = new Promise<void>((resolve) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
      if (err.includes(`err ${count - 1}\n`)) resolve();
    });
  });
  if (isSlow) await isComplete;
  const [out] = await Promise.all([text(child.stdout), once(child, "close")]);
  return { out: out.split("\n").slice(0, -1), err: err.split("\n").slice(0, -1) };
}

describe("what a job prints", () => {
  it("is out, in order, before its result is told, and what the teardown prints before close resolves", async () => {
    const { out, err } = await run("close", 200);
    expect(out).toEqual([...numbered("out", 200), "told", ...numbered("bye", 50), "closed"]);
    expect(err).toEqual(numbered("err", 200));
  });

  it("is not lost in any of many runs", async () => {
    for (let i = 0; i < 3; i++) {
      const runs = await Promise.all(Array.from({ length: 2 }, () => run("exit", 100)));
      for (const { out, err } of runs) {
        expect(out).toEqual([...numbered("out", 100), "told"]);
        expect(err).toEqual(numbered("err", 100));
      }
    }
  });

  it("is out in a file as well", async () => {
    const folder = mkdtempSync(join(tmpdir(), "threadloop-"));
    try {
      const file = openSync(join(folder, "out"), "w");
      const child = spawn(process.execPath, [FIXTURE, "exit", "200"], { stdio: ["ignore", file, "ignore"] });
      closeSync(file);
      await once(child, "exit");
      expect(readFileSync(join(folder, "out"), "utf8")).toBe(
        [...numbered("out", 200), "told", ""].join("\n"),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is complete also when it is much and the reader slow: the result waits for it, though main exits then", async () => {
    const { out } = await run("exit", 30_000, true);
    expect(out).toHaveLength(30_001);
    expect(out.slice(-2)).toEqual(["out 29999", "told"]);
  });

  it("is out before its result, also where the thread could not send that as another job keeps it", async () => {
    expect((await run("before", 100)).out).toEqual([...numbered("out", 100), "told"]);
  });

  it("is out when the thread is terminated right after", async () => {
    expect((await run("killed", 300)).out).toEqual([...numbered("out", 300), "told"]);
  });

  it("is out when the job ends its thread, and so is what its exit handlers print", async () => {
    expect((await run("quits", 300)).out).toEqual([...numbered("out", 300), "thread exits", "told"]);
  });

  it("is out when main exits while the job runs", async () => {
    // No more than a pipe takes that nobody has read yet: what Node has queued when the process exits is lost.
    expect((await run("running", 100)).out).toEqual(numbered("out", 100));
  });

  it("is out when it is printed after the job has ended, and its session", async () => {
    expect((await run("late", 300)).out).toEqual(numbered("out", 300));
  });

  it("comes through a pool within a thread", async () => {
    expect((await run("nested", 300)).out).toEqual([...numbered("out", 300), "told"]);
  });
});

describe("pool.stdout and pool.stderr", () => {
  it("get all that is printed, of jobs, initializer and teardown, and end with the pool", async () => {
    const pool = makePool({
      size: 1,
      stdout: true,
      stderr: true,
      initializer: () => console.log("hello"),
      teardown: () => console.log("bye"),
    });
    await pool.submit(() => {
      console.log("job");
      console.error("error");
      process.stdout.write(Buffer.from("bytes\n"));
      process.stdout.write("c3a40a", "hex");
      process.stdout.write("");
    });
    expect(pool.stdout.readableLength).toBeGreaterThan(0);
    await pool.close();
    expect(await text(pool.stdout)).toBe("hello\njob\nbytes\nä\nbye\n");
    expect(await text(pool.stderr)).toBe("error\n");
  });

  it("hold no result back when nobody reads them", async () => {
    const pool = makePool({ size: 1, stdout: true });
    const length = await pool.submit(() => {
      for (let i = 0; i < 5000; i++) process.stdout.write("x".repeat(100));
      return 5000 * 100;
    });
    await pool.close();
    expect((await text(pool.stdout)).length).toBe(length);
  });

  it("slow down who waits for its writes until they are read", async () => {
    const pool = makePool({ size: 1, stdout: true });
    const gate = new Gate();
    const job = pool.submit(async (words: Int32Array) => {
      const written = () => new Promise((resolve) => process.stdout.write("x".repeat(10_000), resolve));
      for (let i = 0; i < 100; i++) {
        await written();
        Atomics.add(words, 1, 1);
      }
    }, gate.words);
    await gate.at(5);
    await pool.submit(() => {}); // the writer had its turns meanwhile, and stands
    for (let before = -1; before < gate.step; await pool.submit(() => sleep(5))) before = gate.step;
    expect(gate.step).toBeLessThan(50);
    let read = 0;
    for await (const chunk of pool.stdout) {
      read += chunk.length;
      if (read === 1_000_000) break;
    }
    await job;
    expect(gate.step).toBe(100);
  });

  it("get what is printed by a thread that is between two sessions", async () => {
    const pool = makePool({ size: 1, stdout: true });
    const gate = new Gate();
    await pool.submit((words: Int32Array) => {
      setTimeout(() => {
        for (let i = 0; i < 100; i++) console.log(`late ${i}`);
        Atomics.add(words, 1, 1);
      }, 150);
    }, gate.words);
    await gate.at(1);
    await pool.close();
    expect((await text(pool.stdout)).split("\n").slice(0, -1)).toEqual(numbered("late", 100));
  });

  it("get a copy while they are read without the option, and nothing else", async () => {
    const pool = makePool({ size: 1 });
    const { write } = process.stdout;
    let printed = "";
    process.stdout.write = ((chunk: string) => {
      printed += chunk;
      return true;
    }) as typeof write;
    try {
      await pool.submit(() => process.stdout.write("unread\n"));
      const copy = text(pool.stdout);
      await pool.submit(() => process.stdout.write("read\n"));
      await pool.close();
      expect(await copy).toBe("read\n");
      expect(printed).toBe("unread\nread\n");
    } finally {
      process.stdout.write = write;
    }
  });

  it("end also for who asks after the pool has closed", async () => {
    const pool = makePool();
    await pool.close();
    expect(await text(pool.stdout)).toBe("");
  });

  it("get what a thread printed before its job ended it", async () => {
    const pool = makePool({ size: 1, stdout: true, cancelGrace: 0 });
    const job = pool.with({ timeout: 50 }).submit(() => {
      console.log("begins");
      for (;;);
    });
    await errorOf(job);
    await pool.close();
    expect(await text(pool.stdout)).toBe("begins\n");
  });
});

describe("process.stdout of a thread", () => {
  it("refuses what is no chunk, and can be ended with a last one", async () => {
    const pool = makePool({ size: 1, stdout: true });
    expect(
      await pool.submit(() => {
        try {
          process.stdout.write(5 as never);
        } catch (error) {
          return (error as { code?: string }).code;
        }
      }),
    ).toBe("ERR_INVALID_ARG_TYPE");
    await pool.submit(() => void process.stdout.end("last"));
    await pool.close();
    expect(await text(pool.stdout)).toBe("last");
  });

  it("tells a pipeline to wait and to go on", async () => {
    const pool = makePool({ size: 1, stdout: true });
    const all = text(pool.stdout);
    await pool.submit(async () => {
      const source = Readable.from(Array.from({ length: 300 }, (_, i) => `${i} `.padEnd(1000, ".")));
      source.pipe(process.stdout, { end: false });
      await new Promise((resolve) => source.once("end", resolve));
    });
    await pool.close();
    expect(await all).toHaveLength(300_000);
  });
});
