// This is the way by reference: the module and the name under which another thread finds the same function by
// itself.
//
//   known already ─ native ─ nearby.ts ─ exports near the callers ─ the inspector: its file, and that file's exports
//
// The callers are skipped when the file is known already, as it is for functions of the calling file.
//
// `null` means: not an export (or one that a worker could not load), so it goes by value. A promise means: a module has
// to be looked at first; ask again when it is settled.
import { exploreCallers } from "./callers.ts";
import { callSites, isCommonjs } from "./callsites.ts";
import { classText } from "./classes.ts";
import { shippedCodeOf } from "./code.ts";
import { comparable } from "./comparable.ts";
import { declarationOf } from "./declared.ts";
import { isEntry } from "./entry.ts";
import { builtinReference, globalReference } from "./globals.ts";
import { knownText, moduleText } from "./imports.ts";
import { type CodeInspection, mayInspect, type Scope } from "./inspector.ts";
import { functionsOf, prototypeOf } from "./members.ts";
import {
  commonjsModule,
  exploredModule,
  exploreModule,
  exportedAs,
  type LoadedModule,
  pathInModule,
  searchedReference,
} from "./modules.ts";
import type { CallMoment } from "./moment.ts";
import { nearbyReference } from "./nearby.ts";
import { describeModule, describeReference, type Reference } from "./recipe.ts";
import { knownScriptUrl, noteScripts, scriptUrl } from "./scripts.ts";

export type Lookup = Reference | null | Promise<unknown>;

/** What was found out about a function; it does not change. */
const verdicts = new WeakMap<object, Reference | null>();
/** Modules and exports that a worker could not load, with its error. */
const lost = new Map<string, unknown>();

/** Never to refer to this again: a worker could not follow it. */
export function loseReference(reference: Reference, error: unknown): void {
  const { code } = error as { code?: unknown };
  const wholeModule =
    reference.kind !== "global" &&
    reference.kind !== "declared" &&
    code !== "ERR_SHIP_NO_EXPORT" &&
    code !== "ERR_SHIP_OTHER_FUNCTION";
  lost.set(wholeModule ? describeModule(reference) : describeReference(reference), error);
}

/** Grows with each loss. */
export const lossCount = (): number => lost.size;

/** Why a worker could not follow a reference, if it was tried. */
export function whyLost(reference: Reference): unknown {
  if (lost.size === 0) return undefined;
  const module =
    reference.kind === "global" || reference.kind === "declared"
      ? undefined
      : lost.get(describeModule(reference));
  return module ?? lost.get(describeReference(reference));
}

/** The reference to a function that was lost, if that happened: why it goes by value. */
export function lostReferenceOf(fn: object): { reference: Reference; why: unknown } | undefined {
  const candidates = [declarationOf(fn), exportedAs(fn) ?? verdicts.get(fn)];
  const reference = candidates.find((candidate) => candidate && whyLost(candidate) !== undefined);
  return reference ? { reference, why: whyLost(reference) } : undefined;
}

/** The reference to a function. `moment` has what inspections at the time of the call have shown. */
export function lookUp(fn: object, moment: CallMoment): Lookup {
  const known = verdicts.get(fn);
  if (known) return whyLost(known) === undefined ? known : null;
  // Its module may have been looked at since it was not found.
  const exported = exportedAs(fn);
  if (exported !== undefined) return settle(fn, exported);
  if (known === null) return null;
  if (isNative(fn)) return settle(fn, globalReference(fn) ?? builtinReference(fn));
  const nearby = nearbyReference(fn);
  if (nearby !== null) return settle(fn, nearby);
  if (!mayInspect()) {
    return (
      lookNearCallers(fn) ?? settle(fn, globalReference(fn) ?? builtinReference(fn) ?? searchedReference(fn))
    );
  }
  const inspection = moment.inspect(fn);
  if (inspection.kind !== "code") return settle(fn, null);
  if (knownScriptUrl(inspection.scriptId) !== undefined) return lookUpAt(fn, inspection);
  return lookNearCallers(fn, inspection) ?? lookUpAt(fn, inspection);
}

/** Undefined when nothing was found there. */
function lookNearCallers(fn: object, inspection?: CodeInspection): Lookup | undefined {
  const sites = callSites();
  noteScripts(sites);
  if (inspection && knownScriptUrl(inspection.scriptId) !== undefined) return undefined;
  const exploring = exploreCallers(sites);
  const exported = exportedAs(fn);
  return exported ? settle(fn, exported) : exploring;
}

function lookUpAt(fn: object, { scriptId, scopes }: CodeInspection): Lookup {
  const url = scriptUrl(scriptId);
  if (url.startsWith("node:")) return settle(fn, globalReference(fn) ?? builtinReference(fn));
  if (!/^(file|data|https?):/.test(url) || isEntry(url)) return settle(fn, null);
  if (scopes.some(({ kind }) => kind === "Module")) return lookUpInEsModule(fn, url);
  const module = isCommonjs(url) ? commonjsModule(url) : null;
  if (module) return settle(fn, referenceIn(module, fn));
  return shippedCodeOf(url) ? settle(fn, null) : guess(fn, url, scopes);
}

/** A Module scope proves that Node itself loaded the file: importing it again gives the same instance. */
function lookUpInEsModule(fn: object, url: string): Lookup {
  const module = exploredModule({ kind: "module", url });
  if (module === undefined) return exploreModule({ kind: "module", url });
  // It may be in its own top-level await still: not a verdict.
  return module && settle(fn, referenceIn(module, fn));
}

function referenceIn(module: LoadedModule, fn: object): Reference | null {
  const path = pathInModule(module, fn);
  return path ? { ...module.address, path } : null;
}

/**
 * A foreign loader (vitest) evaluated the file, so importing it here would give another instance and identity is of no
 * use. A binding of the function's name that holds it, and an export of that name in the file's text, must do.
 */
function guess(fn: object, url: string, scopes: readonly Scope[]): Lookup {
  const { name } = fn as { name?: unknown };
  // Those of the file: a function in it may have another one of that name.
  const outer = scopes.filter(({ kind }) => kind !== "Global").slice(-2);
  if (typeof name !== "string" || !outer.some((scope) => isBoundIn(scope, name, fn))) return settle(fn, null);
  const text = knownText(url);
  if (!text) return moduleText(url);
  const isExported = (text.exports.has(name) || text.defaultName === name) && isAsItsModuleMadeIt(fn, scopes);
  return settle(fn, isExported ? { kind: "module", url, path: [name], guessed: true } : null);
}

/**
 * Nothing can be compared over there, where the text is another one: here the function has to be one that was written at
 * the top of its file, with the functions that its text gives it.
 */
function isAsItsModuleMadeIt(fn: object, scopes: readonly Scope[]): boolean {
  const { name } = fn as { name: string };
  // A class has its name in a scope of its own.
  const file = scopes.findLastIndex((scope) => isBoundIn(scope, name, fn));
  const isInner = scopes
    .slice(0, file)
    .some(({ variables }) => Object.keys(variables).some((key) => key !== name));
  return !isInner && hasItsFunctionsOnly(fn);
}

function hasItsFunctionsOnly(fn: object): boolean {
  const source = Function.prototype.toString.call(fn);
  const prototype = prototypeOf(fn);
  const functions = [...functionsOf(fn), ...(prototype ? functionsOf(prototype) : [])];
  if (!source.startsWith("class")) return functions.length === 0;
  return (
    functions.every((member) => source.includes(Function.prototype.toString.call(member.fn))) &&
    (classText(source)?.members ?? []).every(
      ({ key, isStatic }) => key === undefined || Object.hasOwn(isStatic ? fn : (prototype ?? fn), key),
    )
  );
}

function isBoundIn({ kind, variables }: Scope, name: string, fn: object): boolean {
  try {
    return kind !== "Global" && variables[name] === fn;
  } catch {
    return false; // not initialised yet
  }
}

function settle(fn: object, found: Reference | null): Reference | null {
  const verdict = found && comparable(fn, found);
  verdicts.set(fn, verdict);
  return verdict && whyLost(verdict) === undefined ? verdict : null;
}

/** Written in no JavaScript: of the language itself, or made by `bind`. */
export function isNative(fn: object): boolean {
  return Function.prototype.toString.call(fn).endsWith("{ [native code] }");
}
