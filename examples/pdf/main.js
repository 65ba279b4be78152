import { mkdtempSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { invoice } from "./invoice.js";

const count = Number(process.argv[2] ?? 20);
const to = mkdtempSync(join(tmpdir(), "invoices-"));

function* orders() {
  for (let number = 1; number <= count; number++)
    yield {
      number,
      customer: `Customer ${number}`,
      items: [
        ["Tea", 4.5, number],
        ["Cup", 12, 2],
      ],
    };
}

await run(async () => {
  const pool = new WorkerPool();
  try {
    let sum = 0;
    for await (const { number, total, bytes } of pool.map(invoice, orders())) {
      await writeFile(join(to, `${number}.pdf`), bytes);
      sum += total;
    }
    console.log(`${count} invoices over ${sum.toFixed(2)}`);
    console.error(`in ${to}`);
  } finally {
    await pool.close();
  }
});
