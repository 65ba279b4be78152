import { once } from "node:events";
import { createServer } from "node:http";
import { QueueFull, TimeoutError } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { writeTokens } from "./write.js";

const pool = new WorkerPool({ maxQueue: 50 });

/** Answers `GET /write?prompt=...&amount=...` with words as they are written, each a line of JSON. */
const server = createServer(async (request, response) => {
  const { searchParams } = new URL(request.url, "http://localhost");
  const left = new AbortController();
  response.on("close", () => left.abort());
  const calls = pool.with({ signal: left.signal, timeout: 30_000 });
  const prompt = searchParams.get("prompt") ?? "";
  const amount = Number(searchParams.get("amount") ?? 20);
  try {
    await answer(response, calls.stream(writeTokens, prompt, amount), left.signal);
  } catch (error) {
    refuse(response, error);
  }
});

async function answer(response, tokens, signal) {
  for await (const token of tokens) {
    if (!response.headersSent) response.writeHead(200, { "Content-Type": "application/x-ndjson" });
    const isRead = response.write(`${JSON.stringify({ token })}\n`);
    if (!isRead) await once(response, "drain", { signal }); // the thread waits for a slow reader
  }
  response.end();
}

function refuse(response, error) {
  if (error instanceof QueueFull) response.writeHead(503, { "Retry-After": "1" }).end();
  else if (response.headersSent || response.closed) response.destroy();
  else response.writeHead(error instanceof TimeoutError ? 504 : 500).end();
}

server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}`);
});

process.once("SIGTERM", () => {
  server.close(() => pool.close());
  server.closeIdleConnections();
});
