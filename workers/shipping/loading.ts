// A module that a worker loads for a job must not start a program while it loads: a pool would start workers of workers,
// which load it again; a loop or a server would do once more what the program does already. What it tries is refused, and
// the load fails even when the module catches that, so that its functions go by value from then on. The mark travels
// with the asynchronous context of the import, so other jobs of the worker stay free, and it is cleared when the import
// ends, so what the module left behind (a timer) is free as well.
import { AsyncLocalStorage } from "node:async_hooks";
import { setProgramGuard } from "../../src/core.ts";
import { bringFromModule } from "./advice.ts";
import { ShipError } from "./shiperror.ts";

interface Load {
  readonly what: string;
  busy: boolean;
  /** The first thing that was refused to it. */
  refusal: ShipError | null;
}

const current = new AsyncLocalStorage<Load>();
/** How many imports are going on: who asks often asks only where there are some. */
export let modulesLoading = 0;

/** Runs an import for a job; pools, loops and servers that it starts meanwhile are refused, and fail it. */
export async function whileLoading<T>(what: string, load: () => PromiseLike<T> | T): Promise<T> {
  const mark: Load = { what, busy: true, refusal: null };
  if (modulesLoading++ === 0) guardPrograms();
  try {
    const loaded = await current.run(mark, load);
    if (mark.refusal !== null) throw mark.refusal;
    return loaded;
  } catch (error) {
    throw mark.refusal ?? error;
  } finally {
    mark.busy = false;
    if (--modulesLoading === 0) unguardPrograms();
  }
}

/** Throws when the caller runs because a worker is loading a module for a job. `how`: what it does then. */
export function refuseWhileLoading(how = "uses a pool"): void {
  if (modulesLoading === 0) return;
  const mark = current.getStore();
  if (!mark?.busy) return;
  const refusal = refusalOf(mark, how);
  mark.refusal ??= refusal;
  throw refusal;
}

/** A loop cannot run in what a load left behind either, as the worker's own does: then the reason is this one. */
function refuseProgram(how: string): void {
  refuseWhileLoading(how);
  const mark = current.getStore();
  if (mark) throw refusalOf(mark, how);
}

function refusalOf({ what, busy }: Load, how: string): ShipError {
  return new ShipError(
    "ERR_SHIP_REENTRANT",
    `${what} ${how} ${busy ? "while a worker thread loads it" : "in a worker thread that loaded it"} for a job. ` +
      "Guard what only the main thread shall do: `if (isMainThread) { ... }` from node:worker_threads, or " +
      bringFromModule("the job's function"),
  );
}

let unguardPrograms = (): void => {};

/** `listen` of servers and `process.exit` are others while anything is loaded; the context tells whose call it is. */
function guardPrograms(): void {
  setProgramGuard(refuseProgram);
  const takeBack = [guardServers(), guardMethod(process, "exit", "ends the process")];
  unguardPrograms = () => {
    for (const undo of takeBack) undo();
  };
}

/**
 * Every thread would load what servers are made of, for the few modules that make one: where it is not there yet, it is
 * there when the first emitter that listens is made.
 */
function guardServers(): () => void {
  if (hasServers()) return guardListen();
  let takeBack: (() => void) | null = null;
  const undo = replaceMethod(emitters(), "init", (init) => {
    return function (this: object, ...args: unknown[]): unknown {
      if ("listen" in this) takeBack ??= guardListen();
      return Reflect.apply(init, this, args);
    };
  });
  return () => {
    undo();
    takeBack?.();
  };
}

/** What every emitter calls that is made; Node's own `domain` replaces it as well. */
const emitters = (): { init: Method } =>
  process.getBuiltinModule("node:events") as unknown as { init: Method };

function hasServers(): boolean {
  const { moduleLoadList } = process as { moduleLoadList?: readonly string[] };
  return moduleLoadList === undefined || moduleLoadList.includes("NativeModule net");
}

function guardListen(): () => void {
  return guardMethod(process.getBuiltinModule("node:net").Server.prototype, "listen", "listens");
}

function guardMethod<K extends string>(owner: Record<K, unknown>, name: K, how: string): () => void {
  return replaceMethod(owner as Record<K, Method>, name, (method) => {
    return function (this: unknown, ...args: unknown[]): unknown {
      refuseWhileLoading(how);
      return Reflect.apply(method, this, args);
    };
  });
}

type Method = (...args: never[]) => unknown;

/** Puts another method in the place of one; what is returned takes it back. */
function replaceMethod<K extends string>(
  owner: Record<K, Method>,
  name: K,
  replacement: (method: Method) => Method,
): () => void {
  const method = owner[name];
  const other = replacement(method);
  Object.assign(owner, { [name]: other });
  return () => {
    // Unless an instrumentation was put on top of it meanwhile: then it stays, and asks.
    if (owner[name] === other) Object.assign(owner, { [name]: method });
  };
}
