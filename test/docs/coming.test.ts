// These tests check the tables of docs/from-*.md, for those who come from elsewhere: what stands on the right is taken
// from a program of the page, which the tests run.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { examplesOfMarkdown, root } from "../support/examples.ts";

/** The rows of a page's tables, by cells; a `|` within code does not end one. */
function rowsOf(text: string): string[][] {
  const lines = text.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split(/\|(?=(?:[^`]*`[^`]*`)*[^`]*$)/)
      .map((cell) => cell.trim()),
  );
}

const code = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);
const condensed = (text: string): string => text.replace(/\s+/g, "");

/** Keywords, options, names of Node's and links, which stand for themselves. */
const WORDS = /^[\w.:-]+$/;

const pages = readdirSync(join(root, "docs")).filter((file) => /^from-.*\.md$/.test(file));

describe.each(pages.map((file) => join("docs", file)))("%s", (page) => {
  const rows = rowsOf(readFileSync(join(root, page), "utf8"));

  it("has tables of two columns", () => {
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.filter((row) => row.length !== 2)).toEqual([]);
  });

  it("has on the right only what its programs do", () => {
    const programs = condensed(
      examplesOfMarkdown(page)
        .flatMap((example) => [example.code, ...example.files.values()])
        .join("\n"),
    );
    const said = rows.slice(1).flatMap(([, right = ""]) => code(right));
    expect(said.length).toBeGreaterThan(5);
    const missing = said.filter((text) => !WORDS.test(text) && !programs.includes(condensed(text)));
    expect(missing).toEqual([]);
  });
});
