// This rolls the declarations up to one file for each entry of the package, and one for what they share, with
// nothing in them but what users see: members whose names begin with "_" or that are marked @internal go, and the
// loop that the lower files know as an interface only, since they may not import what stands above them, is the loop
// that users have. What only those members needed goes too.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { parseAst } from "rolldown/parseAst";
import { dts } from "rolldown-plugin-dts";

/** What lower files call the loop, and what users do. */
const LOOP = { inner: "AbstractEventLoop", outer: "EventLoop" };

/** Writes `dist/types/*.d.ts` from the declarations of the entries, `{ name: file }`. */
export async function rollDeclarations(dist, entries) {
  const folder = join(dist, "types");
  rmSync(folder, { recursive: true, force: true });
  const bundler = await rolldown({
    input: entries,
    plugins: [dts({ dtsInput: true, emitDtsOnly: true }), { name: "public only", renderChunk: publicOnly }],
    external: /^[^./]/,
    checks: { pluginTimings: false },
  });
  await bundler.write({
    dir: folder,
    entryFileNames: "[name].d.ts",
    chunkFileNames: "shared.d.ts",
    codeSplitting: { groups: [{ name: "shared", minShareCount: 2 }] },
  });
  await bundler.close();
  dropUnused(folder, Object.keys(entries));
}

/** Leaves out of the files what no entry gives on, and nothing that it gives on needs. */
function dropUnused(folder, entries) {
  const files = new Map(
    [...entries, "shared"].map((name) => [name, readModule(join(folder, `${name}.d.ts`))]),
  );
  const needed = new Set();
  const need = (statement) => {
    if (statement === undefined || needed.has(statement)) return;
    needed.add(statement);
    for (const name of statement.names) needName(statement.module, name);
  };
  const needName = (module, name) => {
    need(module.declared.get(name));
    const { from, imported, specifier } = module.imported.get(name) ?? {};
    if (specifier === undefined || needed.has(specifier)) return;
    needed.add(specifier);
    const other = files.get(from);
    if (other !== undefined) needName(other, other.exported.get(imported) ?? imported);
  };
  for (const entry of entries)
    for (const name of files.get(entry).exported.values()) needName(files.get(entry), name);
  for (const module of files.values()) writeModule(module, needed, module !== files.get("shared"));
}

/** The statements of a file by what they declare, and what it imports and exports. */
function readModule(file) {
  const code = readFileSync(file, "utf8");
  const { body } = parseAst(code, { lang: "dts" });
  const module = { file, code, body, declared: new Map(), imported: new Map(), exported: new Map() };
  for (const node of body) {
    if (node.type === "ImportDeclaration") noteImports(module, node);
    else if (isExportList(node))
      for (const { exported, local } of node.specifiers) module.exported.set(exported.name, local.name);
    else noteDeclared(module, node);
  }
  return module;
}

const isExportList = (node) => node.type === "ExportNamedDeclaration" && node.declaration === null;

function noteImports({ imported }, { source, specifiers }) {
  const from = source.value.replace(/^\.\/(.*)\.js$/, "$1");
  for (const specifier of specifiers)
    imported.set(specifier.local.name, { from, imported: specifier.imported?.name, specifier });
}

function noteDeclared(module, node) {
  const names = new Set();
  collectNames(node, names);
  const ids = node.declarations?.map(({ id }) => id) ?? [node.id];
  const known = module.declared.get(ids[0].name); // an overload, or an interface beside its class
  for (const name of known?.names ?? []) names.add(name);
  const statement = { module, names, nodes: [...(known?.nodes ?? []), node] };
  for (const { name } of ids) module.declared.set(name, statement);
}

function collectNames(node, names) {
  if (node.type === "Identifier") names.add(node.name);
  for (const child of Object.values(node).flat())
    if (typeof child?.type === "string") collectNames(child, names);
}

function writeModule({ file, code, body, declared, imported, exported }, needed, isEntry) {
  const alive = new Set(
    [...declared.values()].filter((one) => needed.has(one)).flatMap(({ nodes }) => nodes),
  );
  const texts = body.map((node) => {
    if (node.type === "ImportDeclaration") {
      const kept = [...imported.values()].filter(({ specifier }) => needed.has(specifier));
      const own = node.specifiers.filter((one) => kept.some(({ specifier }) => specifier === one));
      return importOf(code, node, own);
    }
    if (isExportList(node)) {
      if (isEntry) return code.slice(node.start, node.end);
      // What the entries need of Node's may come by way of the shared file.
      const isNeeded = (local) =>
        needed.has(declared.get(local)) || needed.has(imported.get(local)?.specifier);
      const names = [...exported].filter(([, local]) => isNeeded(local));
      return `export { ${names.map(([name, local]) => (name === local ? name : `${local} as ${name}`)).join(", ")} };`;
    }
    if (!alive.has(node)) return null;
    const { start, end } = withComment(code, node);
    return code.slice(start, end);
  });
  writeFileSync(file, `${texts.filter((text) => text !== null).join("\n")}\n`);
}

function importOf(code, node, specifiers) {
  if (specifiers.length === 0) return null;
  const [first] = specifiers;
  if (first.type !== "ImportSpecifier") return code.slice(node.start, node.end);
  const names = specifiers.map(({ start, end }) => code.slice(start, end)).join(", ");
  return `import ${node.importKind === "type" ? "type " : ""}{ ${names} } from ${JSON.stringify(node.source.value)};`;
}

/** The text of rolled-up declarations without what is internal. */
function publicOnly(code) {
  const edits = [];
  for (const statement of parseAst(code, { lang: "dts" }).body) visit(code, statement, edits);
  edits.sort((one, other) => other.start - one.start);
  const text = edits.reduce((text, { start, end, by }) => text.slice(0, start) + by + text.slice(end), code);
  const usesLoop = edits.some(({ by }) => by === LOOP.outer);
  return usesLoop && !new RegExp(`class ${LOOP.outer} `).test(text)
    ? `import type { ${LOOP.outer} } from "./index.js";\n${text}`
    : text;
}

function visit(code, node, edits) {
  const edit = editOf(code, node);
  if (edit !== null) {
    edits.push(edit);
    if (edit.whole) return;
  }
  for (const [name, child] of Object.entries(node)) {
    if (name === "implements") continue;
    for (const each of Array.isArray(child) ? child : [child]) {
      if (typeof each?.type === "string") visit(code, each, edits);
    }
  }
}

function editOf(code, node) {
  switch (node.type) {
    case "Identifier":
      return node.name === LOOP.inner ? { start: node.start, end: node.end, by: LOOP.outer } : null;
    case "ImportSpecifier":
    case "ExportSpecifier":
      return withoutName(code, node);
    case "TSTypeReference":
      return withoutThis(node);
    case "TSInterfaceDeclaration":
      return node.id.name === LOOP.inner ? { ...withComment(code, node), by: "", whole: true } : null;
    case "ClassDeclaration":
      noteConstructors(code, node.body);
      return withoutInterfaces(code, node);
    case "MethodDefinition":
    case "TSAbstractMethodDefinition":
    case "PropertyDefinition":
    case "TSAbstractPropertyDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
      return withoutMember(code, node);
    default:
      return null;
  }
}

/** Interfaces that users do not see have lost their members; what a class is, its own members say. */
function withoutInterfaces(code, { implements: interfaces = [], body }) {
  if (interfaces.length === 0) return null;
  const start = code.lastIndexOf("implements", interfaces[0].start);
  return { start, end: body.start, by: "" };
}

/** The name under which the files know the loop's interface; what stands in for it is imported by its own name. */
function withoutName(code, { start, end, local }) {
  if (local.name !== LOOP.inner) return null;
  const comma = /^\s*,\s*/.exec(code.slice(end));
  return { start, end: end + (comma?.[0].length ?? 0), by: "", whole: true };
}

/** `Server<this>`, where the class is a part of the loop: users see the whole. */
function withoutThis({ typeName, typeArguments }) {
  const [only] = typeArguments?.params ?? [];
  const isPart = /^Server\b/.test(typeName.name ?? "") && only?.type === "TSThisType";
  return isPart ? { start: only.start, end: only.end, by: LOOP.outer } : null;
}

/** Internal constructors, of classes that have no other. */
const onlyConstructors = new WeakSet();

function noteConstructors(code, { body }) {
  const constructors = body.filter(({ kind }) => kind === "constructor");
  const [first] = constructors;
  if (first && constructors.every((one) => isInternal(withComment(code, one)))) onlyConstructors.add(first);
}

const isInternal = ({ comment }) => comment.includes("@internal");

function withoutMember(code, member) {
  const place = withComment(code, member);
  const { start, end } = place;
  // A class that users cannot make keeps a constructor, or it would have its parent's.
  if (onlyConstructors.has(member)) return { start, end, by: "protected constructor();", whole: true };
  const name = member.key.type === "Identifier" ? member.key.name : "";
  return isInternal(place) || name.startsWith("_") ? { start, end, by: "", whole: true } : null;
}

/** Where a declaration begins with the comment above it. */
function withComment(code, { start, end }) {
  const before = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(code.slice(Math.max(0, start - 8_000), start));
  return { start: start - (before?.[0].length ?? 0), end, comment: before?.[0] ?? "" };
}
