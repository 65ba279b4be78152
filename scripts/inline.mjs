// This makes what a program that was bundled takes along, as it has no files of ours:
// `dist/workers/bundle/inline.js`, with the code of piscina, and that of a thread as text. A thread made of text
// (`eval` of a Worker) needs no file, whatever the bundler and its format. Programs that are not bundled load
// nothing of it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { rolldown } from "rolldown";
import { minifySync } from "rolldown/utils";

/** What piscina is changed by, in which file. Another version has to be looked at. */
const VERSION = "5.3.2";
const WORKER = `(0, node_path_1.resolve)(__dirname, 'worker.js')`;
/** The module takes longer to load than the rest of piscina, for what never happens. */
const WITHOUT_ASSERT = [
  `__importDefault(require("node:assert"))`,
  `{ default: Object.assign(() => {}, { notStrictEqual() {} }) }`,
];
/** In each thread the module is loaded for a clock that is never asked. */
const HOOKS_LATER = [`require("node:perf_hooks")`, `globalThis`];
const WITHOUT_NICE = [
  `Promise.resolve().then(() => __importStar(require('@napi-rs/nice')))`,
  `Promise.reject()`,
];
/** In each thread the module is loaded for what only the main thread asks. */
const OS_LATER = [
  [`const node_os_1 = require("node:os");`, ``],
  [`(0, node_os_1.availableParallelism)()`, `require("node:os").availableParallelism()`],
];
const ALL_CHANGES = {
  "dist/common.js": OS_LATER,
  "dist/task_queue/array_queue.js": [WITHOUT_ASSERT],
  "dist/task_queue/fixed_queue.js": [WITHOUT_ASSERT],
  "dist/worker_pool/base.js": [WITHOUT_ASSERT],
  "dist/worker_pool/index.js": [WITHOUT_ASSERT],
  "dist/worker.js": [WITHOUT_NICE, HOOKS_LATER],
};
/** What else, in one file beside ours, and in a program that was bundled. */
const FILE_CHANGES = { "dist/index.js": [[WORKER, `(0, node_path_1.resolve)(__dirname, 'worker.cjs')`]] };
const INLINE_CHANGES = {
  "dist/index.js": [[WORKER, `"worker.js"`]],
  "dist/worker_pool/index.js": [[`require("node:worker_threads")`, `require("threadloop:threads")`]],
  "dist/worker.js": [[`then(s => __importStar(require(s)))`, `then(() => threadloopSession)`]],
};
/** Node's own modules are had without `require`, which a bundle of ES modules lacks. */
const BUILTIN = /require\("(node:[\w/]+)"\)/g;

/** `dist` is what the compiler wrote. */
export async function buildInline(root, dist, interfaces) {
  const folder = piscinaIn(root);
  const treeshake = { moduleSideEffects: (module) => !interfaces.has(module) };
  const texts = {
    ...(await threadTexts({ dist, folder, treeshake })),
    "./parts.js": await partsText({ dist, folder, treeshake }),
  };
  const bundler = await rolldown({
    input: join(dist, "workers/bundle/inline.js"),
    platform: "node",
    external: [/^node:/],
    plugins: [withTexts(texts)],
  });
  const { output } = await bundler.generate({
    format: "esm",
    codeSplitting: false,
    comments: false,
    minify: { codegen: true, compress: false, mangle: false },
  });
  await bundler.close();
  writeFileSync(join(dist, "workers/bundle/inline.js"), `${NOTICE}\n${output[0].code}`);
  for (const name of ["inlineparts", "inlineworker", "threadcode"])
    rmSync(join(dist, `workers/bundle/${name}.js`));
}

/** Piscina is a score of files, each of which costs a third of a millisecond, here and in each thread: makes two of them. */
export async function buildPiscina(root, dist) {
  const folder = piscinaIn(root);
  mkdirSync(join(dist, "workers/piscina"), { recursive: true });
  for (const name of ["main", "worker"]) {
    const bundler = await rolldown({
      input: join(folder, `dist/${name}.js`),
      platform: "node",
      external: [/^node:/],
      plugins: [withPiscina(folder, dist, FILE_CHANGES)],
    });
    const { output } = await bundler.generate({
      format: "cjs",
      codeSplitting: false,
      comments: false,
      minify: MINIFY_OTHERS,
    });
    await bundler.close();
    writeFileSync(join(dist, `workers/piscina/${name}.cjs`), `${NOTICE}\n${output[0].code}`);
  }
}

function piscinaIn(root) {
  const folder = join(root, "node_modules/piscina");
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (version !== VERSION)
    throw new Error(`scripts/inline.mjs changes piscina ${VERSION}, and found ${version}`);
  return folder;
}

/** Bundlers keep it. */
const NOTICE =
  "/*! Contains piscina (MIT), acorn (MIT) and tinyqueue (ISC): see THIRD-PARTY-NOTICES of threadloop. */";

/** Files with nothing but the code of others: who meets it in a stack finds their lines and the names of their functions. */
export const MINIFY_OTHERS = {
  compress: { keepNames: { class: true, function: true } },
  mangle: { toplevel: true, keepNames: { class: true, function: true } },
  codegen: { removeWhitespace: false },
};

/** Errors keep their names. */
const MINIFY = {
  compress: { keepNames: { class: true, function: false } },
  mangle: { keepNames: { class: true, function: false } },
  codegen: true,
};

/**
 * What stands before the code of a thread, which is a script. It has `require` for its own texts and for Node's modules.
 */
const PRELUDE = `
let threadloopSession;
const threadloopLoaded = new Map();
const threadloopTexts = process.getBuiltinModule("node:worker_threads").getEnvironmentData("threadloop:thread-code");
const threadloopRequire = (name) => {
  if (!name.startsWith("./")) return process.getBuiltinModule(name);
  if (!threadloopLoaded.has(name)) {
    const { compileFunction, constants } = process.getBuiltinModule("node:vm");
    const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
    const options = { filename: "threadloop:worker", importModuleDynamically };
    threadloopRun(name, compileFunction(threadloopTexts[name], ["exports", "require"], options));
  }
  return threadloopLoaded.get(name);
};
const threadloopRun = (name, evaluate) => {
  threadloopLoaded.set(name, {});
  evaluate(threadloopLoaded.get(name), threadloopRequire);
};`;

/** The code of a thread, and what of it is evaluated when a job needs it: modules in CommonJS. */
async function threadTexts({ dist, folder, treeshake }) {
  const at = (file) => JSON.stringify(join(dist, file));
  const entry = `
    import ${at("workers/shared/index.js")};
    import session from ${at("workers/workerthread.js")};
    import { setOwnExports } from ${at("workers/shipping/resolve.js")};
    import ${JSON.stringify(join(folder, "dist/worker.js"))};
    setOwnExports(async () => (await import("threadloop:exports")).default);
    threadloopSession = session;
  `;
  const exports = `
    import { installPools } from ${at("workers/poolparts.js")};
    import { ownExports } from ${at("workers/bundle/ownexports.js")};
    installPools();
    export default ownExports();
  `;
  const bundler = await rolldown({
    input: { thread: "threadloop:thread" },
    platform: "node",
    // Without the lexer a job that sends functions itself sends what they import by value: it is never there.
    external: ["es-module-lexer", /^node:/],
    treeshake,
    transform: { define: { "import.meta.url": '"threadloop:worker"' } },
    plugins: [
      withModules({ "threadloop:thread": entry, "threadloop:exports": exports }),
      withPiscina(folder, dist),
    ],
  });
  const { output } = await bundler.generate({
    format: "cjs",
    chunkFileNames: "[name].js",
    comments: false,
    minify: MINIFY,
  });
  await bundler.close();
  const texts = Object.fromEntries(output.map(({ fileName, code }) => [`./${fileName}`, inAscii(code)]));
  texts["./thread.js"] =
    `${minifySync("prelude.js", PRELUDE, { module: false }).code}threadloopRun("./thread.js",(exports,require)=>{` +
    `${texts["./thread.js"]}\n});\n//# sourceURL=threadloop:worker`;
  return texts;
}

/** Piscina and acorn. */
async function partsText({ dist, folder, treeshake }) {
  const bundler = await rolldown({
    input: join(dist, "workers/bundle/inlineparts.js"),
    platform: "node",
    external: [/^node:/],
    treeshake,
    plugins: [withPiscina(folder, dist)],
  });
  const { output } = await bundler.generate({
    format: "cjs",
    codeSplitting: false,
    comments: false,
    minify: MINIFY,
  });
  await bundler.close();
  return inAscii(output[0].code);
}

/** A string of other characters would take V8 twice the memory. They stand in strings and regular expressions only. */
export function inAscii(code) {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function withModules(modules) {
  return {
    name: "modules",
    resolveId: (id) => (id in modules ? id : null),
    load: (id) => modules[id] ?? null,
  };
}

/** The texts take a third of the room when they are compressed, in the package and in each bundle. */
function withTexts(texts) {
  const json = JSON.stringify(texts);
  const packed = brotliCompressSync(json, { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } }).toString(
    "base64",
  );
  const unpacked = `JSON.parse(process.getBuiltinModule("node:zlib").brotliDecompressSync(Buffer.from("${packed}", "base64")).toString("latin1"))`;
  return {
    name: "texts",
    transform(code, id) {
      if (!id.endsWith("/threadcode.js")) return null;
      return replaced(code, id, [[/(?<=const texts = )getEnvironmentData\(THREAD_CODE\)/, unpacked]]);
    },
  };
}

/** Piscina's files, changed. */
function withPiscina(folder, dist, changes = INLINE_CHANGES) {
  return {
    name: "piscina",
    resolveId: (id) => (id === "threadloop:threads" ? "\0threadloop:threads" : null),
    load: (id) =>
      id === "\0threadloop:threads"
        ? `module.exports = require(${JSON.stringify(join(dist, "workers/bundle/inlineworker.js"))}).threads;`
        : null,
    transform(code, id) {
      if (!id.startsWith(folder)) return null;
      const file = id.slice(folder.length + 1);
      if (file === "package.json") return `{ "version": ${JSON.stringify(VERSION)} }`;
      return replaced(code, id, [...(ALL_CHANGES[file] ?? []), ...(changes[file] ?? [])]).replace(
        BUILTIN,
        'process.getBuiltinModule("$1")',
      );
    },
  };
}

function replaced(code, id, changes) {
  return changes.reduce((text, [from, to]) => {
    const next = text.replace(from, to);
    if (next === text) throw new Error(`scripts/inline.mjs finds no ${from} in ${id}`);
    return next;
  }, code);
}
