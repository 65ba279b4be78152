// What a call moves to another machine is copied there; here it is gone then, as if it had been moved to a thread.

import type { Transferable } from "node:worker_threads";

/** Makes objects unusable that were listed to be moved, after they have been copied. */
export function detach(moved: readonly Transferable[]): void {
  if (moved.length > 0) structuredClone(null, { transfer: moved as Transferable[] });
}
