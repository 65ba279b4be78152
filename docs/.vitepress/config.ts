/** The site: the guides of docs/, the reference made from the docstrings, and the pages of the project. */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DefaultTheme, defineConfig, type MarkdownOptions } from "vitepress";
import { type Contents, manifest, reference } from "./entries.ts";
import { linkFromDocs, projectPages } from "./projectpages.ts";
import { groups } from "./sidebar.ts";

const docs = fileURLToPath(new URL("..", import.meta.url));
const contents = JSON.parse(readFileSync(join(reference, "contents.json"), "utf8")) as readonly Contents[];

/** The text of a page's first heading. */
function titleOf(page: string): string {
  const [, title] = /^# (.*)$/m.exec(readFileSync(join(docs, `${page}.md`), "utf8")) ?? [];
  if (title === undefined) throw new Error(`docs/${page}.md has no heading.`);
  return title.replaceAll("`", "");
}

const linkTo = (page: string): { text: string; link: string } => ({ text: titleOf(page), link: `/${page}` });

const guides: DefaultTheme.SidebarItem[] = [
  ...groups.map(({ title, pages }) => ({ text: title, items: pages.map(linkTo) })),
  {
    text: "Reference",
    items: contents.map(({ name, folder }) => ({ text: name, link: `/reference/${folder}/` })),
  },
];

/** The sidebar of an entry's reference: its topics, each with its names. */
function sidebarOf({ name, folder, groups }: Contents): DefaultTheme.SidebarItem[] {
  const topics = groups.map(({ title, names }) => ({
    text: title,
    collapsed: groups.length > 1,
    items: names.map((each) => ({ text: each.name, link: `/reference/${each.page.replace(/\.md$/, "")}` })),
  }));
  const others = contents.filter((other) => other.name !== name);
  return [
    { text: name, link: `/reference/${folder}/`, items: topics },
    { items: others.map((other) => ({ text: other.name, link: `/reference/${other.folder}/` })) },
  ];
}

const sidebar: DefaultTheme.SidebarMulti = { "/": guides };
for (const each of contents) sidebar[`/reference/${each.folder}/`] = sidebarOf(each);

type Markdown = Parameters<NonNullable<MarkdownOptions["config"]>>[0];

/** Links out of docs/ lead to where the site has what they lead to. */
function linkOutside(md: Markdown): void {
  md.core.ruler.push("links out of docs", ({ tokens }) => {
    const links = tokens.flatMap(({ children }) => children ?? []).filter(({ type }) => type === "link_open");
    for (const link of links) link.attrSet("href", linkFromDocs(link.attrGet("href") ?? ""));
  });
}

/** Pictures that are drawn for both colour schemes become part of the page, which says which one is on. */
function drawInPage(md: Markdown): void {
  const image = md.renderer.rules.image!;
  md.renderer.rules.image = (tokens, i, options, env, self) => {
    const source = tokens[i]!.attrGet("src") ?? "";
    const drawing = source.endsWith(".svg")
      ? readFileSync(join(docs, "images", basename(source)), "utf8")
      : "";
    if (!drawing.startsWith('<svg class="drawing"')) return image(tokens, i, options, env, self);
    // Vue leaves out <style> elements, but not components that are one.
    return drawing.replace("<style>", `<component :is="'style'">`).replace("</style>", "</component>");
  };
}

export default defineConfig({
  title: manifest.name,
  description: manifest.description,
  lang: "en",
  head: [["link", { rel: "icon", type: "image/svg+xml", href: "/logo.svg" }]],
  metaChunk: true,
  markdown: {
    config: (md) => {
      linkOutside(md);
      drawInPage(md);
    },
  },
  themeConfig: {
    logo: "/logo.svg",
    nav: [
      { text: "Guide", link: `/${groups[0]!.pages[0]}`, activeMatch: "^/(?!reference|project|$)" },
      { text: "Reference", link: "/reference/", activeMatch: "^/reference/" },
      {
        text: manifest.version,
        items: projectPages.map((page) => linkTo(`project/${page.toLowerCase()}`)),
      },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: "local" },
  },
});
