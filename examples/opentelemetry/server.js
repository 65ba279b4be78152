import { createServer } from "node:http";
import { WorkerPool } from "threadloop/workers";
import { countPrimes } from "./primes.js";
import { tracer } from "./tracing.js";

const pool = new WorkerPool({ preload: [new URL("tracing.js", import.meta.url)] });

const server = createServer((request, response) => {
  tracer.startActiveSpan("request", async (span) => {
    const limit = Number(request.url.split("/").at(-1)) || 100_000;
    response.end(`${await pool.submit(countPrimes, limit)}\n`);
    span.end();
  });
});

server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}`);
});

process.once("SIGTERM", () => {
  server.keepAliveTimeout = 1;
  server.close(() => pool.close());
});
