// These are measures that differ by a size, as curves: a line of medians for each contender, and around it a band from
// the lower to the upper quartile. A reader tells a handful of lines apart: of more contenders ours, the limits and the
// best peers have a colour and a name, and the others are grey; the table has them all.
import type { CustomSeriesRenderItemAPI, EChartsOption } from "echarts";
import { median, quantile } from "../../compare/statistics.ts";
import type { Answer, Measure, Place } from "./question.ts";
import { formatNumber } from "./table.ts";

/** A curve of each contender over one size. */
export interface Curve {
  readonly place: Place;
  readonly unit: string;
  readonly better: Measure["better"];
  readonly lines: readonly Line[];
}

interface Line {
  readonly contender: string;
  /** One of the others is a peer that has no name in the picture. */
  readonly kind: "ours" | "limit" | "peer" | "level" | "other";
  readonly points: readonly Point[];
}

interface Point {
  readonly x: number;
  readonly low: number;
  readonly middle: number;
  readonly high: number;
}

/** From what lies at the back to what lies at the front. */
const KINDS = ["other", "level", "limit", "peer", "ours"] as const;
const COLOURS: Readonly<Record<Line["kind"], readonly string[]>> = {
  other: ["#d1d5db"],
  level: ["#111827"],
  limit: ["#475569", "#94a3b8"],
  peer: ["#2563eb", "#059669", "#7c3aed", "#db2777", "#0891b2", "#65a30d"],
  ours: ["#c2410c", "#f59e0b"],
};
const WIDTHS: Readonly<Record<Line["kind"], number>> = { other: 1, level: 1, limit: 1.5, peer: 1.5, ours: 3 };
const DASHES = { other: "solid", level: "dotted", limit: "dashed", peer: "solid", ours: "solid" } as const;
/** So many contenders have a name; ours and the limits always. */
const MOST_NAMED = 6;
/** Where there are more lines, only ours have bands: many over each other are one grey. */
const LINES_WITH_BANDS = 4;
const LOG_FROM = 20;
const LABEL_HEIGHT = 14;

export function curvesOf({ measures, figures }: Answer): Curve[] {
  const drawn = measures.filter((measure) => measure.plot && measure.at !== undefined);
  const names = [...new Set(drawn.map((measure) => measure.at!.curve))];
  return names
    .map((name) => {
      const along = drawn.filter((measure) => measure.at!.curve === name);
      const { at, unit, better } = along[0]!;
      const contenders = new Map(figures.map((figure) => [figure.contender, figure.kind]));
      const lines = [...contenders].map(([contender, kind]) => ({
        contender,
        kind: kind as Line["kind"],
        points: along.flatMap((measure) => {
          const figure = figures.find(
            (known) => known.measure === measure.name && known.contender === contender,
          );
          return figure === undefined ? [] : [pointOf(measure.at!.x, figure.samples)];
        }),
      }));
      const measured = lines.filter(({ points }) => points.length > 0);
      return { place: at!, unit, better, lines: withLevel(at!, bestNamed(measured, better)) };
    })
    .filter((curve) => curve.lines.length > 0);
}

/** Of many peers the best ones keep their names, one for each package: its options are in the table. */
function bestNamed(lines: readonly Line[], better: Measure["better"]): Line[] {
  const peers = lines.filter(({ kind }) => kind === "peer");
  const places = Math.max(1, MOST_NAMED - (lines.length - peers.length));
  if (peers.length <= places) return [...lines];
  const ranked = peers
    .map((line) => ({ line, rank: meanRank(line, peers, better) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ line }) => line);
  const packageOf = ({ contender }: Line) => contender.split(",")[0];
  const firsts = ranked.filter(
    (line, i) => ranked.findIndex((other) => packageOf(other) === packageOf(line)) === i,
  );
  const named = new Set(firsts.slice(0, places));
  return lines.map((line) => (line.kind === "peer" && !named.has(line) ? { ...line, kind: "other" } : line));
}

/** How many peers are better than this one, on the average over the sizes that it was measured at. */
function meanRank(line: Line, peers: readonly Line[], better: Measure["better"]): number {
  const sign = better === "higher" ? 1 : -1;
  const ranks = line.points.map(
    ({ x, middle }) =>
      peers.filter(({ points }) =>
        points.some((point) => point.x === x && sign * (point.middle - middle) > 0),
      ).length,
  );
  return ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length;
}

/** What all are compared with is a line too, with its name at its end. */
function withLevel({ level }: Place, lines: readonly Line[]): Line[] {
  if (level === undefined || lines.length === 0) return [...lines];
  const sizes = lines.flatMap(({ points }) => points.map(({ x }) => x));
  const { value, name } = level;
  const points = [Math.min(...sizes), Math.max(...sizes)].map((x) => ({
    x,
    low: value,
    middle: value,
    high: value,
  }));
  return [...lines, { contender: name, kind: "level", points }];
}

function pointOf(x: number, samples: readonly number[]): Point {
  return { x, low: quantile(samples, 0.25), middle: median(samples), high: quantile(samples, 0.75) };
}

/** Draws the curves of one panel, each with its name at its end. */
export function drawCurves(
  { place, unit, better, lines: all }: Curve,
  index: number,
  box: { top: number; height: number },
): EChartsOption {
  const lines = all.toSorted((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
  const others = lines.filter(({ kind }) => kind === "other").length;
  const values = lines.flatMap(({ points }) => points.flatMap(({ low, high }) => [low, high]));
  const sizes = lines.flatMap(({ points }) => points.map(({ x }) => x));
  const isWide = Math.max(...values) > LOG_FROM * Math.min(...values);
  const scale = scaleOf(values, isWide);
  const colours = coloursOf(lines);
  const heights = labelHeights(lines, scale, box.height);
  const axes = { xAxisIndex: index, yAxisIndex: index, silent: true };
  return {
    title: {
      text: `${place.curve} (${unit}, ${better} is better${isWide ? ", logarithmic" : ""}) over ${place.axis}${others === 0 ? "" : `; grey: ${others} others`}`,
      left: 16,
      top: box.top - 26,
      textStyle: { fontSize: 12, fontWeight: "normal" },
    },
    grid: { ...box, left: 70, right: 210 },
    xAxis: {
      gridIndex: index,
      type: "log",
      min: Math.min(...sizes),
      max: Math.max(...sizes),
      axisLabel: { customValues: [...new Set(sizes)], formatter: (value: number) => short(value) },
      axisTick: { customValues: [...new Set(sizes)] },
      splitLine: { show: false },
    },
    yAxis: {
      gridIndex: index,
      type: isWide ? "log" : "value",
      min: scale.from,
      max: scale.to,
      ...(scale.step !== undefined && { interval: scale.step }),
      axisLabel: { formatter: (value: number) => formatNumber(value) },
      splitLine: { lineStyle: { color: "#e5e7eb" } },
    },
    series: lines.flatMap(({ contender, kind, points }, i) => {
      const band = {
        ...axes,
        type: "custom" as const,
        data: [[points[0]!.x, points[0]!.middle]],
        renderItem: (_: unknown, api: CustomSeriesRenderItemAPI) => ({
          type: "polygon" as const,
          shape: {
            points: [
              ...points.map(({ x, high }) => api.coord([x, high])),
              ...points.toReversed().map(({ x, low }) => api.coord([x, low])),
            ],
          },
          style: { fill: colours[i]!, opacity: kind === "ours" ? 0.25 : 0.1 },
        }),
      };
      const line = {
        ...axes,
        type: "line" as const,
        data: points.map(({ x, middle }) => [x, middle]),
        symbol: kind === "ours" ? "circle" : "none",
        symbolSize: 6,
        color: colours[i]!,
        lineStyle: {
          width: WIDTHS[kind],
          type: DASHES[kind],
        },
        endLabel: {
          show: kind !== "other",
          formatter: contender,
          color: colours[i]!,
          fontSize: 11,
          offset: [0, heights[i]!],
        },
      };
      const hasBand = kind !== "level" && (kind === "ours" || lines.length <= LINES_WITH_BANDS);
      return hasBand ? [band, line] : [line];
    }),
  };
}

interface Scale {
  readonly from: number;
  readonly to: number;
  /** The distance of its marks, where it is not logarithmic. */
  readonly step?: number;
  /** How far up a value lies, from 0 to 1. */
  share(value: number): number;
}

function scaleOf(values: readonly number[], isWide: boolean): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (isWide) {
    const [from, to] = [10 ** Math.floor(Math.log10(least)), 10 ** Math.ceil(Math.log10(most))];
    return { from, to, share: (value) => Math.log(value / from) / Math.log(to / from) };
  }
  const decade = 10 ** Math.floor(Math.log10(most));
  const step = decade * ([0.2, 0.5, 1].find((share) => most / (share * decade) <= 6) ?? 2);
  const to = Math.ceil(most / step) * step;
  return { from: 0, to, step, share: (value) => value / to };
}

function coloursOf(lines: readonly Line[]): string[] {
  const used = { other: 0, level: 0, limit: 0, peer: 0, ours: 0 };
  return lines.map(({ kind }) => COLOURS[kind][used[kind]++ % COLOURS[kind].length]!);
}

/** How far each label is moved down from the end of its line, so that none covers another one. */
function labelHeights(lines: readonly Line[], { share }: Scale, height: number): number[] {
  const ends = lines
    .map(({ kind, points }, i) => ({ kind, i, wanted: (1 - share(points.at(-1)!.middle)) * height }))
    .filter(({ kind }) => kind !== "other");
  ends.sort((a, b) => a.wanted - b.wanted);
  const places: number[] = [];
  let free = Number.NEGATIVE_INFINITY;
  for (const { i, wanted } of ends) {
    places[i] = Math.max(wanted, free);
    free = places[i]! + LABEL_HEIGHT;
  }
  // From the foot up for those that would lie below it.
  let limit = height + LABEL_HEIGHT;
  for (const { i } of ends.toReversed()) {
    places[i] = Math.min(places[i]!, limit);
    limit = places[i]! - LABEL_HEIGHT;
  }
  const offsets = lines.map(() => 0);
  for (const { i, wanted } of ends) offsets[i] = places[i]! - wanted;
  return offsets;
}

const UNITS = [
  [2 ** 20, " MB"],
  [1024, " kB"],
] as const;

/** Sizes of bytes in their units, others as they are. */
function short(value: number): string {
  for (const [unit, name] of UNITS) if (value >= unit && value % unit === 0) return `${value / unit}${name}`;
  return value.toLocaleString("en");
}
