// This is what a file imports, by its source text: es-module-lexer finds the statements (strings, comments and
// TypeScript's type-only imports are not mistaken for imports), the names bound by each are read off the statement.
import { builtinModules } from "node:module";
import { fileURLToPath } from "node:url";
import { LruMap } from "./lrumap.ts";
import type { ModuleAddress } from "./recipe.ts";

/** One `import` or `export ... from` statement of a file. */
export interface ImportStatement {
  readonly module: ModuleAddress;
  /** [local name, imported name]; "*" is the namespace. */
  readonly bindings: readonly (readonly [string, string])[];
}

/** The statements and the names that a file exports. */
export interface ModuleText {
  readonly imports: readonly ImportStatement[];
  readonly exports: ReadonlySet<string>;
  /** The name that its default export has in the file. */
  readonly defaultName?: string;
}

const EMPTY: ModuleText = { imports: [], exports: new Set() };
const readings = new Map<string, Promise<ModuleText>>();
const texts = new LruMap<string, ModuleText>(500);

/** What is known already of the file at `url`. */
export function knownText(url: string): ModuleText | undefined {
  return texts.get(url);
}

/** What the file at `url` imports and exports; nothing when it cannot be read or understood. */
export function moduleText(url: string): Promise<ModuleText> {
  let reading = readings.get(url);
  if (!reading) {
    reading = read(url)
      .catch(() => EMPTY)
      .then((text) => {
        texts.set(url, text);
        readings.delete(url);
        return text;
      });
    readings.set(url, reading);
  }
  return reading;
}

async function read(url: string): Promise<ModuleText> {
  if (!url.startsWith("file:")) return EMPTY;
  const [{ init, parse }, text] = await Promise.all([
    import("es-module-lexer"),
    process.getBuiltinModule("node:fs/promises").readFile(fileURLToPath(url), "utf8"),
  ]);
  await init;
  const [imports, exports] = parse(text);
  const statements: ImportStatement[] = [];
  for (const found of imports) {
    if (
      (found.type !== "static" && found.type !== "reexport-star") ||
      found.typeOnly ||
      found.phase ||
      found.attributes
    )
      continue;
    const clause = text.slice(found.importStart, found.importEnd);
    if (!bindsOnlyTypes(clause)) {
      statements.push({ module: addressOf(found.specifier, url), bindings: bindingsOf(clause) });
    }
  }
  const [, declared, listed] = DEFAULT_NAME.exec(text) ?? [];
  const defaultName = declared ?? listed;
  return {
    imports: statements,
    exports: new Set(exports.flatMap((e) => ("name" in e ? [e.name] : []))),
    ...(defaultName !== undefined && { defaultName }),
  };
}

const DEFAULT_NAME =
  /\bexport\s+default\s+(?:async\s+)?(?:function\s*\*?\s*|class\s+)?([\p{ID_Continue}$]+)|\bexport\s*\{[^}]*?([\p{ID_Continue}$]+)\s+as\s+default\b/u;

/** How the file `from` loads `specifier`. Packages and aliases are left to Node's loader, which knows their conditions. */
function addressOf(specifier: string, from: string): ModuleAddress {
  if (specifier.startsWith("node:")) return { kind: "module", url: specifier };
  if (builtinModules.includes(specifier)) return { kind: "module", url: `node:${specifier}` };
  if (/^(\.{0,2}\/|file:|data:)/.test(specifier))
    return { kind: "module", url: new URL(specifier, from).href };
  return { kind: "imported", from, specifier };
}

/** `import { type A, type B } from` may be dropped by a transpiler: that module need not be loaded. */
function bindsOnlyTypes(clause: string): boolean {
  const named = /^import\s*\{([^}]*)\}\s*from/.exec(clause)?.[1]?.split(",") ?? ["a value"];
  return named.every((part) => part.trim() === "" || /^\s*type\s/.test(part));
}

function bindingsOf(clause: string): [string, string][] {
  if (!clause.startsWith("import")) return [];
  const head = withoutComments(clause)
    .replace(/^import\s*/, "")
    .replace(/\bfrom\s*['"][^'"]*['"][\s\S]*$/, "");
  const bindings: [string, string][] = [];
  const named = /\{([^}]*)\}/.exec(head)?.[1] ?? "";
  for (const part of named.split(",")) {
    const names = /^\s*(?!type\s)([\w$]+|"[^"]*")(?:\s+as\s+([\w$]+))?\s*$/.exec(part);
    if (names) bindings.push([names[2] ?? names[1]!, names[1]!.replaceAll('"', "")]);
  }
  const others = head.replace(/\{[^}]*\}/, "");
  const namespace = /\*\s*as\s+([\w$]+)/.exec(others)?.[1];
  if (namespace) bindings.push([namespace, "*"]);
  const byDefault = /^\s*([\w$]+)/.exec(others)?.[1];
  if (byDefault) bindings.push([byDefault, "default"]);
  return bindings;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, " ");
}
