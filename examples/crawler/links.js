/** Finds the links of a page and how many words it has; it runs in a thread. */
export function readPage(html, address) {
  const links = [...html.matchAll(/<a\s[^>]*href="([^"]+)"/gi)].map(([, to]) => new URL(to, address).href);
  const words = html.replace(/<[^>]*>/g, " ").match(/\p{L}+/gu) ?? [];
  return { links: [...new Set(links)], words: words.length };
}
