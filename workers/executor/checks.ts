// These are checks of single options, for whatever has options: each throws RangeError or TypeError that names the
// option, what was expected and what it got.

import { ContextVar, got } from "../../src/core.ts";
import { moduleAddress } from "../shipping/advice.ts";
import type { ShipMode } from "../shipping/shipment.ts";
import type { ContextSource } from "./jobcontext.ts";

export const SHIP_MODES: readonly ShipMode[] = ["auto", "reference", "value"];

export function count(
  name: string,
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `>= ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`Expected \`${name}\` to be an integer ${range}, got ${got(value)}`);
}

export function countOrInfinity(name: string, value: unknown, least: number): void {
  if (value !== Number.POSITIVE_INFINITY) count(name, value, least);
}

export function moreThanNothing(name: string, value: unknown): void {
  if (typeof value === "number" && value > 0) return;
  throw new RangeError(`Expected \`${name}\` to be megabytes > 0, got ${got(value)}`);
}

/** What Node makes a string of without a surprise. */
export function isText(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

export function duration(name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0) return;
  throw new RangeError(`Expected \`${name}\` to be milliseconds >= 0, got ${got(value)}`);
}

export function is(name: string, value: unknown, isSo: boolean, what: string): void {
  if (!isSo) throw new TypeError(`Expected \`${name}\` to be ${what}, got ${got(value)}`);
}

export function isFlag(name: string, value: unknown): void {
  is(name, value, value === undefined || typeof value === "boolean", "true or false");
}

/** What `import` takes wherever it is called: a URL or the name of a package, but no relative path. */
function isModule(value: unknown): boolean {
  return value instanceof URL || (typeof value === "string" && !/^\.{1,2}\//.test(value));
}

export function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

export function oneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (allowed.includes(value as string)) return;
  throw new TypeError(
    `Expected \`${name}\` to be ${allowed.map((one) => `"${one}"`).join(" or ")}, got ${got(value)}`,
  );
}

/** The URLs of modules that are imported before the first job. */
export function checkPreload(preload: readonly unknown[] | undefined): void {
  is("preload", preload, preload === undefined || Array.isArray(preload), "an array");
  for (const [at, url] of (preload ?? []).entries())
    is(`preload[${at}]`, url, isModule(url), moduleAddress('a URL: new URL("./module.js", import.meta.url)'));
}

/** What has values that travel with jobs. */
export function checkContext(context: Readonly<Record<string, ContextSource>> | undefined): void {
  is("context", context, context === undefined || isObject(context), "an object");
  for (const [name, storage] of Object.entries(context ?? {})) {
    const isSource = storage instanceof ContextVar || typeof storage?.getStore === "function";
    is(`context.${name}`, storage, isSource, "an AsyncLocalStorage or a ContextVar");
  }
}
