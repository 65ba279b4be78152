// This is a comparison as a picture: how many times as fast threads are, over the calls at once, and over the calls
// that a message carries. Two panels of curves need no library of charts, which would be larger than all the rest.

import type { Comparison } from "./comparison.ts";
import { crowdOf, formatTime, headlineOf } from "./table.ts";

/** A point of a curve: calls, and how many times as fast. */
type Point = readonly [x: number, y: number];

interface Curve {
  readonly points: readonly Point[];
  readonly colour: string;
  /** Stands at the end of the curve, in two lines. */
  readonly label: readonly [string, string];
}

interface Panel {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly left: number;
}

/** Where a panel draws what. */
interface Scale {
  readonly most: number;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

const [WIDTH, HEIGHT] = [900, 400];
const [TOP, BOTTOM, LEFT, GAP] = [112, 52, 56, 150];
const LABEL_HEIGHT = 32;
/** A level's name can be read where a curve crosses it. */
const LEVEL_LABEL = `fill="#64748b" stroke="#ffffff" stroke-width="3" paint-order="stroke"`;
const COLOURS = ["#c2410c", "#2563eb", "#0f766e", "#7c3aed", "#be185d", "#4d7c0f"];

/**
 * Draws a comparison as an SVG document: a curve for each input, whose label says how long a call is and from how many
 * calls on threads are faster.
 *
 * @example
 * ```ts
 * import { rmSync, writeFileSync } from "node:fs";
 * import { compare, drawComparison } from "threadloop/bench";
 *
 * const comparison = await compare(Math.sqrt, [[2]], { threads: 2, rounds: 3 });
 * writeFileSync("/tmp/comparison.svg", drawComparison(comparison));
 * rmSync("/tmp/comparison.svg");
 * ```
 */
export function drawComparison(comparison: Comparison): string {
  const panels = panelsOf(comparison);
  const width = (WIDTH - LEFT - GAP * panels.length) / panels.length;
  const values = panels.flatMap(({ curves }) => curves.flatMap(({ points }) => points.map(([, y]) => y)));
  const most = topOf(Math.max(comparison.threads, ...values) * 1.1);
  const crowd = crowdOf(comparison);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(16, 26, `${comparison.function}: ${headlineOf(comparison)}`, `font-size="16" fill="#0f172a"`),
    text(
      16,
      46,
      `Times as fast as on the loop. The loop gains by each call that keeps it for longer than ${formatTime(comparison.breakEven)}.`,
      `fill="#475569"`,
    ),
    ...(crowd === null ? [] : [text(16, 64, crowd, `fill="#b91c1c"`)]),
    ...panels.flatMap((panel, i) => {
      const left = LEFT + i * (width + GAP);
      return drawPanel(
        { ...panel, left },
        scaleOf(panel.curves, left, width, most),
        width,
        comparison.threads,
      );
    }),
    "</svg>\n",
  ].join("\n");
}

function panelsOf({ inputs }: Comparison): Omit<Panel, "left">[] {
  const curvesOf = (pointsOf: (input: (typeof inputs)[number]) => readonly Point[]) =>
    inputs
      .map((input, i): Curve => {
        const points = pointsOf(input);
        const label = [`${formatTime(input.loop.ms)} a call`, crossingOf(points)] as const;
        return { points, colour: COLOURS[i % COLOURS.length] as string, label };
      })
      .filter(({ points }) => points.length > 0);
  return [
    {
      title: "calls at once (submit)",
      curves: curvesOf(({ atOnce }) => atOnce.map(({ amount, speedUp }) => [amount, speedUp])),
    },
    {
      title: "calls in a message (map, chunkSize)",
      curves: curvesOf(({ chunks }) => (chunks ?? []).map(({ chunkSize, speedUp }) => [chunkSize, speedUp])),
    },
  ].filter(({ curves }) => curves.length > 0);
}

/** Since how many it is faster for good, on the logarithmic axis. */
export function crossingOf(points: readonly Point[]): string {
  const last = points.findLastIndex(([, y]) => y < 1);
  if (last === points.length - 1) return "never faster";
  if (last === -1) return "always faster";
  const [[x0, y0], [x1, y1]] = [points[last] as Point, points[last + 1] as Point];
  return `faster from ${Math.ceil(x0 * (x1 / x0) ** ((1 - y0) / (y1 - y0)))}`;
}

function topOf(value: number): number {
  return Math.ceil(value / stepOf(value)) * stepOf(value);
}

/** The distance of the lines of a scale: some five of them, at round numbers. */
function stepOf(most: number): number {
  const rough = most / 5;
  const decade = 10 ** Math.floor(Math.log10(rough));
  return decade * ([1, 2, 5, 10].find((step) => step * decade >= rough) ?? 10);
}

function scaleOf(curves: readonly Curve[], left: number, width: number, most: number): Scale {
  const widest = Math.log2(Math.max(2, ...curves.flatMap(({ points }) => points.map(([x]) => x))));
  return {
    most,
    x: (value) => left + (Math.log2(value) / widest) * width,
    y: (value) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM),
  };
}

function drawPanel({ title, curves, left }: Panel, scale: Scale, width: number, threads: number): string[] {
  const places = placesOf(curves, scale);
  const levels = [
    { value: 1, label: "the loop", colour: "#334155" },
    ...(threads > 1 ? [{ value: threads, label: `${threads} threads, ideal`, colour: "#94a3b8" }] : []),
  ];
  return [
    text(left, TOP - 16, title, `fill="#0f172a"`),
    ...drawAxes(curves, scale, left, width),
    ...levels.map(({ value, colour }) =>
      line(
        [left, scale.y(value)],
        [left + width, scale.y(value)],
        `stroke="${colour}" stroke-dasharray="4 3"`,
      ),
    ),
    ...curves.flatMap((curve, i) => drawCurve(curve, scale, places[i] as number)),
    ...levels.map(({ value, label }) => text(left + 6, scale.y(value) - 5, label, LEVEL_LABEL)),
  ];
}

function drawAxes(curves: readonly Curve[], scale: Scale, left: number, width: number): string[] {
  const step = stepOf(scale.most);
  const foot = scale.y(0);
  const lines = Array.from({ length: Math.round(scale.most / step) + 1 }, (_, i) => i * step);
  const marks = new Set(curves.flatMap(({ points }) => points.map(([x]) => x)));
  return [
    ...lines.flatMap((value) => [
      line([left, scale.y(value)], [left + width, scale.y(value)], `stroke="#f1f5f9"`),
      text(left - 8, scale.y(value) + 4, `${Number(value.toFixed(2))}x`, `text-anchor="end" fill="#475569"`),
    ]),
    line([left, foot], [left + width, foot], `stroke="#475569"`),
    line([left, foot], [left, scale.y(scale.most)], `stroke="#475569"`),
    ...[...marks].flatMap((value) => [
      line([scale.x(value), foot], [scale.x(value), foot + 4], `stroke="#475569"`),
      text(scale.x(value), foot + 18, String(value), `text-anchor="middle" fill="#475569"`),
    ]),
  ];
}

function drawCurve({ points, colour, label }: Curve, { x, y }: Scale, place: number): string[] {
  const path = points.map(([at, value]) => `${round(x(at))},${round(y(value))}`).join(" ");
  const end = x((points.at(-1) as Point)[0]) + 10;
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...points.map(
      ([at, value]) =>
        `<circle cx="${round(x(at))}" cy="${round(y(value))}" r="3" fill="#ffffff" stroke="${colour}" stroke-width="2"/>`,
    ),
    ...label.map((part, i) => text(end, place + i * 14, part, `fill="${colour}"`)),
  ];
}

/** The heights of the labels at the ends of the curves, which do not overlap. */
function placesOf(curves: readonly Curve[], { y }: Scale): number[] {
  const ends = curves.map(({ points }, i) => ({ i, wanted: y((points.at(-1) as Point)[1]) }));
  ends.sort((a, b) => a.wanted - b.wanted);
  const places: number[] = [];
  // From the top down each takes the place that it wants, or the next one; and from the foot up what is left.
  let free = Number.NEGATIVE_INFINITY;
  for (const end of ends) {
    end.wanted = Math.max(end.wanted, free);
    free = end.wanted + LABEL_HEIGHT;
  }
  let limit = y(0) - LABEL_HEIGHT / 2 + 8;
  for (const { i, wanted } of ends.reverse()) {
    places[i] = Math.min(wanted, limit);
    limit = (places[i] as number) - LABEL_HEIGHT;
  }
  return places;
}

type Place = readonly [x: number, y: number];

function line(from: Place, to: Place, style: string): string {
  return `<line x1="${round(from[0])}" y1="${round(from[1])}" x2="${round(to[0])}" y2="${round(to[1])}" ${style}/>`;
}

function text(x: number, y: number, content: string, style: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${style}>${escaped(content)}</text>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** A function may have any name. */
function escaped(content: string): string {
  return content.replace(/[&<>]/g, (character) => ENTITIES[character] as string);
}
