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
  { title: "Threads", pages: ["threads", "functions", "sharing", "servers"] },
  { title: "The loop", pages: ["tasks", "streams"] },
  { title: "In production", pages: ["observability", "compatibility", "benchmarks"] },
];
