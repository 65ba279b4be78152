/** This bundles a program for Node, by each bundler, in each format that it has. */
import { join } from "node:path";
import commonjsPlugin from "@rollup/plugin-commonjs";
import jsonPlugin from "@rollup/plugin-json";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { build as esbuild } from "esbuild";
import { rolldown } from "rolldown";
import { type Plugin, rollup } from "rollup";
import { build as vite } from "vite";
import webpack from "webpack";

const entries = ["threadloop", "threadloop/workers", "threadloop/testing"];

/** Their declarations are those of CommonJS modules. */
const commonjs = commonjsPlugin as unknown as () => Plugin;
const json = jsonPlugin as unknown as () => Plugin;

export interface Bundling {
  readonly input: string;
  /** Where the bundle goes, and the name of its file, which says whether it is CommonJS. */
  readonly folder: string;
  readonly file: string;
  readonly minify: boolean;
  /** Takes threadloop into the bundle, and has the bundler write as many files as it likes. */
  readonly inside?: boolean;
}

const outside = (inside = false): string[] => (inside ? [] : entries);
const formatOf = (file: string): "cjs" | "esm" => (file.endsWith(".cjs") ? "cjs" : "esm");

export const bundlers: Readonly<Record<string, (bundling: Bundling) => Promise<void>>> = {
  async esbuild({ input, folder, file, minify, inside }) {
    await esbuild({
      entryPoints: [input],
      outfile: join(folder, file),
      minify,
      bundle: true,
      platform: "node",
      format: formatOf(file),
      external: outside(inside),
      logLevel: "error",
    });
  },
  async rolldown({ input, folder, file, minify, inside }) {
    const bundle = await rolldown({ input, external: outside(inside), platform: "node" });
    const to = inside
      ? { dir: folder, entryFileNames: file }
      : { file: join(folder, file), codeSplitting: false };
    await bundle.write({ ...to, minify, format: formatOf(file) });
    await bundle.close();
  },
  async rollup({ input, folder, file, inside }) {
    const bundle = await rollup({
      input,
      external: [...outside(inside), /^node:/],
      plugins: [nodeResolve(), commonjs(), json()],
    });
    const to = inside
      ? { dir: folder, entryFileNames: file }
      : { file: join(folder, file), inlineDynamicImports: true };
    await bundle.write({ ...to, format: formatOf(file) });
    await bundle.close();
  },
  async vite({ input, folder, file, minify, inside }) {
    await vite({
      root: folder,
      configFile: false,
      logLevel: "error",
      ssr: { external: outside(inside), noExternal: true },
      build: {
        ssr: input,
        minify,
        emptyOutDir: false,
        outDir: folder,
        rolldownOptions: { output: { entryFileNames: file, format: formatOf(file) } },
      },
    });
  },
  async webpack({ input, folder, file, minify, inside }) {
    const isModule = formatOf(file) === "esm";
    const compiler = webpack({
      entry: input,
      mode: "production",
      target: "node",
      externals: inside
        ? []
        : isModule
          ? /^threadloop/
          : Object.fromEntries(entries.map((name) => [name, `commonjs ${name}`])),
      ...(isModule && { externalsType: "module", experiments: { outputModule: true } }),
      optimization: { minimize: minify },
      output: { path: folder, filename: file, ...(isModule && { library: { type: "module" } }) },
    });
    await new Promise<void>((resolve, reject) => {
      compiler.run((error, stats) => {
        if (error ?? stats?.hasErrors()) reject(error ?? new Error(stats?.toString({ colors: false })));
        else compiler.close(() => resolve());
      });
    });
  },
};
