// This is what a comparison says, in words.

import type { ComparedInput, Comparison } from "./comparison.ts";

/**
 * Tells a comparison as text of several lines: the figures of each input with what they mean, and whether threads pay.
 *
 * @example
 * ```ts
 * import { compare, formatComparison } from "threadloop/bench";
 *
 * const comparison = await compare((text: string) => text.length, [["abc"]], { threads: 2, rounds: 3 });
 * console.log(formatComparison(comparison));
 * ```
 */
export function formatComparison(comparison: Comparison): string {
  const { function: name, file, threads, node, inputs } = comparison;
  const from = file === null ? "" : ` of ${file}`;
  const blocks = inputs.map((input, i) => [
    "",
    ...(inputs.length > 1 ? [`Input ${i + 1}`] : []),
    ...figuresOf(input).map((line) => `  ${line}`),
    `  ${sentencesOf(input).join(" ")}`,
  ]);
  return [
    `${name}${from}, ${threads} ${threads === 1 ? "thread" : "threads"}, Node ${node.slice(1)}`,
    ...blocks.flat(),
    "",
    ...conclusion(comparison),
  ].join("\n");
}

/** A time for people. */
export function formatTime(ms: number): string {
  if (ms < 0.001) return `${Math.round(ms * 1e6)} ns`;
  if (ms < 1) return `${(ms * 1000).toFixed(ms < 0.01 ? 1 : 0)} µs`;
  return ms < 1000 ? `${ms.toFixed(ms < 10 ? 2 : 1)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** The verdict in a few words. */
export function headlineOf({ pays }: Comparison): string {
  if (pays === null) return "it cannot be told whether threads pay";
  return pays ? "threads pay" : "threads do not pay";
}

/** What a crowd does to the figures. */
export function crowdOf({ isCrowded, processors, threads }: Comparison): string | null {
  if (!isCrowded) return null;
  return `Other processes have the processors: ${threads} threads got ${processors.toFixed(1)} of them, so the speed-ups are too low.`;
}

function figuresOf({ loop, thread, cold, loopKeeps, copy, atOnce, chunks }: ComparedInput): string[] {
  const ratios = (all: readonly (readonly [number, number])[]) =>
    all.map(([amount, speedUp]) => `${amount}: ${speedUp.toFixed(2)}x`).join("   ");
  const copied =
    copy &&
    `arguments ${formatBytes(copy.out.bytes)} (loop ${formatTime(copy.out.ms)}), result ${formatBytes(copy.back.bytes)} (loop ${formatTime(copy.back.ms)})`;
  return [
    `one call        on the loop ${formatTime(loop.ms)} ${percent(loop.spread)}, in a thread ${formatTime(thread.ms)} ${percent(thread.spread)}, the first one ${formatTime(cold)}`,
    `loop kept busy  on the loop ${formatTime(loop.busy)} a call, in a thread ${formatTime(loopKeeps)}`,
    ...(copied === null ? [] : [`copied          ${copied}`]),
    `calls at once   ${ratios(atOnce.map(({ amount, speedUp }) => [amount, speedUp]))}`,
    ...(chunks === null
      ? []
      : [`in a message    ${ratios(chunks.map(({ chunkSize, speedUp }) => [chunkSize, speedUp]))}`]),
  ];
}

function sentencesOf(input: ComparedInput): string[] {
  const { isSame, changesArguments } = input;
  return [
    freeing(input),
    speeding(input),
    ...(changesArguments ? ["It changes its arguments: each call on the loop got a copy of its own."] : []),
    ...(isSame === null
      ? ["Results were not compared: two calls on the loop gave different ones already."]
      : []),
  ];
}

function freeing({ loop, loopKeeps, verdict: { frees } }: ComparedInput): string {
  const kept = `it keeps ${formatTime(loopKeeps)} of ${formatTime(loop.busy)}`;
  if (frees === null) return `Whether a thread frees the loop cannot be told: ${kept}.`;
  if (frees) return `A thread frees the loop: ${kept}.`;
  if (loop.busy < 1) return "One call is too short to matter to the loop.";
  return `A thread does not free the loop: ${kept}.`;
}

function speeding({ atOnce, chunks, verdict }: ComparedInput): string {
  const { faster, fasterFrom, inChunks, chunkSize } = verdict;
  const best = atOnce.reduce((a, b) => (b.speedUp > a.speedUp ? b : a));
  if (faster === true)
    return `${fasterFrom === 1 ? "Threads are faster" : `From ${fasterFrom} calls at once on threads are faster`}: ${best.speedUp.toFixed(2)}x at ${best.amount}.`;
  const chunk = chunks?.find((one) => one.chunkSize === chunkSize);
  if (chunk !== undefined)
    return `Threads are faster in chunks only: ${chunk.speedUp.toFixed(2)}x by \`map\` with \`chunkSize: ${chunkSize}\`.`;
  if (faster === null || inChunks === null) return "Whether threads are faster cannot be told.";
  return `Threads are not faster: ${best.speedUp.toFixed(2)}x at best.`;
}

function conclusion(comparison: Comparison): string[] {
  const { pays, breakEven, inputs } = comparison;
  const crowd = crowdOf(comparison);
  const paying = inputs.flatMap(({ verdict }, i) => (verdict.pays ? [i + 1] : []));
  const only = paying.length < inputs.length && pays ? ` with input ${paying.join(", ")} only` : "";
  const headline = headlineOf(comparison);
  return [
    ...(crowd === null ? [] : [crowd]),
    `${headline[0]?.toUpperCase()}${headline.slice(1)}${only}.${pays === null && crowd === null ? " The samples scatter too much: try again on a quiet machine." : ""}`,
    `The loop gains by each call that keeps it for longer than ${formatTime(breakEven)}.`,
  ];
}

function formatBytes(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function percent(share: number): string {
  return `±${Math.round(share * 100)} %`;
}
