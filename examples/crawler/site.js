import { createServer } from "node:http";

/** A site to crawl: so many pages, each with links to three others. */
export function startSite(pages) {
  const server = createServer((request, response) => {
    const page = Number(request.url.slice(1)) || 0;
    const links = [page * 2 + 1, page * 2 + 2, page >> 1].filter((other) => other < pages);
    const anchors = links.map((other) => `<a href="/${other}">page ${other}</a>`);
    response.setHeader("Content-Type", "text/html").end(`<h1>Page ${page}</h1>${anchors.join(" ")}`);
  });
  return new Promise((resolve) => server.listen(0, () => resolve(server)));
}
