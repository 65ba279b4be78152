/**
 * The guides in the order in which a reader wants them: a page of docs/ has its place in one of these groups, and the
 * tests name one that has none. Its title is its first heading.
 */
export interface Group {
  readonly title: string;
  /** Names of files in docs/, without the ending. */
  readonly pages: readonly string[];
}

export const groups: readonly Group[] = [
  { title: "To begin", pages: ["first-steps", "outside-run", "servers", "typescript", "examples"] },
  { title: "Threads", pages: ["threads", "functions", "values", "sharing"] },
  { title: "The loop", pages: ["tasks", "handlers", "streams", "loop"] },
  {
    title: "In production",
    pages: ["testing", "observability", "cluster", "security", "containers", "bundlers"],
  },
  { title: "Do threads pay?", pages: ["doctor", "compare", "benchmarks"] },
  { title: "To look up", pages: ["errors", "faq", "compatibility", "versioning"] },
  {
    title: "Coming from",
    pages: [
      "from-asyncio",
      "from-piscina",
      "from-tinypool",
      "from-workerpool",
      "from-p-limit",
      "from-bluebird",
      "from-effection",
    ],
  },
];
