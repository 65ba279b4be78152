// Readers of the site find the pages by its sidebar.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { groups } from "../../docs/.vitepress/sidebar.ts";
import { root } from "../support/examples.ts";

describe("The sidebar of the site", () => {
  it("has each page of docs/ once, and no other", () => {
    const pages = readdirSync(join(root, "docs"))
      .filter((file) => file.endsWith(".md") && file !== "index.md")
      .map((file) => file.slice(0, -".md".length));
    expect(groups.flatMap((group) => group.pages).sort()).toEqual(pages.sort());
  });
});
