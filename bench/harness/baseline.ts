// Two runs side by side, to compare two commits. What the other contenders did tells how much of a difference
// is the machine's.

import { median, quantile } from "../../compare/statistics.ts";
import type { Answer, Figure } from "./question.ts";
import { formatNumber, layOut } from "./table.ts";

interface Change {
  readonly figure: Figure;
  readonly before: Figure;
  readonly ratio: number;
}

/** Returns a table of our figures now and then, or a line that says that nothing matches. */
export function compareRuns(now: readonly Answer[], before: readonly Answer[]): string {
  const parts = now.map((answer) => {
    const old = before.find((other) => other.question === answer.question);
    return old === undefined ? "" : compareAnswers(answer, old);
  });
  const text = parts.filter((part) => part !== "").join("\n\n");
  return text === "" ? "The baseline holds none of these questions." : text;
}

function compareAnswers(now: Answer, before: Answer): string {
  const changes = now.figures.flatMap((figure) => matchFigure(figure, before));
  const others = changes.filter((change) => change.figure.kind !== "ours").map((change) => change.ratio);
  const drift = others.length === 0 ? 1 : median(others);
  const rows = changes
    .filter((change) => change.figure.kind === "ours")
    .map(({ figure, before, ratio }) => [
      `${figure.contender}, ${figure.measure}`,
      formatNumber(median(before.samples)),
      formatNumber(median(figure.samples)),
      `${formatNumber(ratio)}x`,
      overlap(figure, before) ? "within noise" : "",
    ]);
  const head = [
    `${now.question} (the other contenders: ${formatNumber(drift)}x)`,
    "before",
    "now",
    "ratio",
    "",
  ];
  return rows.length === 0 ? "" : layOut([head, ...rows]);
}

function matchFigure(figure: Figure, before: Answer): Change[] {
  const old = before.figures.find(
    (other) => other.measure === figure.measure && other.contender === figure.contender,
  );
  return old === undefined
    ? []
    : [{ figure, before: old, ratio: median(figure.samples) / median(old.samples) }];
}

function overlap(a: Figure, b: Figure): boolean {
  return (
    quantile(a.samples, 0.25) <= quantile(b.samples, 0.75) &&
    quantile(b.samples, 0.25) <= quantile(a.samples, 0.75)
  );
}
