// What the package exports is shown in use, beside its page in the reference.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { filesBelow, root } from "../support/examples.ts";

const read = (file: string): string => readFileSync(join(root, file), "utf8");

const { exports } = JSON.parse(read("package.json")) as { exports: object };

const pages = readdirSync(join(root, "docs"))
  .filter((file) => file.endsWith(".md"))
  .map((file) => join("docs", file));
const guides = ["README.md", ...pages].map(read).join("\n");
const sources = [...filesBelow("src", ".ts"), ...filesBelow("workers", ".ts")].map(read);

it("each function and class is shown in a guide or in an example of its docstring", async () => {
  const entries = Object.keys(exports).filter((entry) => entry !== "./package.json");
  const modules: object[] = await Promise.all(entries.map((entry) => import(join("threadloop", entry))));
  const examples = sources.flatMap((text) => [...text.matchAll(/```ts\n[\s\S]*?```/g)].map(([code]) => code));
  const shown = [guides, ...examples].join("\n");
  const names = new Set(modules.flatMap((module) => Object.keys(module)));
  expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(shown))).toEqual([]);
});
