import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { CancelledError, run, sleep, timeout } from "threadloop";
import { WorkerPool } from "threadloop/workers";

const fibonacci = (n) => (n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2));

/** A server that drops each connection after three questions. */
function startServer(answered) {
  const server = createServer((socket) => {
    let left = 3;
    const lines = createInterface(socket);
    socket.on("error", () => {});
    lines.on("line", (line) => {
      answered(line);
      if (--left === 0) socket.destroy();
      else socket.write(`${20 + left}\n`);
    });
    socket.write("23\n");
  });
  return new Promise((resolve) => server.listen(0, () => resolve(server)));
}

/** Answers each line, which is a number, with its Fibonacci number, until the connection ends. */
async function converse(port, pool) {
  const socket = connect(port);
  try {
    await timeout(
      5000,
      () => new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject)),
    );
    for await (const line of createInterface(socket))
      socket.write(`${await pool.submit(fibonacci, Number(line))}\n`);
  } finally {
    socket.destroy();
  }
}

async function main(pool) {
  const answers = [];
  const server = await startServer((line) => answers.push(Number(line)));
  let wait = 10;
  while (answers.length < 9) {
    try {
      await converse(server.address().port, pool);
      wait = 10;
    } catch (error) {
      if (error instanceof CancelledError) throw error; // Ctrl-C
      console.error(`connection lost: ${error.message}`);
    }
    await sleep(wait);
    wait = Math.min(wait * 2, 30_000); // longer each time, until it works again
  }
  console.log(`answered ${answers.join(" ")}`);
  server.close();
}

await run(async () => {
  const pool = new WorkerPool({ size: 1 });
  try {
    await main(pool);
  } finally {
    await pool.close();
  }
});
