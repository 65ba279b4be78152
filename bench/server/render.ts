// This is the CPU-bound work: a README as a documentation site shows it, its code blocks highlighted by shiki with
// VS Code's grammars. An ordinary exported function: the server calls it on its loop, and a worker calls it in a
// thread.
import { Marked } from "marked";
import { createHighlighter } from "shiki";

const THEME = "github-light";

const highlighter = await createHighlighter({
  themes: [THEME],
  langs: ["js", "ts", "jsx", "tsx", "json", "bash", "console", "html", "css", "vue", "yaml", "diff", "md"],
});
const languages = new Set(highlighter.getLoadedLanguages());
const marked = new Marked({ renderer: { code: ({ text, lang = "" }) => highlight(text, lang) } });

/** Renders Markdown to HTML, its code blocks highlighted. */
export function render(markdown: string): string {
  return marked.parse(markdown, { async: false });
}

function highlight(code: string, language: string): string {
  const lang = languages.has(language) ? language : "text";
  // Without its limit of 500 ms a line, which a machine under load exceeds: equal pages must give equal bytes.
  return highlighter.codeToHtml(code, { theme: THEME, lang, tokenizeTimeLimit: 0 });
}
