// These are measures that differ by a size, as curves: a line of medians for each contender, and around it a band from
// the lower to the upper quartile.
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
  readonly kind: "ours" | "limit" | "peer";
  readonly points: readonly Point[];
}

interface Point {
  readonly x: number;
  readonly low: number;
  readonly middle: number;
  readonly high: number;
}

const OURS = ["#c2410c", "#f59e0b"];
const LIMITS = ["#475569", "#94a3b8", "#cbd5e1"];
const PEERS = [
  ...["#2563eb", "#059669", "#7c3aed", "#db2777", "#0891b2", "#65a30d", "#1e3a8a"],
  ...["#14b8a6", "#a855f7", "#9f1239", "#3b82f6", "#365314", "#818cf8", "#f472b6"],
];
/** Where there are more lines, only ours have bands: many over each other are one grey. */
const LINES_WITH_BANDS = 6;
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
        kind,
        points: along.flatMap((measure) => {
          const figure = figures.find(
            (known) => known.measure === measure.name && known.contender === contender,
          );
          return figure === undefined ? [] : [pointOf(measure.at!.x, figure.samples)];
        }),
      }));
      return { place: at!, unit, better, lines: lines.filter(({ points }) => points.length > 0) };
    })
    .filter((curve) => curve.lines.length > 0);
}

function pointOf(x: number, samples: readonly number[]): Point {
  return { x, low: quantile(samples, 0.25), middle: median(samples), high: quantile(samples, 0.75) };
}

/** Draws the curves of one panel, each with its name at its end. */
export function drawCurves(
  { place, unit, better, lines }: Curve,
  index: number,
  box: { top: number; height: number },
): EChartsOption {
  const values = lines.flatMap(({ points }) => points.flatMap(({ low, high }) => [low, high]));
  const sizes = lines.flatMap(({ points }) => points.map(({ x }) => x));
  const isWide = Math.max(...values) > LOG_FROM * Math.min(...values);
  const scale = scaleOf(values, isWide, place.level);
  const colours = coloursOf(lines);
  const heights = labelHeights(lines, scale, box.height);
  const axes = { xAxisIndex: index, yAxisIndex: index, silent: true };
  return {
    title: {
      text: `${place.curve} (${unit}, ${better} is better${isWide ? ", logarithmic" : ""}) over ${place.axis}`,
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
          width: kind === "ours" ? 3 : 1.5,
          type: kind === "limit" ? ("dashed" as const) : ("solid" as const),
        },
        endLabel: {
          show: true,
          formatter: contender,
          color: colours[i]!,
          fontSize: 11,
          offset: [0, heights[i]!],
        },
        ...(i === 0 &&
          place.level !== undefined && {
            markLine: {
              silent: true,
              symbol: "none",
              data: [{ yAxis: place.level }],
              label: { show: false },
              lineStyle: { color: "#111827", type: "dotted" as const },
            },
          }),
      };
      return kind === "ours" || lines.length <= LINES_WITH_BANDS ? [band, line] : [line];
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

function scaleOf(values: readonly number[], isWide: boolean, level: number | undefined): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values, level ?? 0)];
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
  const used = { ours: 0, limit: 0, peer: 0 };
  const palettes = { ours: OURS, limit: LIMITS, peer: PEERS };
  return lines.map(({ kind }) => palettes[kind][used[kind]++ % palettes[kind].length]!);
}

/** How far each label is moved down from the end of its line, so that none covers another one. */
function labelHeights(lines: readonly Line[], { share }: Scale, height: number): number[] {
  const ends = lines.map(({ points }, i) => ({ i, wanted: (1 - share(points.at(-1)!.middle)) * height }));
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
  return ends.sort((a, b) => a.i - b.i).map(({ i, wanted }) => places[i]! - wanted);
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
