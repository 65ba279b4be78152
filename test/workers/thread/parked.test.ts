// A thread that is called again and again parks between the calls: it waits for its host alone. Whatever it has of its own
// goes on all the same, also while the main thread is blocked: each test calls it often, has it leave something behind,
// calls it again, and is blocked until the thread has told that this went on.

import { getRunningLoop, sleep } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const PATIENCE = 10_000;
const CALLS = 100;

let pool: WorkerPool;
beforeAll(() => {
  pool = new WorkerPool({ size: 1 });
});
afterAll(() => pool.close());

/** In the thread: leaves something behind that will call back. */
type LeaveBehind = (tell: () => void) => unknown;

const kinds: Record<string, LeaveBehind> = {
  "a timer": (tell) => setTimeout(tell, 20),
  "a timer that keeps nothing alive": (tell) => setTimeout(tell, 20).unref(),
  "an interval that keeps nothing alive": (tell) => {
    let count = 0;
    const interval = setInterval(() => {
      if (++count === 20) tell();
    }, 1);
    interval.unref();
  },
  "a row of immediates": (tell) => {
    let left = 1000;
    const next = () => (--left > 0 ? setImmediate(next) : tell());
    setImmediate(next);
  },
  "a message of its own": (tell) => {
    const { MessageChannel } = process.getBuiltinModule("node:worker_threads");
    const { port1, port2 } = new MessageChannel();
    port2.once("message", () => {
      port2.close();
      tell();
    });
    port1.postMessage("hello");
  },
  "a broadcast": (tell) => {
    const [from, to] = [new BroadcastChannel("parked"), new BroadcastChannel("parked")];
    to.onmessage = () => {
      from.close();
      to.close();
      tell();
    };
    from.postMessage("hello");
  },
  "a task": (tell) => {
    getRunningLoop().createTask(async () => {
      for (let i = 0; i < 10; i++) await sleep(1);
      tell();
    });
  },
  "work of the thread pool": (tell) => void crypto.subtle.digest("SHA-256", new Uint8Array(1e6)).then(tell),
  "a stream": (tell) => {
    const { createGzip } = process.getBuiltinModule("node:zlib");
    createGzip().on("finish", tell).resume().end(Buffer.alloc(1e6));
  },
  "a file": (tell) => process.getBuiltinModule("node:fs").readFile("package.json", tell),
};

/** Has the thread leave something behind at a job of many, and blocks this thread until that has told. */
async function outcomeOf(leaveBehind: LeaveBehind): Promise<string> {
  const told = new Int32Array(new SharedArrayBuffer(4));
  const job = (leave: Int32Array) => {
    leaveBehind(() => {
      Atomics.store(leave, 0, 1);
      Atomics.notify(leave, 0);
    });
  };
  for (let call = 0; call < CALLS; call++) await pool.submit(Math.abs, call);
  await pool.submit(job, told);
  await pool.submit(Math.abs, 1);
  return Atomics.wait(told, 0, 0, PATIENCE);
}

describe("a thread that is called again and again", () => {
  for (const [kind, leaveBehind] of Object.entries(kinds)) {
    it(`goes on with ${kind} while the main thread is blocked`, async () => {
      expect(await outcomeOf(leaveBehind)).not.toBe("timed-out");
    });
  }

  it("reads each message in its order, whether it is parked or not", async () => {
    const list: number[] = [];
    const calls = Array.from({ length: 2000 }, (_, call) => call);
    const collect = async (call: number) => {
      list.push(await pool.submit(Math.abs, call));
    };
    for (const call of calls) {
      if (call % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (call % 3 === 0) await collect(call);
      else await Promise.all([collect(call), pool.submit(Math.sqrt, call)]);
    }
    expect(list).toEqual(calls);
  });

  it("ends with its pool at once", async () => {
    const short = new WorkerPool({ size: 2 });
    for (let call = 0; call < CALLS; call++) await short.submit(Math.abs, call);
    expect(await short.close()).toMatchObject({ dropped: [] });
  });
});
