// These are locks and queues of the field: within one thread, and between two.
import { MessageChannel } from "node:worker_threads";
import { Mutex } from "async-mutex";
import { Lock, run } from "threadloop";
import { SharedLock, SharedQueue, WorkerPool } from "threadloop/workers";
import { addUnderLock, countOvertaking, type Message, postAll, putAll } from "../workloads/sharing.ts";

/** Each does something so many times, checks that it was right, and returns nothing. */
export interface Sharer {
  readonly name: string;
  readonly kind: "ours" | "limit" | "peer";
  /** Takes and releases a lock that nobody else wants. */
  alone?(count: number): Promise<void>;
  /** Two threads take and release one lock, each half of the times. */
  contended?(count: number): Promise<void>;
  /** The same; tells the share of turns that overtook somebody who waited already. */
  overtaking?(count: number): Promise<number>;
  /** A thread sends messages to the main thread. */
  messages?(count: number): Promise<void>;
  /** How many items came that were not the next ones. */
  faults?(): number;
  close?(): Promise<unknown>;
}

/** The places in the queues. */
const BOUND = 64;

export function threadloop(): Sharer {
  const pool = new WorkerPool({ size: 2, minThreads: 2 });
  return {
    name: "threadloop, shared",
    kind: "ours",
    alone: (count) => takeAll(new SharedLock(), count),
    async contended(count) {
      const lock = new SharedLock();
      const total = new Int32Array(new SharedArrayBuffer(4));
      const add = () => pool.submit(addUnderLock, lock, total, count / 2);
      await Promise.all([add(), add()]);
      check(total[0]!, count);
    },
    async overtaking(count) {
      const lock = new SharedLock();
      const waits = new Int32Array(new SharedArrayBuffer(16));
      const take = (me: number) => pool.submit(countOvertaking, lock, waits, me, count / 2);
      const [first, second] = await Promise.all([take(0), take(1)]);
      return (first + second) / count;
    },
    messages: (count) =>
      run(async () => {
        const queue = new SharedQueue<Message>(BOUND);
        const putting = pool.submit(putAll, queue, count);
        for (let id = 0; id < count; id++) check((await queue.get()).id, id);
        await putting;
      }),
    close: () => pool.close(),
  };
}

export const threadloopLock: Sharer = {
  name: "threadloop, of one loop",
  kind: "ours",
  alone: (count) => takeAll(new Lock(), count),
};

export const asyncMutex: Sharer = {
  name: "async-mutex (one thread)",
  kind: "peer",
  async alone(count) {
    const mutex = new Mutex();
    for (let i = 0; i < count; i++) (await mutex.acquire())();
  },
};

export function postMessage(): Sharer {
  const pool = new WorkerPool({ size: 1, minThreads: 1 });
  return {
    name: "postMessage, unbounded",
    kind: "limit",
    async messages(count) {
      const { port1, port2 } = new MessageChannel();
      let next = 0;
      const all = new Promise<void>((resolve) => {
        port1.on("message", ({ id }: Message) => {
          check(id, next++);
          if (next === count) resolve();
        });
      });
      const posting = pool.with({ transfer: [port2] }).submit(postAll, port2, count);
      await all;
      await posting;
      port1.close();
    },
    close: () => pool.close(),
  };
}

/** Needs `navigator`, which Node has from 21 on. */
export async function multithreading(): Promise<Sharer> {
  const { channel, Mutex, move, shutdown, spawn } = await import("multithreading");
  let faults = 0;
  return {
    name: "multithreading",
    kind: "peer",
    async alone(count) {
      const mutex = new Mutex();
      for (let i = 0; i < count; i++) (await mutex.lock()).dispose();
    },
    async contended(count) {
      const total = new Int32Array(new SharedArrayBuffer(4));
      const mutex = new Mutex(total);
      const add = () =>
        spawn(move(mutex, count / 2), async (shared, times) => {
          for (let i = 0; i < times; i++) {
            const guard = await shared.lock();
            guard.value[0] = guard.value[0]! + 1;
            guard.dispose();
          }
        }).join();
      await Promise.all([add(), add()]);
      check(total[0]!, count);
    },
    async overtaking(count) {
      const mutex = new Mutex(new Int32Array(new SharedArrayBuffer(16)));
      const take = (me: number) =>
        // What `countOvertaking` does; a spawned function has nothing but its arguments.
        spawn(move(mutex, me, count / 2), async (shared, own, times) => {
          const first = await shared.lock();
          const waiting = first.value;
          first.dispose();
          let overtaken = 0;
          Atomics.store(waiting, 2 + own, 1);
          while (Atomics.load(waiting, 3 - own) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
          for (let wait = 1; wait <= times; wait++) {
            const before = Atomics.load(waiting, 1 - own);
            const taken = shared.lock();
            Atomics.store(waiting, own, wait);
            const guard = await taken;
            Atomics.store(waiting, own, 0);
            if (before !== 0 && Atomics.load(waiting, 1 - own) === before) overtaken++;
            guard.dispose();
          }
          return overtaken;
        }).join();
      const both = await Promise.all([take(0), take(1)]);
      const counts = both.map((result) => (result.ok ? result.value : Number.NaN));
      return (counts[0]! + counts[1]!) / count;
    },
    async messages(count) {
      const [sender, receiver] = channel<Message>(BOUND);
      const sending = spawn(move(sender, count), async (tx, times) => {
        for (let id = 0; id < times; id++) await tx.send({ id, text: "message" });
      }).join();
      for (let id = 0; id < count; id++) {
        const received = await receiver.recv();
        if (!received.ok) throw new Error(`An item did not come: ${received.error}`);
        if (received.value.id !== id) faults++;
      }
      await sending;
    },
    faults: () => faults,
    close: async () => shutdown(),
  };
}

async function takeAll(lock: Lock | SharedLock, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await lock.acquire();
    lock.release();
  }
}

function check(got: unknown, expected: number): void {
  if (got !== expected) throw new Error(`Expected ${expected}, got ${got}`);
}
