/** This is what the documentation says of an error, a code or a warning: its entry in docs/errors.md. */
import { readFileSync } from "node:fs";
import { Problem } from "./problem.ts";

const PAGE = new URL("../../docs/errors.md", import.meta.url);

/** The entry of a name, in whatever case it is written, as text for a terminal. */
export function explain(name: string | undefined): string {
  const [, ...entries] = readFileSync(PAGE, "utf8").split(/^###? /m);
  const entry = entries.find((each) => titleOf(each).toLowerCase() === name?.toLowerCase());
  if (entry !== undefined) return asText(entry);
  const asked = name === undefined ? "Expected the name of an error" : `There is no entry for \`${name}\``;
  const names = entries.map(titleOf).filter((title) => !title.includes(" "));
  throw new Problem(`${asked}; those there are:\n  ${names.join("\n  ")}`);
}

const titleOf = (entry: string): string => entry.slice(0, entry.indexOf("\n"));

/** Markdown as it is read in a terminal: a link is its text, and the page that it leads to. */
function asText(entry: string): string {
  return entry.replace(/\[([^\]]+)\]\(([^)#]*)[^)]*\)/g, "$1 (docs/$2)").trim();
}
