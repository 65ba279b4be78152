/** This is the site as it was built: its files, and a server of them. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { preview } from "vite";

export const root: string = fileURLToPath(new URL("../..", import.meta.url));
const built = join(root, "docs/.vitepress/dist");

/** The paths of its pages, as `/threads.html`. */
export function pagesOfSite(): string[] {
  const files = readdirSync(built, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".html")).map((file) => `/${file}`);
}

export function readPage(page: string): string {
  return readFileSync(join(built, page), "utf8");
}

/** What a page asks for and leads to within the site, as `/threads.html#a-pool`. */
export function targetsOf(page: string, html: string): string[] {
  const targets = [...html.matchAll(/\b(?:href|src)="([^"]*)"/g)].map(([, target]) =>
    decodeURI(target!.replaceAll("&amp;", "&")),
  );
  const inside = targets.filter((target) => !/^(?:\w+:|\/\/)/.test(target));
  return inside.map((target) =>
    target.startsWith("#") ? page + target : posix.resolve(posix.dirname(page), target),
  );
}

/** Whether the site has it, and the page the anchor. */
export function hasTarget(target: string, pages: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const [path, anchor] = target.split("#") as [string, string | undefined];
  const file = pages.has(path)
    ? path
    : [`${path}.html`, posix.join(path, "index.html")].find((each) => pages.has(each));
  if (file === undefined) return statSync(join(built, path), { throwIfNoEntry: false })?.isFile() ?? false;
  return anchor === undefined || pages.get(file)!.has(anchor);
}

/** The anchors of a page. */
export function anchorsOf(html: string): Set<string> {
  return new Set([...html.matchAll(/\bid="([^"]*)"/g)].map(([, id]) => decodeURI(id!)));
}

/** Serves the site; a path that it has not is a 404. */
export async function serveSite(): Promise<{ address: string; close(): Promise<void> }> {
  const server = await preview({
    root,
    configFile: false,
    appType: "mpa",
    logLevel: "silent",
    build: { outDir: built },
    preview: { host: "127.0.0.1", port: 0 },
  });
  const address = server.resolvedUrls!.local[0]!.replace(/\/$/, "");
  return { address, close: () => server.close() };
}
