// These are CPU-bound jobs as applications have them, on input that nobody wrote for a benchmark.
import { parse } from "acorn";
import { marked } from "marked";

/** Renders Markdown to HTML. */
export function renderMarkdown(markdown: string): string {
  return marked.parse(markdown, { async: false });
}

/** Parses a JavaScript module and returns how many top-level statements it has and where the last one ends. */
export function parseModule(source: string): string {
  const program = parse(source, { ecmaVersion: "latest", sourceType: "module" });
  return `${program.body.length} statements up to ${program.body.at(-1)?.end ?? 0}`;
}
