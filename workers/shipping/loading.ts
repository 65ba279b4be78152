// A module that a worker loads for a job must not use a pool while it loads: it would start workers of workers, which
// load it again. The mark travels with the asynchronous context of the import, so other jobs of the worker stay free,
// and it is cleared when the import ends, so what the module left behind (a timer) is free as well.
import { AsyncLocalStorage } from "node:async_hooks";
import { ShipError } from "./shiperror.ts";

interface Load {
  readonly what: string;
  busy: boolean;
}

const current = new AsyncLocalStorage<Load>();
/** How many imports are going on: asking costs nothing where there are none. */
let loads = 0;

/** Runs an import for a job; pools that it uses meanwhile are refused. */
export async function whileLoading<T>(what: string, load: () => PromiseLike<T> | T): Promise<T> {
  const mark: Load = { what, busy: true };
  loads++;
  try {
    return await current.run(mark, load);
  } finally {
    mark.busy = false;
    loads--;
  }
}

/** Throws when the caller runs because a worker is loading a module for a job. */
export function refuseWhileLoading(): void {
  if (loads === 0) return;
  const mark = current.getStore();
  if (!mark?.busy) return;
  throw new ShipError(
    "ERR_SHIP_REENTRANT",
    `${mark.what} uses a pool while a worker thread loads it for a job. Guard what only the main thread shall do: ` +
      "`if (isMainThread) { ... }` from node:worker_threads, or move the job's function to a module of its own",
  );
}
