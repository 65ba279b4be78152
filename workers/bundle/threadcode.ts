// This is the code of a thread, as text, in a program that was bundled. It is several texts, as most threads need
// only the first:
//
//   ./thread.js   what runs a thread's jobs
//   ./exports.js  the rest of the package, for jobs that use it
//   ./parts.js    piscina and acorn, for whoever has a pool: the program itself, and a job with a pool of its own
//
// The build puts them here; a thread has them of who started it.
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

/** By the names by which they load each other. */
export type Texts = Readonly<Record<string, string>>;

/** Under which name they are in the environment data of threads; `scripts/inline.mjs` has it too. */
const THREAD_CODE = "threadloop:thread-code";

export const texts: Texts = getEnvironmentData(THREAD_CODE) as unknown as Texts;
setEnvironmentData(THREAD_CODE, texts as unknown as Parameters<typeof setEnvironmentData>[1]);

/** Evaluates a text that needs no other one: its exports. */
export function loadText(name: string): object {
  const { compileFunction } = process.getBuiltinModule("node:vm");
  const filename = "threadloop:worker";
  const module = { exports: {} };
  const parameters = ["exports", "require"];
  compileFunction(texts[name] as string, parameters, { filename })(module.exports, process.getBuiltinModule);
  return module.exports;
}
