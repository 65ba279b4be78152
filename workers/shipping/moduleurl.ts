// How people name a module: `import.meta.url`, a URL object, or a path from CommonJS.
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";

/** The URL of a module. Throws TypeError when it is relative, since nobody could say to what. */
export function moduleUrl(url: string | URL): string {
  const text = String(url);
  if (isAbsolute(text)) return pathToFileURL(text).href;
  if (/^(file|data|https?|node):/.test(text)) return text;
  throw new TypeError(
    `Expected \`url\` to be import.meta.url, __filename or new URL("./module.js", import.meta.url), got \`${text}\` (${typeof url})`,
  );
}
