// By reference without an inspector: the function is most often imported by the file that hands it over. Looks at the
// exports of the files on the stack and of what they import. Identity decides, so this can miss but never confuse.
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type CallSite, isCommonjs } from "./callsites.ts";
import { isEntry } from "./entry.ts";
import { moduleText } from "./imports.ts";
import { mayElideImports } from "./loader.ts";
import { commonjsModule, exploredModule, exploreModule } from "./modules.ts";
import type { ModuleAddress } from "./recipe.ts";

const { cache } = createRequire(import.meta.url);
const explored = new Set<string>();

/** Learns what the callers export and import; undefined when nothing new has to be loaded for that. */
export function exploreCallers(sites: readonly CallSite[]): Promise<unknown> | undefined {
  const pending: Promise<unknown>[] = [];
  for (const { url } of sites) {
    if (explored.has(url)) continue;
    explored.add(url);
    if (isCommonjs(url)) exploreCommonjs(url);
    else pending.push(exploreEsModule(url));
  }
  return pending.length > 0 ? Promise.all(pending) : undefined;
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
