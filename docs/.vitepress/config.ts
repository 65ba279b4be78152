/** The site: the guides of docs/, the reference made from the docstrings, and the pages of the project. */
import { existsSync, readFileSync } from "node:fs";
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

/** The page of each name in the reference. */
const pageOf = new Map(
  contents
    .flatMap(({ groups }) => groups.flatMap(({ names }) => names))
    .map((each) => [each.name, each.page]),
);

/**
 * The first mention of a public name in a text leads to its page in the reference. Names without a capital inside, such
 * as `timeout`, are words and names of options too.
 */
function linkNames(md: Markdown): void {
  md.core.ruler.push("names", ({ tokens, Token, env }) => {
    const own = [...pageOf].filter(([, page]) => env.relativePath === `reference/${page}`);
    const linked = new Set(own.map(([name]) => name));
    for (const [i, { children, type }] of tokens.entries()) {
      if (type !== "inline" || tokens[i - 1]?.type === "heading_open" || children === null) continue;
      tokens[i]!.children = children.flatMap((token, k) => {
        const [, name = ""] = /^([A-Za-z]\w*[A-Z]\w*)(?:\(.*\))?$/.exec(token.content) ?? [];
        const page = pageOf.get(name);
        const isLinked = linked.has(name) || children[k - 1]?.type === "link_open";
        if (token.type !== "code_inline" || page === undefined || isLinked) return [token];
        linked.add(name);
        const open = new Token("link_open", "a", 1);
        open.attrSet("href", `/reference/${page}`);
        return [open, token, new Token("link_close", "a", -1)];
      });
    }
  });
}

/** An indented block looks as a fenced one does, and scrolls. */
function fenceIndented(md: Markdown): void {
  md.renderer.rules.code_block = (tokens, i, options, env, self) => {
    tokens[i]!.info = "text";
    return md.renderer.rules.fence!(tokens, i, options, env, self);
  };
}

/**
 * Pictures that are drawn for both colour schemes become part of the page, which says which one is on. One that has
 * another form for narrow windows, `NAME-narrow.svg`, is there in both.
 */
function drawInPage(md: Markdown): void {
  const image = md.renderer.rules.image!;
  md.renderer.rules.image = (tokens, i, options, env, self) => {
    const file = join(docs, "images", basename(tokens[i]!.attrGet("src") ?? ""));
    const drawings = [file, file.replace(/\.svg$/, "-narrow.svg")].map(readDrawing);
    return drawings[0] === "" ? image(tokens, i, options, env, self) : drawings.join("");
  };
}

function readDrawing(file: string): string {
  const drawing = file.endsWith(".svg") && existsSync(file) ? readFileSync(file, "utf8") : "";
  if (!drawing.startsWith('<svg class="drawing')) return "";
  // Vue leaves out <style> elements, but not components that are one.
  return drawing.replace("<style>", `<component :is="'style'">`).replace("</style>", "</component>");
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
      linkNames(md);
      fenceIndented(md);
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
  vite: {
    // The largest chunk is what the search looks through.
    build: { chunkSizeWarningLimit: 2_000 },
  },
});
