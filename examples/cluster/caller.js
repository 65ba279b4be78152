import { pathToFileURL } from "node:url";
import { run } from "threadloop";
import { ClusterExecutor } from "threadloop/cluster";
import { countRow } from "./jobs.js";

/**
 * Has machines count the points of so many rows; `told` gets each result as it comes. A row can be counted twice, so
 * the calls are idempotent: those of a machine that is lost run on another one.
 */
export async function countAll(url, rows, told) {
  const cluster = new ClusterExecutor({ url, attempts: 5 });
  try {
    const calls = Array.from({ length: rows }, async (_, row) => {
      const call = cluster.with({ idempotent: true, name: `row ${row}` }).submit(countRow, row, rows);
      const result = await call;
      told(result);
      return result;
    });
    const results = await Promise.all(calls);
    return { results, moved: cluster.stats().moved };
  } finally {
    await cluster.close({ cancelFutures: true });
  }
}

// As a program of its own, where compose.yaml starts it.
if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await run(async () => {
    const url = process.env.THREADLOOP_CLUSTER_URL ?? "redis://127.0.0.1:6379";
    const { results } = await countAll(url, 60, ({ row, pid }) =>
      console.log(`row ${row} by process ${pid}`),
    );
    console.log(`${results.reduce((sum, { inside }) => sum + inside, 0)} points are inside`);
  });
}
