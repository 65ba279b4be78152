/**
 * Writes the reference into docs/reference/, which git ignores: a page for each public name, made by TypeDoc from the
 * declarations that the package publishes and their docstrings, and a table of contents for each entry.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  Application,
  type DeclarationReflection,
  type ProjectReflection,
  ReferenceReflection,
  Reflection,
  ReflectionKind,
} from "typedoc";
import { MarkdownPageEvent } from "typedoc-plugin-markdown";
import { type Contents, type Entry, entries, type Name, reference } from "./entries.ts";
import { copyProjectPages } from "./projectpages.ts";

/** Options of the Markdown plugin, which TypeDoc's own types do not know. */
const markdown: object = {
  router: "member",
  entryFileName: "index",
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  expandParameters: true,
  parametersFormat: "table",
  interfacePropertiesFormat: "table",
  classPropertiesFormat: "table",
  typeAliasPropertiesFormat: "table",
  pageTitleTemplates: { member: ({ rawName }: { rawName: string }) => rawName.replace(/[<(].*/, "") },
};

/** The errors that have a section in the guides. */
const catalogue = new Set(
  [...readFileSync(join(reference, "../errors.md"), "utf8").matchAll(/^### (\w+)$/gm)].map(
    ([, name]) => name,
  ),
);

async function writeReference(): Promise<void> {
  const app = await Application.bootstrapWithPlugins({
    entryPoints: entries.map(({ declarations }) => declarations),
    tsconfig: fileURLToPath(new URL("reference.tsconfig.json", import.meta.url)),
    plugin: ["typedoc-plugin-markdown"],
    outputs: [{ name: "markdown", path: reference }],
    logLevel: "Warn",
    readme: "none",
    disableSources: true,
    excludePrivate: true,
    excludeProtected: true,
    excludeExternals: true,
    sort: ["source-order"],
    ...markdown,
  });
  const project = await app.convert();
  if (project === undefined || app.logger.hasErrors()) throw new Error("The declarations cannot be read.");
  const modules = new Map(entries.map((entry) => [entry, moduleOf(project, entry)]));
  for (const [entry, module] of modules) module.name = entry.folder;
  for (const reflection of project.getReflectionsByKind(ReflectionKind.All)) documentOnce(reflection);

  const pages = new Map<number, string>();
  app.renderer.on(MarkdownPageEvent.END, (page: unknown) => {
    if (!(page instanceof MarkdownPageEvent) || !(page.model instanceof Reflection)) return;
    pages.set(page.model.id, page.url);
    page.contents = withOrigin(page.contents, page.model);
  });
  await app.generateOutputs(project);

  const contents = [...modules].map(([entry, module]) => contentsOf(entry, module, pages));
  for (const each of contents) writeFileSync(join(reference, each.folder, "index.md"), tableOf(each));
  writeFileSync(join(reference, "index.md"), overviewOf(contents));
  writeFileSync(join(reference, "contents.json"), JSON.stringify(contents));
}

/** TypeDoc calls the module of an entry as its file of declarations is called. */
function moduleOf(project: ProjectReflection, { declarations, name }: Entry): DeclarationReflection {
  const module = project.children?.find((each) => each.name === basename(declarations, ".d.ts"));
  if (module === undefined)
    throw new Error(`TypeDoc has found no declarations of ${name} in ${declarations}: npm run build.`);
  return module;
}

/** Overloads share a docstring: the first of them shows it. */
function documentOnce(reflection: Reflection): void {
  const [first, ...others] = (reflection as DeclarationReflection).signatures ?? [];
  if (first?.comment === undefined) return;
  for (const other of others) if (other.comment?.similarTo(first.comment)) delete other.comment;
}

/**
 * The page with how the name is imported, and where the guides have more of an error; the type parameters that a signature
 * shows are left out.
 */
function withOrigin(page: string, model: Reflection): string {
  const entry = entries.find(({ folder }) => folder === model.parent?.name);
  if (entry === undefined) return page;
  const isType = model.kindOf(ReflectionKind.Interface | ReflectionKind.TypeAlias);
  const line = `import ${isType ? "type " : ""}{ ${model.name} } from "${entry.name}";`;
  const origin = [`\`\`\`ts\n${line}\n\`\`\``];
  if (catalogue.has(model.name)) {
    origin.push(`[When it comes, and what to do](/errors.md#${model.name.toLowerCase()})`);
  }
  const hasType = isType || model.kindOf(ReflectionKind.Class);
  return page
    .replace(/^(# .*\n)/m, `$1\n${origin.join("\n\n")}\n`)
    .replaceAll(/^(#+) Type Parameters\n\n(?:\|.*\|\n)+\n?/gm, (table, level) =>
      hasType && level === "##" ? table : "",
    );
}

/** The names of an entry: by topic where its source has headings, then by kind. */
function contentsOf(
  entry: Entry,
  module: DeclarationReflection,
  pages: ReadonlyMap<number, string>,
): Contents {
  const topics = topicsOf(entry);
  const groups = new Map<string, Name[]>([...topics.keys(), ...KINDS].map((title) => [title, []]));
  for (const child of module.children ?? []) {
    const origin = child instanceof ReferenceReflection ? child.getTargetReflectionDeep() : child;
    const page = pages.get(origin.id);
    if (page === undefined) throw new Error(`${entry.name} has no page for ${child.name}.`);
    const topic = [...topics].find(([, names]) => names.has(child.name))?.[0];
    groups.get(topic ?? kindOf(origin))!.push({ name: child.name, page, summary: summaryOf(origin) });
  }
  const filled = [...groups].filter(([, names]) => names.length > 0);
  return { ...entry, groups: filled.map(([title, names]) => ({ title, names: names.sort(byName) })) };
}

const byName = (one: Name, other: Name): number => one.name.localeCompare(other.name, "en");

/** The headings in the source of an entry, which are comments of a line above exports: the names below each. */
function topicsOf({ sources }: Entry): Map<string, Set<string>> {
  const topics = new Map<string, Set<string>>();
  for (const source of sources) {
    const [, ...sections] = readFileSync(source, "utf8").split(/^\/\/ (?=[A-Z])/m);
    for (const section of sections) {
      const [title, ...lines] = section.split("\n");
      const names = lines.flatMap((line) => line.replace(/from ".*/, "").match(/[A-Za-z_]\w*/g) ?? []);
      topics.set(title!, new Set([...(topics.get(title!) ?? []), ...names]));
    }
  }
  return topics;
}

const KINDS = ["Functions", "Classes", "Types", "Errors"] as const;

function kindOf(reflection: Reflection): (typeof KINDS)[number] {
  if (reflection.name.endsWith("Error")) return "Errors";
  if (reflection.kindOf(ReflectionKind.Class)) return "Classes";
  return reflection.kindOf(ReflectionKind.Interface | ReflectionKind.TypeAlias) ? "Types" : "Functions";
}

/** The first sentence of its docstring. */
function summaryOf(reflection: Reflection): string {
  const { signatures, comment = signatures?.[0]?.comment } = reflection as DeclarationReflection;
  const text = (comment?.summary ?? []).map((part) => part.text).join("");
  return (/^[\s\S]*?\.(?=\s|$)/.exec(text)?.[0] ?? text).replaceAll(/\s+/g, " ");
}

function tableOf({ name, groups }: Contents): string {
  const sections = groups.map(({ title, names }) => {
    const rows = names.map((each) => {
      const link = `[${each.name}](../${each.page})`;
      return `| ${link} | ${each.summary.replaceAll("|", "\\|")} |`;
    });
    return [`## ${title}`, "", "| name | what |", "| --- | --- |", ...rows, ""].join("\n");
  });
  return [`# ${name}`, "", `All that \`import ... from "${name}"\` gives.`, "", ...sections].join("\n");
}

function overviewOf(contents: readonly Contents[]): string {
  const rows = contents.map(({ name, folder, groups }) => {
    const count = groups.reduce((sum, { names }) => sum + names.length, 0);
    return `| [${name}](${folder}/index.md) | ${count} | ${groups.map(({ title }) => title.toLowerCase()).join(", ")} |`;
  });
  return [
    "# Reference",
    "",
    "Every public name, from the docstrings of its source; editors show the same.",
    "",
    "| import from | names | of |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

rmSync(reference, { recursive: true, force: true });
await writeReference();
copyProjectPages();
