import { run, Semaphore, taskGroup, timeout } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { readPage } from "./links.js";
import { startSite } from "./site.js";

async function main(pool) {
  const site = process.argv[2] === undefined ? await startSite(200) : null;
  const start = process.argv[2] ?? `http://localhost:${site.address().port}/0`;
  const connections = new Semaphore(8);
  const seen = new Set([start]);
  let words = 0;

  await taskGroup(async (group) => {
    const visit = async (address) => {
      const html = await connections.with(() =>
        timeout(5000, async () => (await fetch(address, { signal: AbortSignal.timeout(5000) })).text()),
      );
      const page = await pool.submit(readPage, html, address);
      words += page.words;
      for (const link of page.links) {
        if (seen.has(link) || new URL(link).host !== new URL(start).host) continue;
        seen.add(link);
        group.createTask(() => visit(link));
      }
    };
    group.createTask(() => visit(start));
  });

  console.log(`${seen.size} pages with ${words} words`);
  site?.close();
  site?.closeAllConnections();
}

await run(async () => {
  const pool = new WorkerPool();
  try {
    await main(pool);
  } finally {
    await pool.close();
  }
});
