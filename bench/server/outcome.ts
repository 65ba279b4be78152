// This is what a run has found out: both ways side by side, and what they were measured with.
import { availableParallelism, cpus } from "node:os";
import type { Measured } from "./figures.ts";
import type { Settings } from "./options.ts";
import { fingerprint, type Page } from "./pages.ts";

/** Everything a run has to say: what bench/results/server.json holds and the picture is drawn from. */
export interface Outcome {
  readonly date: string;
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number };
  readonly settings: {
    readonly connections: number;
    readonly workers: number;
    readonly pingEvery: number;
    readonly warmup: number;
  };
  readonly input: { readonly pages: number; readonly characters: number; readonly fingerprint: string };
  /** The pages that were not byte-identical both ways: none, or the run has failed. */
  readonly different: readonly string[];
  readonly loop: Measured;
  readonly threads: Measured;
  /** Threads over loop for pages/s; loop over threads for ping p99. */
  readonly ratios: { readonly pagesPerSecond: number; readonly pingP99: number };
}

/** Puts both ways side by side. */
export function sumUp(
  { connections, workers, pingEvery, warmup }: Settings,
  pages: readonly Page[],
  different: readonly string[],
  loop: Measured,
  threads: Measured,
): Outcome {
  return {
    date: new Date().toISOString(),
    machine: { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism() },
    settings: { connections, workers, pingEvery, warmup },
    input: {
      pages: pages.length,
      characters: pages.reduce((sum, { markdown }) => sum + markdown.length, 0),
      fingerprint: fingerprint(pages),
    },
    different,
    ratios: {
      pagesPerSecond: threads.figures.pagesPerSecond / loop.figures.pagesPerSecond,
      pingP99: loop.figures.pingP99 / threads.figures.pingP99,
    },
    loop,
    threads,
  };
}
