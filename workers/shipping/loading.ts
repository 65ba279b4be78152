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

/** Runs an import for a job; pools that it uses meanwhile are refused. */
export async function whileLoading<T>(what: string, load: () => PromiseLike<T> | T): Promise<T> {
  const mark: Load = { what, busy: true };
  try {
    return await current.run(mark, load);
  } finally {
    mark.busy = false;
  }
}

/** Throws when the caller runs because a worker is loading a module for a job. */
export function refuseWhileLoading(): void {
  const mark = current.getStore();
  if (!mark?.busy) return;
  throw new ShipError(
    "ERR_SHIP_REENTRANT",
    `${mark.what} uses a pool while a worker thread loads it for a job. Guard what only the main thread shall do: ` +
      "`if (isMainThread) { ... }` from node:worker_threads, or move the job's function to a module of its own",
  );
}
