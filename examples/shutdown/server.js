import { createServer } from "node:http";
import { WorkerPool } from "threadloop/workers";
import { countPrimes } from "./primes.js";

const DEADLINE = Number(process.env.DEADLINE ?? 5000); // milliseconds; what stops containers often kills after ten seconds
const pool = new WorkerPool({ name: "primes", maxQueue: 1000 });

const server = createServer(async (request, response) => {
  try {
    const limit = Number(request.url.split("/").at(-1)) || 100_000;
    response.end(`${await pool.submit(countPrimes, limit)}\n`);
  } catch {
    response.writeHead(503, { "Retry-After": "1" }).end("ending\n"); // the pool is full, or closing
  }
});

server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}`);
});

async function end() {
  for (const signal of ["SIGINT", "SIGTERM"]) process.removeListener(signal, end);
  console.error("ending: answers what is under way");
  server.keepAliveTimeout = 1;
  server.close();
  await pool.close({ deadline: DEADLINE });
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, end);
