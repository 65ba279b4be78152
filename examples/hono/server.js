import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { QueueFull, TimeoutError } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { countPrimes } from "./primes.js";

const pool = new WorkerPool({ maxQueue: 100 }); // one, for as long as the process lives
const app = new Hono();

app.get("/primes/:limit", async (c) => {
  const jobs = pool.with({ signal: c.req.raw.signal, timeout: 1000 });
  return c.json({ count: await jobs.submit(countPrimes, Number(c.req.param("limit"))) });
});

app.get("/health", (c) => {
  const { running, queued, settled } = pool.stats();
  return c.json({ running, queued, settled });
});

app.onError((error, c) => {
  if (error instanceof QueueFull) return c.text("busy", 503, { "Retry-After": "1" });
  if (error instanceof TimeoutError) return c.text("too much work", 504);
  throw error;
});

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`http://localhost:${port}`);
});

process.once("SIGTERM", () => {
  server.keepAliveTimeout = 1; // a connection goes when its request has been answered
  server.close(() => pool.close()); // and with the last one the pool, and the process
});
