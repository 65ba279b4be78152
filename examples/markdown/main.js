import { mkdtempSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { render } from "./render.js";

const from = process.argv[2] ?? fileURLToPath(new URL("pages", import.meta.url));
const to = mkdtempSync(join(tmpdir(), "pages-"));

/** The Markdown files of the folder, each with its text. */
async function* files() {
  for (const name of (await readdir(from, { recursive: true })).sort())
    if (name.endsWith(".md")) yield { name, text: await readFile(join(from, name), "utf8") };
}

await run(async () => {
  const pool = new WorkerPool();
  try {
    let pages = 0;
    for await (const { name, title, html } of pool.map(render, files())) {
      const file = join(to, name.replace(/\.md$/, ".html"));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, html);
      pages++;
      console.log(`${name}: ${title}`);
    }
    console.log(`${pages} pages`);
    console.error(`in ${to}`);
  } finally {
    await pool.close();
  }
});
