/** Bundles a program for Node with threadloop left outside, by each bundler, in each format that it has. */
import { join } from "node:path";
import commonjsPlugin from "@rollup/plugin-commonjs";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { build as esbuild } from "esbuild";
import { rolldown } from "rolldown";
import { type Plugin, rollup } from "rollup";
import { build as vite } from "vite";
import webpack from "webpack";

const external = ["threadloop", "threadloop/workers", "threadloop/testing"];

/** Its declarations are those of a CommonJS module. */
const commonjs = commonjsPlugin as unknown as () => Plugin;

export interface Bundling {
  readonly input: string;
  /** Where the bundle goes, and the name of its file, which says whether it is CommonJS. */
  readonly folder: string;
  readonly file: string;
  readonly minify: boolean;
}

const formatOf = (file: string): "cjs" | "esm" => (file.endsWith(".cjs") ? "cjs" : "esm");

export const bundlers: Readonly<Record<string, (bundling: Bundling) => Promise<void>>> = {
  async esbuild({ input, folder, file, minify }) {
    await esbuild({
      entryPoints: [input],
      outfile: join(folder, file),
      minify,
      bundle: true,
      platform: "node",
      format: formatOf(file),
      external,
      logLevel: "error",
    });
  },
  async rolldown({ input, folder, file, minify }) {
    const bundle = await rolldown({ input, external, platform: "node" });
    await bundle.write({ file: join(folder, file), minify, codeSplitting: false, format: formatOf(file) });
    await bundle.close();
  },
  async rollup({ input, folder, file }) {
    const bundle = await rollup({
      input,
      external: [...external, /^node:/],
      plugins: [nodeResolve(), commonjs()],
    });
    await bundle.write({ file: join(folder, file), inlineDynamicImports: true, format: formatOf(file) });
    await bundle.close();
  },
  async vite({ input, folder, file, minify }) {
    await vite({
      root: folder,
      configFile: false,
      logLevel: "error",
      ssr: { external, noExternal: true },
      build: {
        ssr: input,
        minify,
        emptyOutDir: false,
        outDir: folder,
        rolldownOptions: { output: { entryFileNames: file, format: formatOf(file) } },
      },
    });
  },
  async webpack({ input, folder, file, minify }) {
    const isModule = formatOf(file) === "esm";
    const compiler = webpack({
      entry: input,
      mode: "production",
      target: "node",
      externals: isModule
        ? /^threadloop/
        : Object.fromEntries(external.map((name) => [name, `commonjs ${name}`])),
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
