// This compiles the package into dist/, which it empties first so that no file of an older build is packed, and
// bundles what programs load: a file costs about half a millisecond, in each new thread again, and there would be
// 200. What a thread does not need lies in a chunk that it does not load, as compiling it would cost each thread 10
// ms.
//
// Each module stays where it was as a file that gives on what now lies in a chunk, so that whoever imports one, as
// tests and bench/ do, meets the same classes and state. Nothing of ours is minified, as people read this code in stacks;
// the comments are in the declarations.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { init, parse } from "es-module-lexer";
import { rolldown } from "rolldown";
import { minifySync } from "rolldown/utils";
import { rollDeclarations } from "./declarations.mjs";
import { withoutEffects } from "./effects.mjs";
import { buildInline, buildPiscina, inAscii, MINIFY_OTHERS } from "./inline.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
/** Modules that only give on what others export, so that who imports a name from one needs no more than its origin. */
const INTERFACES = new Set(["src/index.js", "src/core.js"].map((file) => join(dist, file)));

/** What they do themselves is to be done with them only. */
const ENTRIES = new Set(
  ["index.js", "node.js", "testing.js", "workers/index.js", "workers/node.js"].map((file) =>
    join(dist, file),
  ),
);

/** Is built apart, and loaded by programs that were bundled; what the others were is in it. */
const INLINE = "workers/bundle/inline.js";

/** What the bundler writes above each module; `dist/chunks.json`, which is not packed, has it for the tests. */
const MODULE_NAMES = /^\/\/ dist\/(.*)\.js\n/gm;

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", root], {
  stdio: "inherit",
});
if (status === 0) {
  await buildInline(root, dist, INTERFACES);
  await buildPiscina(root, dist);
  await bundle();
  for (const file of modulesIn("bin")) writeFileSync(join(dist, file), withoutComments(file));
  await bundleTerminal();
  await rollDeclarations(dist, {
    index: join(dist, "index.d.ts"),
    workers: join(dist, "workers/index.d.ts"),
    testing: join(dist, "testing.d.ts"),
    metrics: join(dist, "workers/metrics/index.d.ts"),
    bench: join(dist, "compare/index.d.ts"),
    cluster: join(dist, "cluster/index.d.ts"),
  });
}
process.exitCode = status ?? 1;

async function bundle() {
  await init;
  const all = [
    "index.js",
    "node.js",
    "testing.js",
    ...["src", "workers", "compare", "cluster"].flatMap(modulesIn),
  ];
  const modules = all.filter((file) => file !== INLINE);
  const bundler = await rolldown({
    input: Object.fromEntries(modules.map((file) => [file.slice(0, -".js".length), join(dist, file)])),
    platform: "node",
    external: (id) => (/^[^./]/.test(id) && id !== "tinyqueue") || id === join(dist, INLINE),
    plugins: [{ name: "inline", resolveId: inlineApart }],
    treeshake: { moduleSideEffects: (module) => !INTERFACES.has(module) },
    preserveEntrySignatures: "allow-extension",
    optimization: { inlineConst: true }, // V8 reads what a module exports from memory each time, constants as well
  });
  await bundler.write({
    dir: dist,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    comments: false,
    minifyInternalExports: false,
    plugins: [{ name: "no idle imports", renderChunk: withoutIdleImports }],
    codeSplitting: {
      groups: [{ name: chunksByReach(), debugName: "chunks" }],
      includeDependenciesRecursively: false,
    },
  });
  await bundler.close();
  const modulesOf = {};
  for (const file of modulesIn("chunks")) {
    const code = readFileSync(join(dist, file), "utf8");
    modulesOf[file] = [...code.matchAll(MODULE_NAMES)].map(([, module]) => module);
    writeFileSync(join(dist, file), inAscii(hidden(withoutEffects(code)).replace(MODULE_NAMES, "")));
  }
  writeFileSync(join(dist, "chunks.json"), JSON.stringify(modulesOf, null, 1));
  for (const file of ["node.js", "workers/node.js"])
    writeFileSync(join(dist, file), knowing(file, readFileSync(join(dist, file), "utf8")));
  loadChunkAtOnce("workers/entry.cjs", "workers/workerthread.js");
}

/** An entry of Node's own that says in vm contexts which chunks have come with it: see `workers/shipping/evaluated`. */
function knowing(file, code) {
  const chunks = new Set(parse(code)[0].map(({ specifier }) => resolve(dist, file, "..", specifier)));
  for (const chunk of chunks)
    for (const { type, specifier } of parse(readFileSync(chunk, "utf8"))[0])
      if (type !== "dynamic" && specifier?.startsWith(".")) chunks.add(resolve(dirname(chunk), specifier));
  const specifiers = [...chunks].map((chunk) =>
    `./${relative(dirname(join(dist, file)), chunk)}`.replace("./..", ".."),
  );
  const imports = specifiers.map((specifier, at) => `import * as chunk${at} from "${specifier}";\n`);
  const modules = specifiers.map((specifier, at) => `"${specifier}": chunk${at}`);
  const home = specifiers.find((specifier) => specifier.endsWith("/threadloop.js"));
  return `${imports.join("")}import { knowModules } from "${home}";\nknowModules(import.meta.url, { ${modules.join(", ")} });\n${code}`;
}

/** Has a file load the chunk where the default export of a module lies, and not the module, which only gives it on. */
function loadChunkAtOnce(file, module) {
  const [, name, chunk] = /export \{ (\w+) as default \} from "(.+)"/.exec(
    readFileSync(join(dist, module), "utf8"),
  );
  const code = readFileSync(join(dist, file), "utf8");
  const changed = code.replace("./workerthread.js", chunk).replace(".default(", `.${name}(`);
  writeFileSync(join(dist, file), changed);
}

/** The code of a command, which is packed as it is. */
function withoutComments(file) {
  const options = { module: true, compress: false, mangle: false, codegen: { removeWhitespace: false } };
  const { code, errors } = minifySync(file, readFileSync(join(dist, file), "utf8"), options);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
  return code;
}

/** What commands need for terminals is put into the file that imports it, so that the package depends on none of it. */
async function bundleTerminal() {
  const file = join(dist, "bin/terminal.js");
  const bundler = await rolldown({ input: file, platform: "node", external: /^node:/ });
  const { output } = await bundler.generate({
    format: "esm",
    comments: false,
    codeSplitting: false,
    minify: MINIFY_OTHERS,
  });
  await bundler.close();
  writeFileSync(file, `/*! Contains packages of others: see THIRD-PARTY-NOTICES. */\n${output[0].code}`);
}

function inlineApart(id) {
  return id === "./inline.js" ? { id: join(dist, INLINE), external: "relative" } : null;
}

/** The code with a word to each bundler that what is imported by an address is not known before the program runs. */
function hidden(code) {
  const ignore = "/* webpackIgnore: true *//* turbopackIgnore: true *//* @vite-ignore */ ";
  const places = parse(code)[0].filter(
    ({ type, specifier }) => type === "dynamic" && specifier === undefined,
  );
  return places.reduceRight((text, { start }) => text.slice(0, start) + ignore + text.slice(start), code);
}

/** Rolldown has every chunk load its helpers, which do nothing by themselves. */
function withoutIdleImports(code) {
  return withBuiltins(code.replace(/^import ".*\/rolldown-runtime\.js";\n/m, ""));
}

/**
 * The code with Node's modules taken as they are: of each that is imported, Node makes a module with all that it exports,
 * and so loads what that is made of at first use. Timers are imported, as programs that replace them do that there.
 */
function withBuiltins(code) {
  const taken = [];
  const rest = code.replace(
    /^import (?:(?:\* as )?([\w$]+)(?:, )?)?(?:\{([^}]*)\} )?(?:from )?"(node:(?!timers")[^"]+)";\n/gm,
    (_, whole, names = "", id) => {
      if (whole !== undefined) taken.push(`const ${whole} = process.getBuiltinModule("${id}");\n`);
      for (const name of names.split(",").filter((each) => each.trim() !== "")) {
        const [exported, local = exported] = name.trim().split(" as ");
        taken.push(`const ${local} = ofBuiltin("${id}", "${exported}");\n`);
      }
      return "";
    },
  );
  const at = /^(?!import |$)/m.exec(rest)?.index ?? rest.length;
  if (taken.length > 0)
    taken.push("function ofBuiltin(id, name) {\n\treturn process.getBuiltinModule(id)[name];\n}\n");
  return rest.slice(0, at) + taken.join("") + rest.slice(at);
}

/** Says in which chunk a module goes, by who loads it. */
function chunksByReach() {
  const withPools = reachedFrom(["workers/index.js"]);
  const onMain = new Set([...reachedFrom(["index.js"]), ...withPools]);
  const inWorkers = reachedFrom(["workers/workerthread.js"]);
  const forSharing = reachedFrom(["workers/shared/index.js"]);
  const forShipping = reachedFrom(["workers/shipping/ship.js"]);
  const inTests = reachedFrom(["testing.js"]);
  /** With the loop, and before the first call of a pool, in a program that Node itself loads. */
  const withLoop = reachedFrom(["node.js"]);
  const beforeCalls = reachedFrom(["workers/node.js"]);
  const inRuntime = new Set(
    [...inWorkers, ...onMain, ...forShipping].filter((file) => file.startsWith(join(dist, "src/"))),
  );
  const isOnBothSides = (module) => onMain.has(module) || inTests.has(module) || forShipping.has(module);
  const isIn = (modules) => (module) => modules.has(module);
  /** The first that a module is in has it. */
  const chunks = [
    ["compare", (module) => module.startsWith(join(dist, "compare/"))],
    ["threadloop", (module) => inRuntime.has(module) && (inWorkers.has(module) || withPools.has(module))],
    ["runtime", isIn(inRuntime)],
    ["threadloop", isIn(withLoop)],
    ["shared", (module) => forSharing.has(module) && !inWorkers.has(module)],
    ["wire", (module) => beforeCalls.has(module) && inWorkers.has(module)],
    ["view", isIn(beforeCalls)],
    ["session", (module) => inWorkers.has(module) && isOnBothSides(module)],
    ["worker", isIn(inWorkers)],
    ["executor", (module) => inTests.has(module) && onMain.has(module)],
    ["testing", isIn(inTests)],
    ["main", isIn(onMain)],
    // What only one entry loads, in a chunk of its name.
    ["shipping", isIn(forShipping)],
    ["metrics", isIn(reachedFrom(["workers/metrics/index.js"]))],
    ["cluster", isIn(reachedFrom(["cluster/index.js"]))],
    ["machine", isIn(reachedFrom(["cluster/worker/index.js"]))],
    ["onlooker", isIn(reachedFrom(["cluster/onlooker.js"]))],
  ];
  const fixed = new Map([
    ...[...ENTRIES].map((module) => [module, null]),
    ...[...INTERFACES].map((module) => [module, "runtime"]),
    [join(root, "node_modules/tinyqueue/index.js"), "threadloop"],
    [join(dist, "workers/lateexecutor.js"), "runtime"],
  ]);
  return (module) =>
    fixed.has(module) ? fixed.get(module) : (chunks.find(([, has]) => has(module))?.[0] ?? null);
}

/** The modules that are loaded with these, themselves included. */
function reachedFrom(entries) {
  const reached = new Set(entries.map((entry) => join(dist, entry)));
  for (const module of reached) for (const next of neededBy(module)) reached.add(next);
  return reached;
}

/** The modules that a module imports; those where the names come from, where it imports an interface. */
function neededBy(module) {
  const source = readFileSync(module, "utf8");
  const imports = parse(source)[0].filter((one) => one.type !== "dynamic" && one.specifier?.startsWith("."));
  return imports.flatMap(({ specifier, importStart, start }) => {
    const from = resolve(dirname(module), specifier);
    const names = INTERFACES.has(from) ? namesIn(source.slice(importStart, start)) : [null];
    return names.map((name) => (name === null ? from : originOf(name, from)));
  });
}

/** The names that a statement imports or gives on; null stands for all. */
function namesIn(statement) {
  const list = /\{([^}]*)\}/.exec(statement);
  return list === null ? [null] : list[1].match(/\w+(?: as \w+)?/g).map((item) => item.split(" ")[0]);
}

/** The module that an interface has a name from. */
function originOf(name, module) {
  if (!INTERFACES.has(module)) return module;
  const exports = parse(readFileSync(module, "utf8"))[1];
  const { from } =
    exports.find((one) => one.name === name) ?? exports.find((one) => one.type === "reexport-all");
  return originOf(name, resolve(dirname(module), from));
}

function modulesIn(folder) {
  const files = readdirSync(join(dist, folder), { recursive: true }).map((file) => join(folder, file));
  return files.filter((file) => file.endsWith(".js"));
}
