// Captured variables that are imports go by reference: packages, namespaces and singletons need no copying. Which names
// a file imports is read off its text; that a name really is that import is checked by identity.
import { isEntry } from "./entry.ts";
import { type ImportStatement, knownText, moduleText } from "./imports.ts";
import type { Scope } from "./inspector.ts";
import { exploredModule, exploreModule, type LoadedModule } from "./modules.ts";
import type { ModuleAddress, Reference } from "./recipe.ts";

/** The captured names that are imports of the file; a promise when modules have to be looked at first. */
export function importsAmong(
  names: readonly string[],
  url: string,
  scopes: readonly Scope[],
): ReadonlyMap<string, Reference> | Promise<unknown> {
  const module = scopes.find(({ kind }) => kind === "Module");
  const candidates = module
    ? names.filter((name) => scopes.find(({ variables }) => name in variables) === module)
    : [];
  if (!module || candidates.length === 0) return new Map();
  const text = knownText(url);
  if (!text) return moduleText(url);
  const statements = text.imports.filter(({ bindings }) =>
    bindings.some(([local]) => candidates.includes(local)),
  );
  const unexplored = statements.filter(
    (statement) => isExplorable(statement.module) && exploredModule(statement.module) === undefined,
  );
  if (unexplored.length > 0)
    return Promise.all(unexplored.map((statement) => exploreModule(statement.module)));
  return matching(statements, candidates, module);
}

function matching(
  statements: readonly ImportStatement[],
  names: readonly string[],
  scope: Scope,
): Map<string, Reference> {
  const found = new Map<string, Reference>();
  for (const { module: address, bindings } of statements) {
    const module = isExplorable(address) ? exploredModule(address) : null;
    if (!module) continue;
    for (const [local, imported] of bindings) {
      if (names.includes(local) && isThat(scope.variables, local, module, imported)) {
        found.set(local, { ...address, path: imported === "*" ? [] : [imported] });
      }
    }
  }
  return found;
}

function isThat(
  variables: Record<string, unknown>,
  local: string,
  { exports }: LoadedModule,
  imported: string,
): boolean {
  try {
    return Object.is(
      variables[local],
      imported === "*" ? exports : (exports as Record<string, unknown>)[imported],
    );
  } catch {
    return false; // not initialised yet, in a cycle of imports
  }
}

const isExplorable = (address: ModuleAddress): boolean => address.kind !== "module" || !isEntry(address.url);
