// This says how the inspector of a process gets closed whatever becomes of us: the process itself closes it when
// nobody has renewed a lease on it for two seconds. A command renews its own twice a second; one that is killed,
// hung up on or interrupted does not. Several commands may look into a process at once: the last lease closes it.

import { randomUUID } from "node:crypto";
import type { RemoteThread } from "./remote.ts";

/** Milliseconds after which a lease that nobody renews is over. */
export const LEASE = 2000;
const RENEW_EVERY = 500;

/** The leases of a process, by who holds them: when they end. */
const LEASES = `globalThis[Symbol.for("threadloop.leases")]`;

/**
 * The timers are Node's own, whatever a test has put in their place, and hold no process. The inspector is closed by a
 * timer and never by what it evaluates, which can end the process with a segmentation fault (Node 24 and 26); and not
 * while somebody is connected, since `close()` blocks the process until all are gone, and a command that was stopped
 * (kill -STOP) does not go. Linux tells who is. A main thread that never rests leaves the inspector open until it does.
 */
const renew = (holder: string) => `(() => {
  const { setInterval, clearInterval } = process.getBuiltinModule("node:timers");
  const { performance } = process.getBuiltinModule("node:perf_hooks");
  let leases = ${LEASES};
  if (leases === undefined) {
    leases = ${LEASES} = new Map();
    const inspector = process.getBuiltinModule("node:inspector");
    const isConnected = () => {
      try {
        const port = Number(new URL(inspector.url()).port).toString(16).toUpperCase().padStart(4, "0");
        const table = process.getBuiltinModule("node:fs").readFileSync("/proc/self/net/tcp", "latin1");
        return table.split("\\n").some((row) => row.includes(":" + port + " ") && / 01 /.test(row));
      } catch {
        return false;
      }
    };
    const look = setInterval(() => {
      for (const [holder, end] of leases) if (end < performance.now()) leases.delete(holder);
      if (leases.size > 0 || isConnected()) return;
      clearInterval(look);
      delete ${LEASES};
      inspector.close();
    }, 50);
    look.unref();
  }
  leases.set("${holder}", performance.now() + ${LEASE});
  return 0;
})()`;

const release = (holder: string) => `${LEASES}?.delete("${holder}"); 0`;

/** Whether a command opened the inspector, and not a person who debugs. */
export async function isLeased(main: RemoteThread): Promise<boolean> {
  return (await main.evaluate(`${LEASES} !== undefined`)) === true;
}

/** A lease that is renewed until it is given back. */
export async function holdLease(main: RemoteThread): Promise<() => Promise<void>> {
  const holder = randomUUID();
  await main.evaluate(renew(holder));
  const renewing = setInterval(() => void main.evaluate(renew(holder)).catch(() => {}), RENEW_EVERY);
  return async () => {
    clearInterval(renewing);
    await main.evaluate(release(holder)).catch(() => {});
  };
}
