// This follows, on the worker's side, a reference to the value that it names. Each is followed once; then it is known.
import { fileURLToPath } from "node:url";
import { emitWarning, requireFrom } from "../../src/core.ts";
import { bringFromModule, whereModulesAre } from "./advice.ts";
import { declaredFunction, declaredNames } from "./declared.ts";
import { hasPrints, modificationTime } from "./fingerprint.ts";
import { importAs } from "./importas.ts";
import { whileLoading } from "./loading.ts";
import { clauseOf, codeOf } from "./reason.ts";
import { describeModule, describeReference, OWN_EXPORTS, type Path, type Reference } from "./recipe.ts";
import { ShipError } from "./shiperror.ts";
import { syntaxPlace } from "./syntaxplace.ts";

const known = new Map<string, Found>();
/** The ES modules that were loaded, by their URLs. */
const namespaces = new Map<string, object>();

/** A value in a box: it may be a promise or a namespace with an export named `then`, which must not be awaited. */
export interface Found {
  readonly value: unknown;
}

/** The value that a reference names: at once when this thread has followed it before or has its module, else when that is loaded. */
export function resolve(reference: Reference): Found | Promise<Found> {
  const key = `${reference.kind}:${describeReference(reference)}`;
  const found = known.get(key);
  if (found) return compared(found, reference);
  if (reference.kind === "global")
    return remember(key, reference, { value: dig(globalThis, reference.path) });
  // Further down there may be getters, which run as the load of the module does.
  const namespace =
    reference.kind === "module" && reference.path.length === 1 ? namespaces.get(reference.url) : undefined;
  if (namespace !== undefined && reference.kind === "module")
    return remember(key, reference, { value: exportOf(namespace, reference) });
  return load(reference).then((loaded) => remember(key, reference, loaded));
}

function remember(key: string, reference: Reference, found: Found): Found {
  if (found.value === undefined) throw noSuchExport(reference);
  known.set(key, found);
  return compared(found, reference);
}

/** What was found, unless it is another function than the one that was handed over. */
function compared(found: Found, reference: Reference): Found {
  if (isSame(found.value, reference)) return found;
  throw new ShipError(
    "ERR_SHIP_OTHER_FUNCTION",
    `${describeReference(reference)} is not the same in a worker thread: ` +
      (changedOnDisk(reference)
        ? "the file has changed on disk"
        : "it was assigned since its module was loaded"),
    { reference },
  );
}

const isSame = (value: unknown, reference: Reference): boolean =>
  reference.kind === "global" ||
  reference.kind === "declared" ||
  reference.prints === undefined ||
  hasPrints(value, reference.prints);

/** Whether the file of a reference was modified since the thread that handed a function of it over used it first. */
function changedOnDisk(reference: Reference): boolean {
  return (
    "modified" in reference && "url" in reference && modificationTime(reference.url) !== reference.modified
  );
}

function warnOfChange(reference: Reference): void {
  if (!changedOnDisk(reference)) return;
  emitWarning(
    "THREADLOOP_FILE_CHANGED",
    `The file of ${describeReference(reference)} has changed on disk since this program loaded it: threads that load it ` +
      "from now on run what it has now, those from before what it had. Start the program again",
  );
}

async function load(reference: Exclude<Reference, { kind: "global" }>): Promise<Found> {
  try {
    if ("url" in reference && reference.url.startsWith("node:")) return await follow(reference);
    const found = await whileLoading(describeReference(reference), () => follow(reference));
    warnOfChange(reference);
    return found;
  } catch (error) {
    throw loadError(reference, error);
  }
}

async function follow(reference: Exclude<Reference, { kind: "global" }>): Promise<Found> {
  switch (reference.kind) {
    case "commonjs":
      return { value: dig(requireFrom()(fileURLToPath(reference.url)), reference.path) };
    case "declared":
      await import(reference.url);
      return { value: declaredFunction(reference.url, reference.name) };
    case "imported":
      return { value: dig(await importAs(reference.from, reference.specifier), reference.path) };
    case "module": {
      const namespace = await importUrl(reference.url);
      namespaces.set(reference.url, namespace);
      return { value: exportOf(namespace, reference) };
    }
  }
}

let loadOwnExports: (() => Promise<object>) | null = null;

/** In a thread whose code is text, which is no module that could be imported. */
export function setOwnExports(load: () => Promise<object>): void {
  loadOwnExports = load;
}

function importUrl(url: string): Promise<object> {
  return url === OWN_EXPORTS && loadOwnExports !== null ? loadOwnExports() : import(url);
}

function exportOf(namespace: object, reference: Extract<Reference, { kind: "module" }>): unknown {
  const value = dig(namespace, reference.path);
  if (value !== undefined || !reference.guessed) return value;
  // A default export under the name of its own binding: `export default function render() {}`.
  const byDefault = dig(namespace, ["default"]);
  return typeof byDefault === "function" && byDefault.name === reference.path[0] ? byDefault : undefined;
}

function dig(from: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, name) => (value as Record<string, unknown> | null | undefined)?.[name],
    from,
  );
}

function noSuchExport(reference: Reference): ShipError {
  return new ShipError("ERR_SHIP_NO_EXPORT", `In a worker thread ${missing(reference)}`, { reference });
}

function missing(reference: Reference): string {
  switch (reference.kind) {
    case "global":
      return `there is no ${describeReference(reference)}`;
    case "declared":
      return (
        `${reference.url} declares no task "${reference.name}" (it declares: ${declaredNames(reference.url).join(", ") || "none"}). ` +
        "Call task() at the top level of the module"
      );
    default:
      return `${describeModule(reference)} has no export "${reference.path.join(".")}"`;
  }
}

/** The module could not be found or read over here, though the main thread has it: its functions may go by value. */
const UNREACHABLE =
  /^(ERR_SHIP_REENTRANT|ERR_MODULE_NOT_FOUND|MODULE_NOT_FOUND|ERR_UNKNOWN_|ERR_UNSUPPORTED_|ERR_INVALID_TYPESCRIPT|ERR_PACKAGE_|ERR_REQUIRE_|ERR_ACCESS_DENIED|ENOENT)/;

function loadError(reference: Reference, error: unknown): ShipError {
  if (error instanceof ShipError && error.reference) return error;
  const code = codeOf(error);
  // A SyntaxError: the main thread's loader translates this file and the worker's does not.
  const unreachable =
    UNREACHABLE.test(code) || error instanceof SyntaxError || ("guessed" in reference && reference.guessed);
  return new ShipError(
    unreachable ? "ERR_SHIP_UNREACHABLE" : "ERR_SHIP_LOAD",
    unreachable
      ? `A worker thread cannot import ${describeReference(reference)}: ${clauseOf(error)}${"url" in reference ? syntaxPlace(error, reference.url) : ""}${whereModulesAre(error)}`
      : `${describeReference(reference)} threw while a worker thread loaded it: ${clauseOf(error)}. Guard what only the main thread can do: ` +
          "`if (isMainThread) { ... }` from node:worker_threads, or " +
          bringFromModule("the function"),
    { cause: error, reference },
  );
}
