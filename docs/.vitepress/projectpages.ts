/** Pages of the project that lie outside docs/: the site has them in docs/project/, which git ignores. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export const projectPages = ["CHANGELOG", "CONTRIBUTING", "ARCHITECTURE", "SECURITY"];

/** Copies the pages, whose links then lead to where the site has what they lead to. */
export function copyProjectPages(): void {
  const folder = join(root, "docs/project");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const page of projectPages) {
    const text = readFileSync(join(root, `${page}.md`), "utf8");
    const links = text.replaceAll(/\]\((?!\w+:|#)([^)]*)\)/g, (_, target) => `](${linkFromRoot(target)})`);
    writeFileSync(join(folder, `${page.toLowerCase()}.md`), links);
  }
}

/** Where a link of a page at the root of the project leads to on the site, from docs/project/. */
function linkFromRoot(target: string): string {
  return target.startsWith("docs/") ? target.replace("docs/", "../") : `../${linkFromDocs(`../${target}`)}`;
}

/** Where a link of a page in docs/ leads to on the site. */
export function linkFromDocs(target: string): string {
  return target
    .replace(/^\.\.\/README\.md/, "index.md")
    .replace(/^\.\.\/([A-Z]+)\.md/, (all, page) =>
      projectPages.includes(page) ? `project/${page.toLowerCase()}.md` : all,
    );
}
