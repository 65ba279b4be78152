/** The package's main entry: the runtime, and the worker pool as its default executor. */
export * from "./src/index.ts";
