// Both ways must give the same bytes: of each page, in every answer.
import type { Page } from "./pages.ts";
import type { Digests } from "./protocol.ts";
import { pathsOf, ways } from "./server.ts";

/** The names of the pages whose answers, in whichever way and whenever, were not all the same. */
export function differing(pages: readonly Page[], seen: readonly Digests[]): string[] {
  const paths = ways.map((way) => pathsOf(way, pages));
  const isDifferent = (_: Page, index: number) => {
    const answers = paths.flatMap((list) => seen.flatMap((digests) => digests[list[index] ?? ""] ?? []));
    return new Set(answers).size !== 1;
  };
  return pages.filter(isDifferent).map(({ name }) => name);
}
