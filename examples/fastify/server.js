import Fastify from "fastify";
import { QueueFull, TimeoutError } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { countPrimes } from "./primes.js";

const pool = new WorkerPool({ maxQueue: 100 }); // one, for as long as the process lives
const app = Fastify();

app.get("/primes/:limit", async (request, reply) => {
  const left = new AbortController();
  reply.raw.on("close", () => left.abort());
  const jobs = pool.with({ signal: left.signal, timeout: 1000 });
  return { count: await jobs.submit(countPrimes, Number(request.params.limit)) };
});

app.get("/health", () => {
  const { running, queued, settled } = pool.stats();
  return { running, queued, settled };
});

app.setErrorHandler((error, _request, reply) => {
  if (error instanceof QueueFull) return reply.code(503).header("Retry-After", "1").send("busy");
  if (error instanceof TimeoutError) return reply.code(504).send("too much work");
  return reply.send(error);
});

app.addHook("onClose", () => pool.close()); // when the last request has been answered
process.once("SIGTERM", () => {
  app.server.keepAliveTimeout = 1; // a connection goes when its request has been answered
  app.close();
});

const address = await app.listen({ host: "localhost", port: Number(process.env.PORT ?? 3000) });
console.log(address);
