// This is the application under load: /ping answers at once, /loop/N and /threads/N answer page N rendered in that
// way. Each request is a task, which is cancelled when its client goes away.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CancelledError, getRunningLoop } from "threadloop";
import { digest } from "./digest.ts";
import type { Page } from "./pages.ts";

/** The ways to render a page: the first part of the paths that ask for them. */
export const ways = ["loop", "threads"] as const;
export type Way = (typeof ways)[number];

/** What each way does to a page's Markdown. */
export type Renderers = Readonly<Record<Way, (markdown: string) => PromiseLike<string> | string>>;

export interface Site extends AsyncDisposable {
  readonly origin: string;
}

/** Serves `pages` on a free port of the loopback interface. */
export async function startServer(pages: readonly Page[], renderers: Renderers): Promise<Site> {
  const loop = getRunningLoop();
  const server = createServer((request, response) => {
    const task = loop.createTask(() => answer(request, response, pages, renderers));
    response.once("close", () => task.cancel());
  });
  server.keepAliveTimeout = 0; // a connection closed as idle in the moment it is used again would fail the run
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => close(server) };
}

/** The paths of all pages in one way. */
export function pathsOf(way: Way, pages: readonly Page[]): string[] {
  return pages.map((_, index) => `/${way}/${index}`);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: readonly Page[],
  renderers: Renderers,
) {
  if (request.url === "/ping") return void response.end("pong");
  const [, way = "", index = ""] = request.url?.split("/") ?? [];
  const page = pages[Number(index)];
  const render = renderers[way as Way];
  if (page === undefined || render === undefined) return void response.writeHead(404).end("No such page");
  try {
    const html = await render(page.markdown);
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", etag: digest(html) }).end(html);
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    response.writeHead(500).end(`${page.name} could not be rendered: ${error}`);
  }
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close().closeAllConnections();
  await closed;
}
