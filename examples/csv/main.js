import { createReadStream, statSync } from "node:fs";
import cliProgress from "cli-progress";
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

async function main(pool) {
  console.error(`importing ${file}`);
  const sums = new Map();
  const bar = new cliProgress.SingleBar({
    format: "{bar} {percentage} %, {value} of {total} bytes",
    stream: process.stderr, // shows nothing where that is no terminal
    hideCursor: true,
    gracefulExit: false, // Ctrl-C is run()'s
  });
  bar.start(size, 0);
  // A few pieces are in work at once, and the file is not read further ahead; Ctrl-C ends it all.
  try {
    for await (const part of pool.map(
      sumRows,
      pieces((bytes) => bar.increment(bytes)),
    ))
      for (const [customer, amount] of part) sums.set(customer, (sums.get(customer) ?? 0) + amount);
  } finally {
    bar.stop(); // and the cursor is there again
  }
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
