// This tells whether threads pay, by three rules: a thread frees the loop, calls at once are faster, or calls put
// together are.
//
// Each has three answers. Where samples scatter, or other processes have the processors, a figure stands for a range: a
// rule that the whole range keeps, or breaks, is answered, and else it cannot be told. A crowd takes from the threads
// more than from the loop, so it never makes them look faster than they are.

import type { AtOnce, ChunkSize, ComparedInput, InputVerdict } from "./comparison.ts";

/** A call that keeps the loop for less matters to nobody else. */
const MATTERS = 1;
/** The share of a call's time on the loop that the loop may keep when it runs in a thread. */
const KEEPS = 0.5;
/** How many times as fast threads have to be. */
const FASTER = 1.15;
/** With a smaller share of the processors, how much faster threads are cannot be told. */
const CROWDED = 0.75;
/** A figure with a wider spread is a range. */
const SCATTERED = 0.3;

/** What the verdict on an input goes by. */
export type Figures = Pick<ComparedInput, "loop" | "thread" | "loopKeeps" | "atOnce" | "chunks">;

/** How many processors there could have been, and how many there were. */
export interface Given {
  readonly possible: number;
  readonly processors: number;
}

/** Whether other processes take so much that speed-ups are too low. */
export function isCrowded({ processors, possible }: Given): boolean {
  return processors < CROWDED * possible;
}

/** What the figures of one input say. */
export function verdictOf(figures: Figures, given: Given): InputVerdict {
  const most = isCrowded(given) ? given.possible / Math.max(given.processors, 0.1) : 1;
  const frees = freesLoop(figures, most);
  const { faster, fasterFrom } = fasterAtOnce(figures.atOnce, most);
  const { inChunks, chunkSize } = fasterInChunks(figures.chunks ?? [], most);
  return { frees, faster, fasterFrom, inChunks, chunkSize, pays: anyOf([frees, faster, inChunks]) };
}

/** Whether any is so: true, false, or null when it cannot be told. */
export function anyOf(answers: readonly (boolean | null)[]): boolean | null {
  if (answers.includes(true)) return true;
  return answers.includes(null) ? null : false;
}

/** The length of a call from which on a thread frees the loop. */
export function breakEvenOf(inputs: readonly Pick<ComparedInput, "loopKeeps">[]): number {
  return Math.min(...inputs.map(({ loopKeeps }) => loopKeeps)) / KEEPS;
}

function freesLoop({ loop, thread, loopKeeps }: Figures, most: number): boolean | null {
  if (loop.busy < MATTERS) return false;
  const doubt = doubtOf(Math.max(loop.spread, thread.spread));
  const limit = KEEPS * loop.busy;
  if (loopKeeps * (1 + doubt) <= limit) return true;
  // What the loop keeps is told too high when it has to wait for a processor meanwhile.
  return (loopKeeps * (1 - doubt)) / most > limit ? false : null;
}

function fasterAtOnce(atOnce: readonly AtOnce[], most: number): Pick<InputVerdict, "faster" | "fasterFrom"> {
  const answers = atOnce.map((one) => isFaster(one, most));
  const faster = answers[answers.length - 1] as boolean | null;
  if (faster !== true) return { faster, fasterFrom: null };
  const first = answers.findLastIndex((answer) => answer !== true) + 1;
  return { faster, fasterFrom: (atOnce[first] as AtOnce).amount };
}

function fasterInChunks(
  chunks: readonly ChunkSize[],
  most: number,
): Pick<InputVerdict, "inChunks" | "chunkSize"> {
  const inChunks = anyOf(chunks.map((one) => isFaster(one, most)));
  if (inChunks !== true) return { inChunks, chunkSize: null };
  const best = chunks.reduce((a, b) => (b.speedUp > a.speedUp ? b : a));
  return { inChunks, chunkSize: best.chunkSize };
}

/** Whether it is at least so much faster: the range lies above, or below. */
function isFaster({ speedUp, spread }: Pick<AtOnce, "speedUp" | "spread">, most: number): boolean | null {
  const doubt = doubtOf(spread);
  if (speedUp * (1 - doubt) >= FASTER) return true;
  return speedUp * (1 + doubt) * most < FASTER ? false : null;
}

/** How far a figure may lie off; small spreads are what medians are for. */
function doubtOf(spread: number): number {
  return spread > SCATTERED ? Math.min(spread, 1) : 0;
}
