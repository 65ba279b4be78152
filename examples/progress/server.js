import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { WorkerPool } from "threadloop/workers";
import { countPrimes } from "./report.js";

const pool = new WorkerPool();
const page = readFileSync(new URL("page.html", import.meta.url));

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname !== "/events") {
    response.setHeader("Content-Type", "text/html").end(page);
    return;
  }
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  const left = new AbortController();
  response.on("close", () => left.abort());
  try {
    const limit = Number(url.searchParams.get("limit"));
    for await (const progress of pool.with({ signal: left.signal }).stream(countPrimes, limit)) {
      const isRead = response.write(`data: ${JSON.stringify(progress)}\n\n`);
      if (!isRead) await once(response, "drain", { signal: left.signal }); // the thread waits for a slow reader
    }
    response.end("event: done\ndata:\n\n");
  } catch (error) {
    if (!left.signal.aborted) response.end(`event: failed\ndata: ${error.name}\n\n`);
  }
});

server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}`);
});

process.once("SIGTERM", () => {
  server.closeAllConnections();
  server.close(() => pool.close());
});
