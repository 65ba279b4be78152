// This is the process that one question is asked in: alone, so that no other question's heap or compiled code is in
// it.
import { createBench } from "./bench.ts";
import type { Question } from "./question.ts";

const [name, mode] = process.argv.slice(2);
const { default: question } = (await import(new URL(`../${name}.js`, import.meta.url).href)) as {
  default: Question;
};
const { bench, answer } = createBench(name!, question.title, mode === "quick", (text) =>
  process.send?.({ progress: text }),
);
await question.ask(bench);
process.send?.({ answer: answer() }, () => process.exit());
