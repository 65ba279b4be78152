// This finds references without an inspector: the function is most often imported by the file that hands it over. It
// looks at the exports of the files on the stack and of what they import. Identity decides, so it can miss but never
// confuse.
import { fileURLToPath, pathToFileURL } from "node:url";
import { requireFrom } from "../../src/core.ts";
import { type CallSite, isCommonjs } from "./callsites.ts";
import { isEntry } from "./entry.ts";
import { moduleText } from "./imports.ts";
import { mayElideImports } from "./loader.ts";
import { commonjsModule, exploredModule, exploreModule } from "./modules.ts";
import type { ModuleAddress } from "./recipe.ts";

const { cache } = requireFrom();
/** Callers that were explored (null), or are being explored. */
const explored = new Map<string, Promise<unknown> | null>();

/** Learns what the callers export and import; undefined when nothing more has to be loaded for that. */
export function exploreCallers(sites: readonly CallSite[]): Promise<unknown> | undefined {
  const pending = sites.map(({ url }) => exploreCaller(url)).filter((exploring) => exploring !== null);
  return pending.length > 0 ? Promise.all(pending) : undefined;
}

function exploreCaller(url: string): Promise<unknown> | null {
  const before = explored.get(url);
  if (before !== undefined) return before;
  if (isCommonjs(url)) exploreCommonjs(url);
  const exploring = isCommonjs(url) ? null : exploreEsModule(url).finally(() => explored.set(url, null));
  explored.set(url, exploring);
  return exploring;
}

function exploreCommonjs(url: string): void {
  if (!isEntry(url)) commonjsModule(url);
  for (const child of cache[fileURLToPath(url)]?.children ?? []) {
    const childUrl = pathToFileURL(child.filename).href;
    if (!isEntry(childUrl)) commonjsModule(childUrl);
  }
}

async function exploreEsModule(url: string): Promise<void> {
  const addresses: ModuleAddress[] = isEntry(url) ? [] : [{ kind: "module", url }];
  if (!mayElideImports(url)) {
    const { imports } = await moduleText(url);
    for (const { module, bindings } of imports) if (bindings.length > 0) addresses.push(module);
  }
  await Promise.all(addresses.map(exploreOnce));
}

async function exploreOnce(address: ModuleAddress): Promise<void> {
  if (address.kind === "module" && isEntry(address.url)) return;
  if (exploredModule(address) === undefined) await exploreModule(address);
}
