import { createReadStream, statSync } from "node:fs";
import { clearLine, cursorTo } from "node:readline";
import { run } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { makeFile } from "./make.js";
import { sumRows } from "./rows.js";

const file = process.argv[2] ?? makeFile(200_000);
const size = statSync(file).size;

/** The file in pieces of whole lines; `read` is told how many bytes were read. */
async function* pieces(read) {
  let rest = "";
  for await (const chunk of createReadStream(file, { encoding: "utf8", highWaterMark: 1 << 18 })) {
    read(Buffer.byteLength(chunk));
    const end = chunk.lastIndexOf("\n") + 1;
    yield rest + chunk.slice(0, end);
    rest = chunk.slice(end);
  }
  if (rest !== "") yield rest;
}

function show(done) {
  if (!process.stderr.isTTY) return;
  cursorTo(process.stderr, 0);
  clearLine(process.stderr, 1);
  process.stderr.write(`${"█".repeat(Math.round(done * 30)).padEnd(30, "·")} ${Math.round(done * 100)} %`);
}

async function main(pool) {
  console.error(`importing ${file}`);
  const sums = new Map();
  let bytes = 0;
  const read = (amount) => {
    bytes += amount;
  };
  // A few pieces are in work at once, and the file is not read further ahead; Ctrl-C ends it all.
  for await (const part of pool.map(sumRows, pieces(read))) {
    for (const [customer, amount] of part) sums.set(customer, (sums.get(customer) ?? 0) + amount);
    show(bytes / size);
  }
  if (process.stderr.isTTY) process.stderr.write("\n");
  const total = [...sums.values()].reduce((sum, amount) => sum + amount, 0);
  console.log(`${sums.size} customers have paid ${total}`);
}

await run(async () => {
  const pool = new WorkerPool();
  try {
    await main(pool);
  } finally {
    await pool.close();
  }
});
