import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const program = `
Object.freeze(Error);
const { WorkerPool } = await import(${JSON.stringify(new URL("../../../dist/workers/index.js", import.meta.url).href)});
const pool = new WorkerPool({ size: 1 });
const nameOf = (error) => error.name;
const failed = await pool.submit(() => { throw new RangeError("no"); }).toPromise().catch(nameOf);
const waiting = pool.submit(() => new Promise(() => {}));
setTimeout(() => waiting.cancel(), 20);
console.log(failed, await waiting.toPromise().catch(nameOf), await pool.submit(Math.max, 1, 2));
await pool.close();
`;

const everyKind = new URL("../../fixtures/workers/everykind.mjs", import.meta.url).pathname;

describe("each kind of call", () => {
  it.each([
    ["--frozen-intrinsics"],
    ["--disallow-code-generation-from-strings"],
    ["--disable-proto=delete"],
    ["--disable-proto=throw"],
  ])("does its work under %s", async (flag) => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", flag, everyKind]);
    expect(JSON.parse(stdout)).toEqual({
      call: 2,
      closure: 6,
      async: 3,
      values: [[2], true, true],
      error: [true, "no", true],
      items: [1, 2, 2, 4],
      actor: 4,
      callback: 3,
      broadcast: [1, 1],
      cancelled: "CancelledError",
      late: "TimeoutError",
      signal: "aborted",
      lock: false,
      moved: 4,
      refused: ["CloneError", "CloneError", "CloneError"],
      group: "slept",
      gathered: [1, 2],
    });
  });
});

describe("a program whose Error is frozen", () => {
  it("gets the errors of its jobs, and can cancel them", async () => {
    const args = ["--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout.trim()).toBe("RangeError CancelledError 2");
  });
});
