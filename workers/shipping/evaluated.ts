// This evaluates a file of the built package in a vm context, as Jest and vitest have them: what `require` gives there
// belongs to another context, and `import` takes a while, or is refused between two tests. The package's files have one
// form, which the build gives them: `import { a, b as c } from "..."` at the beginning, `export { a, b as c }` at the end.
import { readFileSync } from "node:fs";
import * as timers from "node:timers";
import { isForeignRealm } from "./native.ts";

type Exports = Record<string, unknown>;

/** What this context has loaded, by address. */
const known = new Map<string, object>();

/** Is told by entries, in what the build adds to them, which files have come with them: their exports, by specifier. */
export function knowModules(entry: string, modules: Readonly<Record<string, object>>): void {
  if (!isForeignRealm) return;
  known.set("node:timers", timers);
  for (const [specifier, exports] of Object.entries(modules)) {
    const { href } = new URL(specifier, entry);
    if (!known.has(href)) known.set(href, exports);
  }
}

/** Whether there is anything that files can build on. */
export function mayEvaluate(): boolean {
  return known.size > 0;
}

const IMPORT = /^import (?:\{ (.*) \} from )?"(.*)";$/gm;
/** As a constant has it; it stands in texts, too. */
const ADDRESS = /(?<=^const \w+ = .*=> \()import\.meta\.url(?=\))/gm;
const EXPORT = /^export \{ (.*) \};$/m;

/** The exports of a file, evaluated now unless it was already. */
export function evaluated(url: string): object {
  const there = known.get(url);
  if (there !== undefined) return there;
  if (url.startsWith("node:")) return process.getBuiltinModule(url) as object;
  const code = readFileSync(new URL(url), "utf8").replace(ADDRESS, JSON.stringify(url));
  const scope: Exports = {};
  const body = code.replace(IMPORT, (_, names: string | undefined, specifier: string) => {
    const exports = evaluated(specifier.startsWith("node:") ? specifier : new URL(specifier, url).href);
    for (const [name, local] of namesIn(names)) defineAs(scope, local, () => (exports as Exports)[name]);
    return "";
  });
  const exported = (_: string, names: string): string =>
    `return { ${namesIn(names)
      .map(([local, name]) => `get ${name}() { return ${local}; }`)
      .join(", ")} };`;
  // An import can be another value later, so each is looked up when it is read.
  const text = `with (scope) return (function () { "use strict"; ${body.replace(EXPORT, exported)} })();`;
  const exports = new Function("scope", `${text}\n//# sourceURL=${url}`)(scope) as object;
  known.set(url, exports);
  return exports;
}

/** `a, b as c` in pairs. */
function namesIn(list = ""): [string, string][] {
  return list
    .split(", ")
    .filter((item) => item !== "")
    .map((item) => {
      const [name, as = name] = item.split(" as ");
      return [name, as] as [string, string];
    });
}

function defineAs(scope: Exports, name: string, get: () => unknown): void {
  Object.defineProperty(scope, name, { get });
}
