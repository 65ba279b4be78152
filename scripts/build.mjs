// Compiles the package into dist/, which it empties first so that no file of an older build is packed, and bundles what
// programs load: a file costs about half a millisecond, in each new thread again, and there would be 200.
//
// Each module stays where it was as a file that gives on what now lies in a chunk, so that whoever imports one, as
// tests and bench/ do, meets the same classes and state. Nothing is minified: people read this code in stacks.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { init, parse } from "es-module-lexer";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", root], {
  stdio: "inherit",
});
if (status === 0) await bundle();
process.exitCode = status ?? 1;

async function bundle() {
  await init;
  const modules = ["index.js", ...modulesIn("src"), ...modulesIn("workers")];
  const bundler = await rolldown({
    input: Object.fromEntries(modules.map((file) => [file.slice(0, -".js".length), join(dist, file)])),
    platform: "node",
    external: /^[^./]/,
    preserveEntrySignatures: "allow-extension",
  });
  await bundler.write({
    dir: dist,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    minifyInternalExports: false,
    codeSplitting: {
      groups: [{ name: chunksByReach(), debugName: "chunks" }],
      includeDependenciesRecursively: false,
    },
  });
  await bundler.close();
}

/** Says in which chunk a module goes: by whether the main thread loads it, every worker, or both. */
function chunksByReach() {
  const onMain = reachedFrom(["index.js", "workers/index.js"]);
  const inWorkers = reachedFrom(["workers/worker.js"]);
  return (module) => {
    if (!onMain.has(module)) return inWorkers.has(module) ? "worker" : null;
    return inWorkers.has(module) ? "threadloop" : "pool";
  };
}

/** The modules that are loaded with these, themselves included. */
function reachedFrom(entries) {
  const reached = new Set(entries.map((entry) => join(dist, entry)));
  for (const module of reached) {
    const [imports] = parse(readFileSync(module, "utf8"));
    for (const { type, specifier } of imports) {
      if (type !== "dynamic" && specifier?.startsWith(".")) reached.add(resolve(dirname(module), specifier));
    }
  }
  return reached;
}

function modulesIn(folder) {
  const files = readdirSync(join(dist, folder), { recursive: true }).map((file) => join(folder, file));
  return files.filter((file) => file.endsWith(".js"));
}
