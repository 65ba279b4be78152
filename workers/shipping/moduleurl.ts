// This says how people name a module: `import.meta.url`, a URL object, or a path from CommonJS.
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { moduleAddress } from "./advice.ts";

/** The URL of a module. Throws TypeError when it is relative, since nobody could say to what. */
export function moduleUrl(url: string | URL): string {
  const text = String(url);
  if (isAbsolute(text)) return pathToFileURL(text).href;
  if (/^(file|data|https?|node):/.test(text)) return text;
  const expected = moduleAddress('import.meta.url, __filename or new URL("./module.js", import.meta.url)');
  throw new TypeError(`Expected \`url\` to be ${expected}, got \`${text}\` (${typeof url})`);
}
