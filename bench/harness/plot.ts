// This is an answer as a picture: curves with the quartiles around them where measures differ by a size, bars of the
// medians elsewhere, on a logarithmic scale where figures lie far apart. echarts draws it (Apache-2.0, kept by the
// ASF) because it renders SVG without a browser.
import { type EChartsOption, init } from "echarts";
import { median } from "../../compare/statistics.ts";
import { type Curve, curvesOf, drawCurves } from "./curves.ts";
import type { Answer, Figure, Measure } from "./question.ts";
import { formatNumber } from "./table.ts";

const WIDTH = 900;
const ROW = 22;
const CURVES_HEIGHT = 260;
const MARGIN = 64;
const COLOURS = { ours: "#c2410c", limit: "#94a3b8", peer: "#2563eb" };
const LOG_FROM = 20;

/** What is drawn in one box: bars of one measure, or a curve for each contender. */
type Panel = Bars | Curve;

interface Bars {
  readonly measure: Measure;
  readonly figures: readonly Figure[];
}

export interface Box {
  readonly top: number;
  readonly height: number;
}

/** Returns an SVG document, or `undefined` when there is nothing to draw. */
export function plotAnswer(answer: Answer): string | undefined {
  const panels: Panel[] = [...curvesOf(answer), ...barsOf(answer)];
  if (panels.length === 0) return undefined;
  let top = MARGIN;
  const boxes = panels.map((panel): Box => {
    const box = { top: top + 24, height: isCurve(panel) ? CURVES_HEIGHT : panel.figures.length * ROW };
    top = box.top + box.height + (isCurve(panel) ? 64 : 40);
    return box;
  });
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: top });
  chart.setOption({ animation: false, backgroundColor: "#ffffff" });
  const parts = panels.map((panel, i) =>
    isCurve(panel) ? drawCurves(panel, i, boxes[i]!) : drawBars(panel, i, boxes[i]!),
  );
  const all = (key: keyof EChartsOption) => parts.flatMap((part) => part[key] ?? []) as never;
  chart.setOption({
    title: [{ text: answer.title, left: 16, top: 12, textStyle: { fontSize: 15 } }, ...(all("title") as [])],
    grid: all("grid"),
    xAxis: all("xAxis"),
    yAxis: all("yAxis"),
    series: all("series"),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return shortened(svg);
}

/** Without what a picture that stands still does not need: a third of the text. */
function shortened(svg: string): string {
  return svg
    .replace(
      / (?:ecmeta_[a-z_]+|class|xml:space|pointer-events|xmlns:xlink|version|baseProfile)="[^"]*"/g,
      "",
    )
    .replace(/<(style|defs) ?>.*?<\/\1>/gs, "")
    .replace(/ clip-path="[^"]*"/g, "") // nothing lies outside of its panel
    .replace(/ (?:(?:fill|stroke)-opacity="1"|stroke-linejoin="bevel"|stroke-linecap="round")/g, "")
    .replace(/<[^>]*>/g, (tag) =>
      tag.replace(/\d+\.\d{2,}/g, (number) => String(Number(Number(number).toFixed(1)))),
    )
    .replace(/style="font-size:(\d+)px;font-family:sans-serif;/g, 'style="font-size:$1px;')
    .replaceAll(' style="font-size:12px;"', "")
    .replace("<svg ", '<svg role="img" font-family="sans-serif" font-size="12" ')
    .replace(/<path [^>]*fill-opacity="0"[^>]*><\/path>\n/g, "")
    .replace(/<(path|rect|polygon)([^>]*)><\/\1>/g, "<$1$2/>")
    .replace(SAME_LINES, (lines, _, attributes: string) => {
      const places = [...lines.matchAll(/ d="([^"]*)"/g)].map((match) => match[1]);
      return `<path d="${places.join("")}" ${attributes}/>\n`;
    });
}

/** Lines one after the other that differ in nothing but where they lie, as those of a scale do. */
const SAME_LINES = /<path d="([^"]*)" (fill="none"[^>]*)\/>\n(?:<path d="[^"]*" \2\/>\n)+/g;

function isCurve(panel: Panel): panel is Curve {
  return "lines" in panel;
}

function barsOf({ measures, figures }: Answer): Bars[] {
  return measures
    .filter((measure) => measure.plot && measure.at === undefined)
    .map((measure) => ({ measure, figures: figures.filter((figure) => figure.measure === measure.name) }))
    .filter((panel) => panel.figures.length > 0);
}

function drawBars({ measure, figures }: Bars, index: number, box: Box): EChartsOption {
  const { name, unit, better } = measure;
  return {
    title: {
      text: `${name} (${unit}, ${better} is better${isWide(figures) ? ", logarithmic" : ""})`,
      left: 16,
      top: box.top - 22,
      textStyle: { fontSize: 12, fontWeight: "normal" },
    },
    grid: { ...box, left: 220, right: 80 },
    xAxis: { gridIndex: index, ...scaleOf(figures) },
    yAxis: {
      gridIndex: index,
      type: "category",
      inverse: true,
      data: figures.map((figure) => figure.contender),
      axisTick: { show: false },
      axisLine: { show: false },
    },
    series: {
      type: "bar",
      xAxisIndex: index,
      yAxisIndex: index,
      barWidth: 13,
      silent: true,
      data: figures.map(barOf),
      label: {
        show: true,
        position: "right",
        formatter: ({ value }: { value: unknown }) => formatNumber(Number(value)),
      },
    },
  };
}

function positiveMedians(figures: readonly Figure[]): number[] {
  return figures.map((figure) => median(figure.samples)).filter((value) => value > 0);
}

function isWide(figures: readonly Figure[]): boolean {
  const values = positiveMedians(figures);
  return Math.max(...values) > LOG_FROM * Math.min(...values);
}

function scaleOf(figures: readonly Figure[]) {
  if (!isWide(figures)) return { type: "value" as const, show: false };
  // A bar on a logarithmic scale has no natural foot (1 is echarts' own, on either side of it): one decade below the
  // shortest keeps every bar visible.
  const foot = 10 ** Math.floor(Math.log10(Math.min(...positiveMedians(figures))) - 0.5);
  return { type: "log" as const, min: foot, startValue: foot, show: false };
}

function barOf({ samples, kind }: Figure) {
  return { value: median(samples), itemStyle: { color: COLOURS[kind] } };
}
