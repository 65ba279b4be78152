import { inspect } from "node:util";
import { Coroutine, coroutine, createTask, formatTaskTree, gather, run, sleep } from "threadloop";
import { type Job, WorkerPool } from "threadloop/workers";
import { describe, expect, it } from "vitest";

/** Clears the screen, sets the title, makes up a line, turns the direction of the text. */
const HOSTILE = "a\u001b[2J\u001b]0;owned\u0007\nfake row\u009b1m\u202egpj";
const SHOWN = "a\\x1b[2J\\x1b]0;owned\\x07\\nfake row\\x9b1m\\u202egpj";
const isClean = (text: string) => !/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u.test(text.replaceAll("\n", ""));

describe("a name that holds control characters", () => {
  it("of a task is kept as it is and shown with escapes", async () => {
    await run(async () => {
      const task = createTask(() => sleep(1), { name: HOSTILE });
      expect(task.getName()).toBe(HOSTILE);
      expect(inspect(task)).toContain(SHOWN);
      const both = createTask(() => gather(task), { name: "both" });
      await sleep(0);
      for (const text of [inspect(task), formatTaskTree(), inspect(both)])
        expect(isClean(text), text).toBe(true);
      expect(formatTaskTree()).toContain(SHOWN);
      await both;
    });
  });

  it("of a coroutine is shown with escapes", () => {
    const named = Object.defineProperty(async () => {}, "name", { value: HOSTILE });
    const made = coroutine(named)();
    expect(made).toBeInstanceOf(Coroutine);
    expect(isClean(inspect(made))).toBe(true);
    made.close();
  });

  it("of a job, a function or a pool is shown with escapes, in messages too", async () => {
    const pool = new WorkerPool({ size: 1, name: HOSTILE, maxQueue: 0 });
    const fails = Object.defineProperty((seen: unknown) => seen, "name", { value: HOSTILE });
    const refused = await pool.submit(fails, () => sleep(1)).catch((error: unknown) => error);
    const job: Job<unknown> = pool.with({ name: HOSTILE }).submit(fails, Symbol("no copy") as never);
    const other = await job.catch((error: unknown) => error);
    for (const shown of [
      inspect(pool),
      inspect(job),
      String(other),
      String(refused),
      String(await pool.tasks()),
    ])
      expect(isClean(shown), shown).toBe(true);
    expect(String(other)).toContain(SHOWN);
    await pool.close();
    expect(() => pool.submit(Math.max, 1)).toThrow(SHOWN);
  });
});
