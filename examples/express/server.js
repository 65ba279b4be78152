import express from "express";
import { CancelledError, QueueFull, TimeoutError } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { countPrimes } from "./primes.js";

const pool = new WorkerPool({ maxQueue: 100 }); // one, for as long as the process lives
const app = express();

app.get("/primes/:limit", async (request, response) => {
  const left = new AbortController();
  response.on("close", () => left.abort());
  const jobs = pool.with({ signal: left.signal, timeout: 1000 });
  response.json({ count: await jobs.submit(countPrimes, Number(request.params.limit)) });
});

app.get("/health", (_request, response) => {
  const { running, queued, settled } = pool.stats();
  response.json({ running, queued, settled });
});

app.use((error, _request, response, next) => {
  if (error instanceof QueueFull) response.status(503).set("Retry-After", "1").send("busy");
  else if (error instanceof TimeoutError) response.status(504).send("too much work");
  else if (error instanceof CancelledError)
    response.end(); // nobody waits for it any more
  else next(error);
});

const server = app.listen(Number(process.env.PORT ?? 3000), (error) => {
  if (error) throw error;
  console.log(`http://localhost:${server.address().port}`);
});

process.once("SIGTERM", () => {
  server.keepAliveTimeout = 1; // a connection goes when its request has been answered
  server.close(() => pool.close()); // and with the last one the pool, and the process
});
