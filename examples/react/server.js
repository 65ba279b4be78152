import { createServer } from "node:http";
import { CancelledError, TimeoutError } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { renderPage } from "./page.js";

const pool = new WorkerPool({ name: "pages", preload: [new URL("page.js", import.meta.url)] });

const server = createServer(async (request, response) => {
  const rows = Number(new URL(request.url, "http://localhost").searchParams.get("rows") ?? 100);
  const left = new AbortController();
  response.on("close", () => left.abort());
  try {
    const html = await pool.with({ signal: left.signal, timeout: 1000 }).submit(renderPage, { rows });
    response.setHeader("Content-Type", "text/html; charset=utf-8").end(html);
  } catch (error) {
    if (error instanceof CancelledError) return; // nobody reads it any more
    response.writeHead(error instanceof TimeoutError ? 504 : 500).end(error.message);
  }
});

server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}`);
});

process.once("SIGTERM", () => {
  server.keepAliveTimeout = 1;
  server.close(() => pool.close());
});
