// What was moved to another machine was copied there; it is gone here as if it had been moved to a thread.

import type { Transferable } from "node:worker_threads";

/** Makes objects unusable that were listed to be moved, after they have been copied. */
export function detach(moved: readonly Transferable[]): void {
  if (moved.length > 0) structuredClone(null, { transfer: moved as Transferable[] });
}
