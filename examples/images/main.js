import { mkdtempSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createTask, gather, run } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { makeImages } from "./make.js";
import { thumbnail } from "./thumbnail.js";

const to = mkdtempSync(join(tmpdir(), "thumbnails-"));
const files = process.argv.length > 2 ? process.argv.slice(2) : makeImages(8);

await run(async () => {
  const pool = new WorkerPool();
  const shrink = async (file) => {
    const bytes = new Uint8Array(await readFile(file));
    try {
      // The file's bytes are the thread's from here on.
      const small = await pool.with({ transfer: [bytes.buffer] }).submit(thumbnail, bytes, 64);
      await writeFile(join(to, basename(file)), small);
      return `${basename(file)}: ${small.length} bytes`;
    } catch (error) {
      return `${basename(file)}: ${error.message}`;
    }
  };
  try {
    const lines = await gather(files.map((file) => createTask(() => shrink(file))));
    for (const line of lines) console.log(line);
    console.error(`in ${to}`);
  } finally {
    await pool.close();
  }
});
