// This is an answer as text: one row a contender, one column a measure, each figure with its spread and with how
// many times it is ours; below it the goals.

import { median, pairedRatio, quantile, spread } from "../../compare/statistics.ts";
import type { Answer, Figure, Verdict } from "./question.ts";

const COLUMNS = 4;

export function formatAnswer(answer: Answer): string {
  const parts = [`${answer.question}: ${answer.title}`, formatFigures(answer), formatGoals(answer)];
  parts.push(...answer.notes, ...answer.skipped.map((text) => `skipped: ${text}`), formatNoise(answer));
  return parts.filter((part) => part !== "").join("\n");
}

/** Lays out rows in columns; the first column is flush left, the others right. */
export function layOut(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return rows.map((row) => `  ${row.map(pad).join("   ").trimEnd()}`).join("\n");
}

export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  return Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString("en")
    : String(Number(value.toPrecision(3)));
}

/** How much worse `figure` is than `ours`: 2 reads "twice as slow", or half as many where more is better. */
function timesOurs(figure: Figure, ours: Figure, better: "lower" | "higher"): number {
  return better === "lower"
    ? pairedRatio(figure.samples, ours.samples)
    : pairedRatio(ours.samples, figure.samples);
}

/** Tables of a few measures each, so that a row stays a line. */
function formatFigures(answer: Answer): string {
  const contenders = [...new Set(answer.figures.map((figure) => figure.contender))];
  if (contenders.length === 0) return "";
  const blocks: string[] = [];
  for (let first = 0; first < answer.measures.length; first += COLUMNS) {
    const measures = answer.measures.slice(first, first + COLUMNS);
    const head = ["", ...measures.map(({ name, unit }) => `${name}, ${unit}`)];
    const rows = contenders.map((contender) => [
      contender,
      ...measures.map((measure) => formatCell(answer, measure, contender)),
    ]);
    blocks.push(layOut([head, ...rows.filter((row) => row.slice(1).some((cell) => cell !== ""))]));
  }
  return blocks.join("\n");
}

function formatCell(answer: Answer, { name, better }: Answer["measures"][number], contender: string): string {
  const column = answer.figures.filter((figure) => figure.measure === name);
  const figure = column.find((figure) => figure.contender === contender);
  if (figure === undefined) return "";
  const ours = column.find((figure) => figure.kind === "ours");
  const noise = figure.samples.length > 1 ? ` ±${Math.round(spread(figure.samples) * 100)}%` : "";
  const times =
    ours === undefined || ours === figure ? "" : ` ${formatNumber(timesOurs(figure, ours, better))}x`;
  return `${formatNumber(median(figure.samples))}${noise}${times.padStart(7)}`;
}

function formatGoals({ goals }: Answer): string {
  return goals.length === 0
    ? ""
    : layOut([["goal", "bound", "got", ""], ...goals.map((goal) => rowOf(goal))]);
}

/** The goals of all questions as one table, and how many are reached. */
export function formatAllGoals(answers: readonly Answer[]): string {
  const rows = answers.flatMap(({ question, goals }) => goals.map((goal) => rowOf(goal, question)));
  if (rows.length === 0) return "no goals";
  const reached = answers.flatMap(({ goals }) => goals).filter((goal) => goal.reached).length;
  return `${layOut([["goal", "bound", "got", ""], ...rows])}\n${reached} of ${rows.length} goals reached`;
}

function rowOf({ text, value, bound, reached }: Verdict, question?: string): string[] {
  // What was not measured is not a number, and null once it has come from the question's process.
  const outcome = reached ? "reached" : Number.isFinite(value) ? "MISSED" : "not measured";
  return [question === undefined ? text : `${question}: ${text}`, bound, formatNumber(value), outcome];
}

function formatNoise({ probe, seconds, figures }: Answer): string {
  const share = (q: number) => Math.round((quantile(probe, q) / median(probe) - 1) * 100);
  const spreads = figures
    .filter((figure) => figure.samples.length > 2)
    .map((figure) => spread(figure.samples));
  const typical =
    spreads.length === 0 ? "" : `; a figure's rounds differ by ±${Math.round(median(spreads) * 100)}%`;
  const machine =
    probe.length < 2
      ? ""
      : `  noise: one fixed loop took ${share(0)}% to +${share(1)}% of its median${typical}`;
  return `${machine}  (${Math.round(seconds)} s)`;
}
