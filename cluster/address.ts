// These are NamedFunctions by name. What crosses to another machine says nothing of the caller's paths: each module
// is named by its path below a folder, `modules`, which both sides have, with the hash of its file, so that a
// machine with another version of it says so in place of running that.
//
//   caller   file:///home/ada/app/src/render.js#thumbnail   ->   src/render.js#thumbnail, sha256 of the file
//   machine  src/render.js#thumbnail                        ->   file:///srv/app/src/render.js#thumbnail
//
// Invariant: a machine that takes no source code calls nothing but exports of files below its own `modules`, whatever it
// is told: no global function that could run code, no module of Node's, no file that a symbolic link leads out to. From a
// caller who has signed with the secret it also takes the packages in there.

import { createHash } from "node:crypto";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type CarriedVariable, PACKAGE_ROOT, printable } from "../src/core.ts";
import type { Copy, CopyNode, ModuleReference, Path, Recipe, Reference } from "../workers/shipping/recipe.ts";
import { ShipError } from "../workers/shipping/shiperror.ts";

/** A recipe in which names stand for URLs, and the hashes of the files, by their names. */
export interface NamedRecipe {
  readonly recipe: Recipe;
  readonly hashes: Readonly<Record<string, string>>;
}

/** What the sender of a recipe may have run. */
export interface Trust {
  /** It has signed it with the machine's secret. */
  readonly isSigned: boolean;
  /** The machine also runs functions by value. */
  readonly allowSource: boolean;
}

/** Stands before names of this package's own modules, which every machine has somewhere. */
const OWN = "threadloop:";

// The caller.

/** The recipe for machines whose `modules` is a copy of `root`. Throws ShipError for what does not lie in there. */
export function toNames(recipe: Recipe, root: string): NamedRecipe {
  const folder = realpathSync(root);
  const hashes: Record<string, string> = Object.create(null);
  const nameOf = (url: string): string => {
    if (url.startsWith("node:")) return url;
    const name = nameBelow(url, folder);
    const isInstalled = name === null || name.split("/").includes("node_modules");
    if (isInstalled && url.startsWith(PACKAGE_ROOT)) return `${OWN}${url.slice(PACKAGE_ROOT.length)}`;
    if (name === null) throw unnamed(url, folder);
    hashes[name] = hashOf(fileURLToPath(withoutQuery(url)));
    return name;
  };
  return { recipe: mapped(recipe, nameOf, (url) => nameBelow(url, folder) ?? ""), hashes };
}

/**
 * Context variables for machines whose `modules` is a copy of `root`: those of other files are left out, as no function there
 * has them.
 */
export function variablesByName(variables: readonly CarriedVariable[], root: string): CarriedVariable[] {
  const folder = realpathSync(root);
  return variables.flatMap((variable) => {
    const name = fileNameBelow(fileOf(variable.key), folder);
    return name === null ? [] : [{ ...variable, key: name + nameOf(variable.key) }];
  });
}

/** The same for a path that a stack gave: it may be one that is no part of a URL. */
function fileNameBelow(path: string, folder: string): string | null {
  try {
    return nameBelow(`file://${path}`, folder);
  } catch {
    return null;
  }
}

/** The path of a file below a folder, as part of a URL; null for one that is elsewhere. */
function nameBelow(url: string, folder: string): string | null {
  const path = url.startsWith("file:///") ? realpathOf(fileURLToPath(withoutQuery(url))) : null;
  if (path === null || !isBelow(path, folder)) return null;
  const name = relative(folder, path).split(sep).map(encodeURIComponent).join("/");
  return name + url.slice(withoutQuery(url).length);
}

/** Why a file has no name: it is not there at all, or elsewhere. */
function unnamed(url: string, folder: string): ShipError {
  if (!url.startsWith("file:") || realpathOf(fileURLToPath(withoutQuery(url))) !== null)
    return outside(url, folder);
  return new ShipError("ERR_SHIP_UNREACHABLE", `There is no module ${printable(url)}`);
}

function outside(what: string, folder: string): ShipError {
  return new ShipError(
    "ERR_SHIP_OUTSIDE",
    `${printable(what)} is not below ${folder}, so other machines cannot be told where it is: move it there, or set ` +
      "`modules` of the ClusterExecutor to a folder that holds it and that the machines have as well",
  );
}

// The machine.

/** The recipe with the URLs of this machine. Throws ShipError for what it does not have, or may not be told to run. */
export function toUrls(named: NamedRecipe, root: string, trust: Trust): Recipe {
  const { recipe } = named;
  const folder = realpathSync(root);
  const takesSource = trust.allowSource && trust.isSigned;
  if (recipe.kind === "copy") {
    if (!takesSource) throw sourceRefused();
  } else if (!takesSource) checkReference(recipe, folder, trust);
  return mapped(
    recipe,
    (name) => urlOf(name, named, folder, trust),
    (name) => placeOf(name, folder),
  );
}

/** Context variables by the keys that they have on this machine; those of files that it does not have are left out. */
export function variablesHere(variables: readonly CarriedVariable[], root: string): CarriedVariable[] {
  const folder = realpathSync(root);
  return variables.flatMap((variable) => {
    const place = placeOf(fileOf(variable.key), folder);
    return place === "" ? [] : [{ ...variable, key: place.slice("file://".length) + nameOf(variable.key) }];
  });
}

function urlOf(name: string, { hashes }: NamedRecipe, folder: string, trust: Trust): string {
  if (trust.allowSource && trust.isSigned) {
    if (isBuiltin(name)) return name;
    if (name.startsWith(OWN)) return PACKAGE_ROOT + name.slice(OWN.length);
  }
  const url = locate(name, folder);
  const path = fileURLToPath(url);
  if (!trust.isSigned && relative(folder, path).split(sep).includes("node_modules"))
    throw new ShipError(
      "ERR_SHIP_OUTSIDE",
      `${printable(name)} belongs to a package, and this machine has no secret: it runs the program's own exports only. ` +
        "Export a function of your own that calls it, or give both sides the same secret",
    );
  const hash = Object.hasOwn(hashes, name) ? hashes[name] : undefined;
  const own = hashOf(path);
  if (hash !== own)
    throw new ShipError(
      "ERR_SHIP_OTHER_CODE",
      `Module ${printable(name)} is another version on this machine (sha256 ${own.slice(0, 12)}) than at the caller ` +
        `(${printable(String(hash)).slice(0, 12)}): deploy the same build to both, or give each build a queue of its own`,
    );
  return url.href;
}

/** Where a text was written, for stacks and for what it imports: it need not be there. */
function placeOf(name: string, folder: string): string {
  try {
    return name === "" ? "" : locate(name, folder).href;
  } catch {
    return "";
  }
}

/** The file of that name below the folder. */
function locate(name: string, folder: string): URL {
  const url = new URL("file:///");
  try {
    const [path = "", ...query] = String(name).split(/(?=[?#])/);
    const at = join(folder, ...path.split("/").map(decodeURIComponent));
    const real = realpathOf(at);
    if (real === null) throw new ShipError("ERR_SHIP_UNREACHABLE", missing(name, folder));
    if (!isBelow(real, folder) || !statSync(real).isFile()) throw elsewhere(name);
    url.href = pathToFileURL(real).href + query.join("");
  } catch (error) {
    throw error instanceof ShipError ? error : elsewhere(name);
  }
  return url;
}

function missing(name: string, folder: string): string {
  return (
    `This machine has no module ${printable(name)} (its --modules is ${folder}): deploy the code to the machines before ` +
    "the programs that call it"
  );
}

function elsewhere(name: string): ShipError {
  return new ShipError(
    "ERR_SHIP_OUTSIDE",
    `${printable(String(name))} is no file below what this machine serves: it runs exports of files below its --modules only`,
  );
}

function sourceRefused(): ShipError {
  return new ShipError(
    "ERR_SHIP_SOURCE",
    "This machine runs functions of its own modules only, no source code: export the function from a module, or start " +
      "the machine with --allow-source and a secret that its callers have as well",
  );
}

/** NamedFunctions of the language that do nothing but compute: `Math.max`, `JSON.parse`, `structuredClone`. */
const PURE_OBJECTS: ReadonlySet<string> = new Set([
  "Math",
  "JSON",
  "Number",
  "String",
  "Array",
  "BigInt",
  "Date",
]);
const PURE_FUNCTIONS: ReadonlySet<string> = new Set([
  ..."structuredClone parseInt parseFloat isNaN isFinite Number String Boolean BigInt".split(" "),
  ..."encodeURIComponent decodeURIComponent encodeURI decodeURI atob btoa".split(" "),
]);
/** What every object and every function has: from there the way leads to all other code. */
const INHERITED: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  ...Object.getOwnPropertyNames(Function.prototype),
]);

/** Whether somebody who may not send source code may have this called. */
function checkReference(reference: Reference, folder: string, trust: Trust): void {
  if (reference.kind === "global") {
    if (!isPure(reference.path)) throw forbidden(`the global \`${pathOf(reference.path)}\``);
    return;
  }
  if (reference.kind === "declared") return;
  const isModule = reference.kind === "module";
  const [first, ...rest] = reference.path;
  // An ES module has nothing but what it exports, whatever that is called.
  if (rest.some((step) => INHERITED.has(step)) || (!isModule && INHERITED.has(String(first))))
    throw forbidden(`\`${pathOf(reference.path)}\``);
  if (reference.kind === "imported") checkPackage(reference, folder, trust);
}

function isPure(path: Path): boolean {
  const [object = "", name, ...more] = path;
  if (more.length > 0) return false;
  if (name === undefined) return PURE_FUNCTIONS.has(object);
  return PURE_OBJECTS.has(object) && !INHERITED.has(name);
}

function pathOf(path: Path): string {
  return printable(path.join("."));
}

function forbidden(what: string): ShipError {
  return new ShipError(
    "ERR_SHIP_OUTSIDE",
    `This machine runs exports of its own modules only, not ${what}: export a function that calls it`,
  );
}

/** A package that a file below the folder imports must lie below the folder, too. */
function checkPackage(
  { specifier, from }: Extract<ModuleReference, { kind: "imported" }>,
  folder: string,
  { isSigned }: Trust,
): void {
  const name = /^(?:@[\w.~-]+\/)?[\w~-][\w.~-]*/.exec(specifier)?.[0];
  if (!isSigned || name === undefined || isBuiltin(specifier) || /^\w+:/.test(specifier))
    throw forbidden(
      `\`${printable(specifier)}\`, which ${printable(from)} imports${isSigned ? "" : ", as it has no secret"}`,
    );
  for (let at = dirname(fileURLToPath(locate(from, folder))); isBelow(at, folder); at = dirname(at)) {
    const real = realpathOf(join(at, "node_modules", name));
    if (real !== null && isBelow(real, folder)) return;
    if (real !== null) break;
    if (at === folder) break;
  }
  throw forbidden(`\`${printable(specifier)}\`, which is no package below its --modules`);
}

// Both.

/** A variable's key is the path of its file, and its name behind a hash. */
const fileOf = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf("#")));
const nameOf = (key: string): string => key.slice(Math.max(0, key.lastIndexOf("#")));

/** A recipe with other addresses: those of what it refers to, and those where its texts were written. */
function mapped(recipe: Recipe, module: (url: string) => string, place: (url: string) => string): Recipe {
  if (recipe.kind !== "copy") return mappedReference(recipe, module);
  const copy: Copy = { kind: "copy", nodes: recipe.nodes.map((node) => mappedNode(node, module, place)) };
  return copy;
}

function mappedNode(
  node: CopyNode,
  module: (url: string) => string,
  place: (url: string) => string,
): CopyNode {
  switch (node.kind) {
    case "reference":
      return { ...node, reference: mappedReference(node.reference, module) };
    case "code":
      return { ...node, code: { ...node.code, url: place(node.code.url) } };
    case "scope":
      return { ...node, url: place(node.url) };
    case "require":
      throw new ShipError(
        "ERR_SHIP_SOURCE",
        "A function that uses `require` cannot be sent to another machine as source code: export it from a module",
      );
    default:
      return node;
  }
}

function mappedReference(reference: Reference, module: (url: string) => string): Reference {
  if (reference.kind === "global") return { kind: "global", path: reference.path };
  if (reference.kind === "declared")
    return { kind: "declared", url: module(reference.url), name: reference.name };
  const { path, guessed, prints } = reference;
  const rest = {
    path,
    ...(guessed === undefined ? {} : { guessed }),
    ...(prints === undefined ? {} : { prints }),
  };
  return reference.kind === "imported"
    ? { kind: "imported", from: module(reference.from), specifier: reference.specifier, ...rest }
    : { kind: reference.kind, url: module(reference.url), ...rest };
}

/** Files that were read, while they are what they were. */
const files = new Map<string, { readonly modified: number; readonly size: number; readonly hash: string }>();

function hashOf(path: string): string {
  const { mtimeMs: modified, size } = statSync(path);
  const known = files.get(path);
  if (known?.modified === modified && known.size === size) return known.hash;
  const hash = createHash("sha256").update(readFileSync(path)).digest("hex");
  files.set(path, { modified, size, hash });
  return hash;
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function realpathOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, "");
}
