import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { SharedCondition, SharedEvent, SharedLock } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import { packed, unpacked } from "../../../dist/workers/carrier.js";
import * as jobs from "../../fixtures/workers/sharing.mjs";
import { makePool } from "../../support/pools.ts";

/** What arrives of a value that is posted. */
function post<T>(value: T): T {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(packed(value));
  const received = receiveMessageOnPort(port2)?.message as unknown;
  port1.close();
  return unpacked(received) as T;
}

describe("Shared objects", () => {
  it("keep their class nested in arguments", async () => {
    const value = { deep: { list: [new SharedLock()], event: new SharedEvent() } };
    expect(await makePool({ size: 1 }).submit(jobs.isShared, value)).toEqual([true, true]);
  });

  it("come back as results, one object each time they occur", async () => {
    const { lock, again, list } = await makePool({ size: 1 }).submit(jobs.makeLock);
    expect(lock).toBeInstanceOf(SharedLock);
    expect(list[0]).toBe(lock);
    expect(again.get(lock)?.has(lock)).toBe(true);
  });

  it("are the same lock wherever they go", async () => {
    const lock = new SharedLock();
    const back = await makePool({ size: 1 }).submit(jobs.takeAndReturn, lock);
    expect(lock.locked()).toBe(true);
    back.release();
    expect(lock.locked()).toBe(false);
  });

  it("travel with a closure that captures them", async () => {
    const lock = new SharedLock();
    await makePool({ size: 1 }).submit(async () => {
      await lock.acquire();
    });
    expect(lock.locked()).toBe(true);
  });

  it("travel with callbacks, both ways", async () => {
    const pool = makePool({ size: 1 });
    const answer = await pool.submit(jobs.callWithLock, ({ lock }: { lock: SharedLock }) => {
      expect(lock.locked()).toBe(true);
      return { lock };
    });
    expect(answer).toBe(true);
  });

  it("keep the lock that conditions share", () => {
    const lock = new SharedLock();
    const [one, two] = post([new SharedCondition(lock), new SharedCondition(lock)]) as [
      SharedCondition,
      SharedCondition,
    ];
    void one.acquire();
    expect(two.locked()).toBe(true);
  });

  it("leave the rest of a message alone", () => {
    const cycle: { self?: unknown; lock: SharedLock; data: unknown } = {
      lock: new SharedLock(),
      data: [new Map([["a", 1]]), new Set([2]), new Date(3), new Uint8Array([4]), null],
    };
    cycle.self = cycle;
    const got = post(cycle);
    expect(got.self).toBe(got);
    expect(got.data).toEqual(cycle.data);
    expect(got.lock).toBeInstanceOf(SharedLock);
  });

  it("are refused when the memory is not theirs", () => {
    const { memory } = { memory: new SharedArrayBuffer(4096) };
    expect(() => Reflect.construct(SharedLock, [memory])).toThrow("Expected the memory of a SharedLock");
  });

  it("keep the process alive while somebody waits, and only then", async () => {
    const program = (last: string) => `
      import { SharedEvent } from "threadloop/workers";
      const event = new SharedEvent();
      event.set();
      await event.wait();
      event.clear();
      ${last}`;
    const start = (code: string) =>
      promisify(execFile)(process.execPath, ["--input-type=module", "-e", code]);
    await start(program(""));
    await start(program("setImmediate(() => event.set()); await event.wait();"));
    // This timer does not keep it alive: it comes only if the wait does.
    const timer = 'setTimeout(() => { console.log("alive"); event.set(); }, 50).unref();';
    expect((await start(program(`${timer} await event.wait();`))).stdout).toBe("alive\n");
  });
});
