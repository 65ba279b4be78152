// This is what a ClusterExecutor and a machine can be told, with the defaults and the checks.

import { existsSync, realpathSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { RedisOptions } from "ioredis";
import { checkOptionNames, got, optionNames, printable } from "../src/core.ts";
import {
  checkContext,
  checkPreload,
  count,
  countOrInfinity,
  duration,
  is,
  isFlag,
  isObject,
  oneOf,
  SHIP_MODES,
} from "../workers/executor/checks.ts";
import type { ContextSource } from "../workers/executor/jobcontext.ts";
import type { ShipMode } from "../workers/shipping/shipment.ts";

/** What both sides of a queue are told. */
interface QueueOptions {
  /** Where Redis or Valkey is: `redis://host:port`, or `rediss://user:password@host:port` with TLS. */
  readonly url: string;
  /** Further options of the connections, as ioredis has them: TLS files, Sentinel. */
  readonly redis?: RedisOptions;
  /** The name of the queue; machines of one queue run the same code. Default "default". */
  readonly queue?: string;
  /**
   * Signs what is sent, and is asked of what comes: both sides have it or none has. Of several the first one signs and
   * all are accepted, so that it can be replaced. Default: the environment variable `THREADLOOP_CLUSTER_SECRET`, where
   * several are separated by commas.
   */
  readonly secret?: string | readonly string[];
  /** Most bytes of the arguments of one call, and of its result. Default 32 MiB. */
  readonly maxPayload?: number;
}

/** Options of a ClusterExecutor. */
export interface ClusterExecutorOptions extends QueueOptions {
  /**
   * The folder whose files the machines have as well; functions outside of it cannot be named there. Default: that of
   * the nearest package.json above the program.
   */
  readonly modules?: string;
  /** How functions get to the machines. Default "reference"; "auto" and "value" send source code and need a `secret`. */
  readonly ship?: ShipMode;
  /** Batches of calls that are posted ahead for each thread of the cluster; further calls wait here. Default 3. */
  readonly ahead?: number;
  /** Calls that may wait here; one more is refused with QueueFull, or waited for with `enqueue`. Default: no limit. */
  readonly maxQueue?: number;
  /** AsyncLocalStorages and ContextVars whose current values travel with each call, by name. */
  readonly context?: Readonly<Record<string, ContextSource>>;
  /** Shows in errors and reports. Default: the queue's name. */
  readonly name?: string;
  /** Runs of an `idempotent` call whose machine is lost, before it fails. Default 3. */
  readonly attempts?: number;
  /** Milliseconds after which this process counts as gone when it is not heard of. Default 60,000. */
  readonly lease?: number;
  /**
   * What becomes of calls that run when this process is gone: they are finished, or cancelled. Default "finish".
   * Streams, and calls with callbacks, are cancelled in any case: they would wait for it for ever.
   */
  readonly orphans?: "finish" | "cancel";
  /** Milliseconds that Redis may be out of reach before submits are refused. Default 30,000; Infinity: never. */
  readonly connectTimeout?: number;
}

/** Options of a machine: a process that runs calls of a queue. */
export interface MachineOptions extends QueueOptions {
  /** Most threads. Default: `os.availableParallelism()`. */
  readonly threads?: number;
  /** The only folder of which it calls functions. Default: the current one. */
  readonly modules?: string;
  /** Milliseconds after which it counts as lost when it is not heard of. Default 10,000. */
  readonly lock?: number;
  /** Also runs functions by value, of callers with the same secret. Default false. */
  readonly allowSource?: boolean;
  /** URLs of modules that every thread imports before its first call. */
  readonly preload?: readonly (string | URL)[];
  /** Shows in reports. Default: the name of the host. */
  readonly name?: string;
  /** Calls in progress at once in one thread; more than one means coroutines that interleave at their awaits. Default: no limit. */
  readonly tasksPerWorker?: number;
  /** Milliseconds between the cancel of a running call and the end of its thread. Default 1,000; Infinity: never. */
  readonly cancelGrace?: number;
}

/** Options of who looks at a queue. */
export type OnlookerOptions = Pick<QueueOptions, "url" | "redis" | "queue" | "secret">;

/** The options of both, complete. */
interface QueueSettings {
  readonly url: string;
  readonly redis: RedisOptions;
  readonly queue: string;
  readonly secrets: readonly string[];
  readonly maxPayload: number;
  readonly modules: string;
  readonly name: string;
}

export interface ClusterSettings extends QueueSettings {
  readonly attempts: number;
  readonly ship: ShipMode;
  readonly ahead: number;
  readonly maxQueue: number;
  readonly context: Readonly<Record<string, ContextSource>> | undefined;
  readonly lease: number;
  readonly orphans: "finish" | "cancel";
  readonly connectTimeout: number;
}

export interface MachineSettings extends QueueSettings {
  readonly threads: number;
  readonly lock: number;
  readonly allowSource: boolean;
  readonly preload: readonly (string | URL)[];
  readonly tasksPerWorker: number;
  readonly cancelGrace: number;
}

const MEBIBYTE = 1024 * 1024;
/** Redis takes no longer value. */
const LONGEST_VALUE = 512 * MEBIBYTE;
/** In less time no machine can be heard of again. */
const SHORTEST_LOCK = 100;

/** Fills in the defaults; throws RangeError or TypeError that names the option. */
export function clusterSettingsOf(given: ClusterExecutorOptions): ClusterSettings {
  is("options", given, isObject(given), "an object");
  const options = { ...given };
  checkOptionNames("ClusterExecutor", options, CLUSTER_OPTIONS);
  const queue = queueSettingsOf(options, () => folderOfProgram());
  const settings: ClusterSettings = {
    ...queue,
    name: printable(options.name ?? queue.queue),
    attempts: options.attempts ?? 3,
    ship: options.ship ?? "reference",
    ahead: options.ahead ?? 3,
    maxQueue: options.maxQueue ?? Number.POSITIVE_INFINITY,
    context: options.context,
    lease: options.lease ?? 60_000,
    orphans: options.orphans ?? "finish",
    connectTimeout: options.connectTimeout ?? 30_000,
  };
  count("attempts", settings.attempts, 1);
  oneOf("ship", settings.ship, SHIP_MODES);
  oneOf("orphans", settings.orphans, ["finish", "cancel"]);
  checkContext(settings.context);
  countOrInfinity("maxQueue", settings.maxQueue, 0);
  count("ahead", settings.ahead, 1);
  count("lease", settings.lease, SHORTEST_LOCK);
  duration("connectTimeout", settings.connectTimeout);
  checkShipping(settings.ship, settings.secrets);
  return settings;
}

/** Checks how functions of an executor, or of one call, may travel. */
export function checkShipping(ship: ShipMode, secrets: readonly string[]): void {
  if (ship === "reference" || secrets.length > 0) return;
  throw new TypeError(
    `\`ship: "${ship}"\` may send source code to other machines, which they run only when it is signed: give both ` +
      'sides the same `secret`, or leave the option out, which means "reference"',
  );
}

/** Fills in the defaults; throws RangeError or TypeError that names the option. */
export function machineSettingsOf(given: MachineOptions): MachineSettings {
  is("options", given, isObject(given), "an object");
  const options = { ...given };
  checkOptionNames("startMachine()", options, MACHINE_OPTIONS);
  const queue = queueSettingsOf(options, () => process.cwd());
  const settings: MachineSettings = {
    ...queue,
    name: printable(options.name ?? ""),
    threads: options.threads ?? availableParallelism(),
    lock: options.lock ?? 10_000,
    allowSource: options.allowSource ?? false,
    preload: options.preload ?? [],
    tasksPerWorker: options.tasksPerWorker ?? Number.POSITIVE_INFINITY,
    cancelGrace: options.cancelGrace ?? 1000,
  };
  count("threads", settings.threads, 1);
  count("lock", settings.lock, SHORTEST_LOCK);
  countOrInfinity("tasksPerWorker", settings.tasksPerWorker, 1);
  duration("cancelGrace", settings.cancelGrace);
  isFlag("allowSource", options.allowSource);
  checkPreload(options.preload);
  if (settings.allowSource && settings.secrets.length === 0)
    throw new TypeError(
      "`allowSource` has whoever reaches Redis run any code on this machine, so it needs a `secret` that only its " +
        "callers have: set THREADLOOP_CLUSTER_SECRET on both sides",
    );
  return settings;
}

/** Fills in the defaults; throws RangeError or TypeError that names the option. */
export function onlookerSettingsOf(options: OnlookerOptions): QueueSettings {
  return queueSettingsOf({ ...options }, () => process.cwd());
}

type Common = QueueOptions & {
  readonly modules?: string;
  readonly name?: string;
  readonly attempts?: number;
};

function queueSettingsOf(options: Common, defaultFolder: () => string): QueueSettings {
  const { redis = {}, queue = "default", maxPayload = 32 * MEBIBYTE } = options;
  checkQueue(queue);
  is("redis", redis, isObject(redis), "an object");
  is("name", options.name, options.name === undefined || typeof options.name === "string", "a string");
  count("maxPayload", maxPayload, 1024, LONGEST_VALUE);
  return {
    url: urlOf(options.url),
    redis,
    queue,
    secrets: secretsOf(options.secret),
    maxPayload,
    modules: folderOf(options.modules ?? defaultFolder()),
    name: "",
  };
}

/** The address may hold a password, so no error shows it. */
function urlOf(url: unknown): string {
  is(
    "url",
    url === undefined ? undefined : "…",
    typeof url === "string",
    "the address of Redis: redis://host:port",
  );
  const parsed = URL.canParse(url as string) ? new URL(url as string) : null;
  if (parsed !== null && /^rediss?:$/.test(parsed.protocol)) return url as string;
  throw new TypeError(
    `Expected \`url\` to begin with redis:// or rediss://, got ${parsed === null ? "no URL" : `one that begins with ${printable(parsed.protocol)}//`}`,
  );
}

/** Redis, BullMQ and patterns of ACL users have a meaning for other characters. */
function checkQueue(queue: unknown): void {
  if (typeof queue === "string" && /^[\w.@+-]{1,100}$/.test(queue)) return;
  throw new TypeError(
    `Expected \`queue\` to be 1 to 100 letters, digits and characters of "._@+-", got ${got(queue)}`,
  );
}

/** Neither is shown in an error. An environment variable that is empty is none. */
function secretsOf(secret: unknown): readonly string[] {
  const given = secret ?? (process.env.THREADLOOP_CLUSTER_SECRET || undefined)?.split(",") ?? [];
  const secrets: readonly unknown[] = Array.isArray(given) ? given : [given];
  for (const one of secrets)
    if (typeof one !== "string" || one === "")
      throw new TypeError("Expected `secret` to be a string that is not empty, or an array of such");
  return secrets as readonly string[];
}

function folderOf(path: unknown): string {
  is("modules", path, typeof path === "string", "the path of a folder");
  const folder = resolve(path as string);
  if (existsSync(folder) && statSync(folder).isDirectory()) return realpathSync(folder);
  throw new TypeError(`Expected \`modules\` to be a folder, and ${printable(folder)} is none`);
}

/** The folder of the nearest package.json above the program, else the current folder. */
function folderOfProgram(): string {
  const [, program] = process.argv;
  const start = program === undefined ? process.cwd() : dirname(resolve(program));
  for (let at = start; ; at = dirname(at)) {
    if (existsSync(join(at, "package.json"))) return at;
    if (at === dirname(at)) return process.cwd();
  }
}

const CLUSTER_OPTIONS = optionNames<ClusterExecutorOptions>({
  url: true,
  redis: true,
  queue: true,
  secret: true,
  maxPayload: true,
  modules: true,
  ship: true,
  ahead: true,
  maxQueue: true,
  context: true,
  name: true,
  attempts: true,
  lease: true,
  orphans: true,
  connectTimeout: true,
});
const MACHINE_OPTIONS = optionNames<MachineOptions>({
  url: true,
  redis: true,
  queue: true,
  secret: true,
  maxPayload: true,
  threads: true,
  modules: true,
  lock: true,
  allowSource: true,
  preload: true,
  name: true,
  tasksPerWorker: true,
  cancelGrace: true,
});
