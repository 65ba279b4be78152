// This gets from what was seen of one way to its figures.
import type { Driven, Sample } from "./protocol.ts";
import type { Watched } from "./watch.ts";

/** What the table shows of one way; times in milliseconds, shares from 0 to 1. */
export interface Figures {
  readonly pages: number;
  readonly pings: number;
  readonly pagesPerSecond: number;
  readonly pageP50: number;
  readonly pageP99: number;
  readonly pingP50: number;
  readonly pingP99: number;
  readonly pingMax: number;
  readonly loopDelayP99: number;
  readonly loopUtilisation: number;
  readonly workerUtilisation: number;
}

/** One way's figures, and the samples they were made of. */
export interface Measured {
  readonly figures: Figures;
  readonly seconds: number;
  readonly pages: readonly Sample[];
  readonly pings: readonly Sample[];
}

/** Sums up one way, which `workers` threads were there for. */
export function measure(driven: Driven, watched: Watched, workers: number): Measured {
  const { seconds, pages, pings } = driven;
  const page = pages.map(([, took]) => took).sort((a, b) => a - b);
  const ping = pings.map(([, took]) => took).sort((a, b) => a - b);
  const figures = {
    pages: page.length,
    pings: ping.length,
    pagesPerSecond: page.length / seconds,
    pageP50: percentile(page, 0.5),
    pageP99: percentile(page, 0.99),
    pingP50: percentile(ping, 0.5),
    pingP99: percentile(ping, 0.99),
    pingMax: percentile(ping, 1),
    loopDelayP99: watched.delayP99,
    loopUtilisation: watched.utilisation,
    workerUtilisation: watched.threads.reduce((sum, each) => sum + each, 0) / workers,
  };
  return { figures, seconds, pages, pings };
}

/** The smallest of `sorted` that at least `share` of them do not exceed (nearest rank); 0 of nothing. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
