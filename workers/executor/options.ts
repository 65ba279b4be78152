// These are the options of a pool and of a single call, with the defaults and the checks.

import { availableParallelism } from "node:os";
import type { ResourceLimits, Transferable } from "node:worker_threads";
import { checkOptionNames, got, optionNames, printable } from "../../src/core.ts";
import type { ShipMode } from "../shipping/shipment.ts";
import {
  checkContext,
  checkPreload,
  count,
  countOrInfinity,
  duration,
  is,
  isFlag,
  isObject,
  isText,
  moreThanNothing,
  oneOf,
  SHIP_MODES,
} from "./checks.ts";
import type { ContextSource } from "./jobcontext.ts";

/** Options of a pool. */
export interface WorkerPoolOptions {
  /** Most threads. Default: `os.availableParallelism()`. */
  readonly size?: number;
  /** Threads that stay when there is nothing to do. Default 0. */
  readonly minThreads?: number;
  /** Milliseconds after which an idle thread above `minThreads` ends. Default 10,000. */
  readonly idleTimeout?: number;
  /** Jobs in progress at once in one worker; more than one means coroutines that interleave at their awaits. Default: no limit. */
  readonly tasksPerWorker?: number;
  /** Jobs that may wait for a worker; one more is refused with QueueFull, or waited for with `enqueue`. Default: no limit. */
  readonly maxQueue?: number;
  /** Milliseconds between the cancel of a running job and the end of its thread. Default 1,000; Infinity: never. */
  readonly cancelGrace?: number;
  /**
   * Milliseconds for which a job may keep its thread's loop from turning before that is reported, once, as a process
   * warning or to the subscribers of `threadloop:worker:blocked`. Default 10,000; Infinity: never.
   */
  readonly blockedAfter?: number;
  /** Shows in errors and reports. Default "pool". */
  readonly name?: string;
  /** Runs in every new worker before its first job; when it fails, the pool is broken. */
  readonly initializer?: () => unknown;
  /**
   * Runs in every worker before its thread goes, because it was idle or the pool closes; for at most 5 seconds. What it
   * throws is a process warning. A thread that is terminated, or exits, does not run it, nor one that had no job.
   */
  readonly teardown?: () => unknown;
  /** URLs of modules that every new worker imports before its first job. */
  readonly preload?: readonly (string | URL)[];
  /** How functions get to the workers. Default "auto". */
  readonly ship?: ShipMode;
  /**
   * AsyncLocalStorages and ContextVars whose current values travel with each job, by name; the worker's side is
   * `jobContext(name)`, and for a ContextVar also the variable itself.
   */
  readonly context?: Readonly<Record<string, ContextSource>>;
  /** Runs of an `idempotent` job whose thread dies, before it fails. Default 3. */
  readonly attempts?: number;
  /** What the threads print to stdout goes to `pool.stdout` only, and not to this process's. Default false. */
  readonly stdout?: boolean;
  /** The same of stderr and `pool.stderr`. Default false. */
  readonly stderr?: boolean;
  /** When a thread is replaced by a new one. It finishes its jobs and takes no more; an actor keeps its thread. */
  readonly recycle?: RecycleOptions;
  /** The name of its threads, in reports and, where Node can, in the system's tools (`ps -T`). Default: Node's own. */
  readonly threadName?: string;
  /** What the threads have in `process.argv` beyond the first two. */
  readonly argv?: readonly unknown[];
  /** What the threads find as `workerData` of `node:worker_threads`: copied when each is started. */
  readonly workerData?: unknown;
  readonly resourceLimits?: ResourceLimits;
  readonly env?: NodeJS.ProcessEnv;
  readonly execArgv?: readonly string[];
}

/** When a thread is replaced by a new one, for what its jobs leave behind. */
export interface RecycleOptions {
  /** Jobs that a thread takes before it goes. Default: no limit. */
  readonly jobs?: number;
  /**
   * Megabytes of JavaScript heap above which a thread goes when a job has ended in it; garbage that was not collected
   * yet counts. Default: no limit.
   */
  readonly heap?: number;
}

/** Options of single calls, given to `pool.with()`. */
export interface CallOptions {
  /** Cancels the job when it aborts. */
  readonly signal?: AbortSignal;
  /** Milliseconds the job may run, from its start; then it is cancelled and fails with TimeoutError. */
  readonly timeout?: number;
  /** Milliseconds the job may wait to be started; then it fails with TimeoutError. */
  readonly queueTimeout?: number;
  /** Higher goes first among the jobs that wait; equal ones go first-in first-out. Default 0. */
  readonly priority?: number;
  /** Objects in the arguments that move to the worker and are gone here, as in `postMessage`. */
  readonly transfer?: readonly Transferable[];
  /** The job's name in errors and reports. Default: the function's. */
  readonly name?: string;
  /** The job may run again from the start when its thread dies. */
  readonly idempotent?: boolean;
  readonly ship?: ShipMode;
  /** Overrides the pool's `cancelGrace`. */
  readonly cancelGrace?: number;
}

/** The options of a pool, complete. */
export interface Settings extends WorkerPoolOptions {
  readonly size: number;
  readonly minThreads: number;
  readonly idleTimeout: number;
  readonly tasksPerWorker: number;
  readonly maxQueue: number;
  readonly cancelGrace: number;
  readonly blockedAfter: number;
  readonly name: string;
  readonly ship: ShipMode;
  readonly attempts: number;
}

/** The options that the threads of a pool go by themselves: each session brings them there. */
export type ThreadOptions = ReturnType<typeof threadOptionsOf>;

export function threadOptionsOf({ tasksPerWorker, recycle }: Settings) {
  return { tasksPerWorker, recycle: { ...recycle } };
}

/** Fills in the defaults; throws RangeError or TypeError that names the option. */
export function settingsOf(options: WorkerPoolOptions): Settings {
  is("options", options, isObject(options), "an object");
  return completed({ ...options });
}

function completed(options: WorkerPoolOptions): Settings {
  checkOptionNames("WorkerPool", options, POOL_OPTIONS);
  const size = options.size ?? availableParallelism();
  const settings: Settings = {
    ...options,
    size,
    minThreads: options.minThreads ?? 0,
    idleTimeout: options.idleTimeout ?? 10_000,
    tasksPerWorker: options.tasksPerWorker ?? Number.POSITIVE_INFINITY,
    maxQueue: options.maxQueue ?? Number.POSITIVE_INFINITY,
    cancelGrace: options.cancelGrace ?? 1000,
    blockedAfter: options.blockedAfter ?? 10_000,
    name: options.name ?? "pool",
    ship: options.ship ?? "auto",
    attempts: options.attempts ?? 3,
  };
  checkNumbers(settings);
  checkKinds(settings);
  checkThreadSettings(settings);
  return { ...settings, name: printable(settings.name) };
}

function checkNumbers(settings: Settings): void {
  count("size", settings.size, 1);
  count("minThreads", settings.minThreads, 0, settings.size);
  count("attempts", settings.attempts, 1);
  countOrInfinity("tasksPerWorker", settings.tasksPerWorker, 1);
  countOrInfinity("maxQueue", settings.maxQueue, 0);
  duration("idleTimeout", settings.idleTimeout);
  duration("cancelGrace", settings.cancelGrace);
  duration("blockedAfter", settings.blockedAfter);
}

function checkKinds(options: Settings): void {
  oneOf("ship", options.ship, SHIP_MODES);
  is("name", options.name, typeof options.name === "string", "a string");
  for (const key of ["initializer", "teardown"] as const) {
    is(key, options[key], options[key] === undefined || typeof options[key] === "function", "a function");
  }
  for (const key of ["stdout", "stderr"] as const) isFlag(key, options[key]);
  for (const key of ["execArgv", "argv"] as const) {
    is(key, options[key], options[key] === undefined || Array.isArray(options[key]), "an array");
  }
  for (const key of ["resourceLimits", "recycle"] as const) {
    is(key, options[key], options[key] === undefined || isObject(options[key]), "an object");
  }
  const { env } = options;
  is("env", env, env === undefined || isObject(env) || typeof env === "symbol", "an object or SHARE_ENV");
  for (const [at, flag] of (options.execArgv ?? []).entries())
    is(`execArgv[${at}]`, flag, typeof flag === "string", "a string");
  checkPreload(options.preload);
  checkContext(options.context);
}

/** What a thread is made with and would ignore, or die of before it can say why. */
function checkThreadSettings({ resourceLimits = {}, recycle = {}, threadName, env, argv }: Settings): void {
  checkOptionNames("resourceLimits", resourceLimits, RESOURCE_LIMITS);
  for (const [name, value] of Object.entries(resourceLimits))
    if (value !== undefined) moreThanNothing(`resourceLimits.${name}`, value);
  checkOptionNames("recycle", recycle, RECYCLE_OPTIONS);
  if (recycle.jobs !== undefined) countOrInfinity("recycle.jobs", recycle.jobs, 1);
  if (recycle.heap !== undefined) moreThanNothing("recycle.heap", recycle.heap);
  is("threadName", threadName, threadName === undefined || typeof threadName === "string", "a string");
  for (const [name, value] of Object.entries(isObject(env) ? (env as object) : {}))
    is(`env.${name}`, value, value == null || isText(value), "a string");
  for (const [at, value] of (argv ?? []).entries()) is(`argv[${at}]`, value, isText(value), "a string");
}

/**
 * Checks the options of calls; throws RangeError or TypeError that names the option. Returns them as they were read,
 * once.
 */
export function callOptionsOf(given: CallOptions): CallOptions {
  is("options", given, isObject(given), "an object");
  const options = { ...given };
  checkOptionNames("with()", options, CALL_OPTIONS);
  checkCallOptions(options);
  return options;
}

function checkCallOptions(options: CallOptions): void {
  for (const key of ["timeout", "queueTimeout", "cancelGrace"] as const) {
    if (options[key] !== undefined) duration(key, options[key]);
  }
  if (options.ship !== undefined) oneOf("ship", options.ship, SHIP_MODES);
  if (options.priority !== undefined && !Number.isFinite(options.priority)) {
    throw new RangeError(`Expected \`priority\` to be a finite number, got ${got(options.priority)}`);
  }
  isFlag("idempotent", options.idempotent);
  const { signal, transfer, name } = options;
  is("signal", signal, signal === undefined || signal instanceof AbortSignal, "an AbortSignal");
  is("transfer", transfer, transfer === undefined || Array.isArray(transfer), "an array");
  is("name", name, name === undefined || typeof name === "string", "a string");
}

/** Checks how a pool is to be closed. */
export function checkCloseOptions(options: { deadline?: number; cancelFutures?: boolean }): void {
  checkOptionNames("close()", options, CLOSE_OPTIONS);
  isFlag("cancelFutures", options.cancelFutures);
  if (options.deadline !== undefined) duration("deadline", options.deadline);
}

/** Checks how long `tasks` is to wait. */
export function patienceOf(options: { readonly patience?: number }): number {
  checkOptionNames("tasks()", options, TASKS_OPTIONS);
  const { patience = 200 } = options;
  duration("patience", patience);
  return patience;
}

/** Checks what a map is given. */
export function checkMapOptions(
  fn: unknown,
  options: { bufferSize?: number; chunkSize?: number; ordered?: boolean; onProgress?: unknown },
): void {
  is("fn", fn, typeof fn === "function", "a function");
  checkOptionNames("map()", options, MAP_OPTIONS);
  isFlag("ordered", options.ordered);
  const { onProgress } = options;
  is("onProgress", onProgress, onProgress === undefined || typeof onProgress === "function", "a function");
  if (options.chunkSize !== undefined) count("chunkSize", options.chunkSize, 1);
  if (options.bufferSize !== undefined) count("bufferSize", options.bufferSize, options.chunkSize ?? 1);
}

const POOL_OPTIONS = optionNames<WorkerPoolOptions>({
  size: true,
  minThreads: true,
  idleTimeout: true,
  tasksPerWorker: true,
  maxQueue: true,
  cancelGrace: true,
  blockedAfter: true,
  name: true,
  initializer: true,
  teardown: true,
  preload: true,
  ship: true,
  context: true,
  attempts: true,
  stdout: true,
  stderr: true,
  recycle: true,
  threadName: true,
  argv: true,
  workerData: true,
  resourceLimits: true,
  env: true,
  execArgv: true,
});
const CALL_OPTIONS = optionNames<CallOptions>({
  signal: true,
  timeout: true,
  queueTimeout: true,
  priority: true,
  transfer: true,
  name: true,
  idempotent: true,
  ship: true,
  cancelGrace: true,
});
const CLOSE_OPTIONS = optionNames<{ deadline?: number; cancelFutures?: boolean }>({
  deadline: true,
  cancelFutures: true,
});
const MAP_OPTIONS = optionNames<{
  bufferSize?: number;
  chunkSize?: number;
  ordered?: boolean;
  onProgress?: unknown;
}>({ bufferSize: true, chunkSize: true, ordered: true, onProgress: true });
const TASKS_OPTIONS = optionNames<{ patience?: number }>({ patience: true });
const RECYCLE_OPTIONS = optionNames<RecycleOptions>({ jobs: true, heap: true });
const RESOURCE_LIMITS = optionNames<ResourceLimits>({
  maxYoungGenerationSizeMb: true,
  maxOldGenerationSizeMb: true,
  codeRangeSizeMb: true,
  stackSizeMb: true,
});
