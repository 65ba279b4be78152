import { createServer } from "node:http";
import { Metrics } from "threadloop/metrics";
import { WorkerPool } from "threadloop/workers";
import { countPrimes } from "./primes.js";

const pool = new WorkerPool({ name: "primes" });
const metrics = new Metrics();

const server = createServer(async (request, response) => {
  if (request.url === "/metrics") {
    response.setHeader("Content-Type", metrics.contentType);
    response.end(metrics.text());
    return;
  }
  const limit = Number(request.url.split("/").at(-1)) || 100_000;
  response.end(`${await pool.submit(countPrimes, limit)}\n`);
});

server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}`);
});

process.once("SIGTERM", () => {
  server.keepAliveTimeout = 1;
  server.close(() => pool.close());
});
