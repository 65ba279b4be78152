import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const program = `
Object.freeze(Error);
const { WorkerPool } = await import(${JSON.stringify(new URL("../../dist/workers/index.js", import.meta.url).href)});
const pool = new WorkerPool({ size: 1 });
const nameOf = (error) => error.name;
const failed = await pool.submit(() => { throw new RangeError("no"); }).toPromise().catch(nameOf);
const waiting = pool.submit(() => new Promise(() => {}));
setTimeout(() => waiting.cancel(), 20);
console.log(failed, await waiting.toPromise().catch(nameOf), await pool.submit(Math.max, 1, 2));
await pool.close();
`;

describe("a program whose Error is frozen", () => {
  it("gets the errors of its jobs, and can cancel them", async () => {
    const args = ["--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout.trim()).toBe("RangeError CancelledError 2");
  });
});
