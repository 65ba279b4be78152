// This is an answer as a picture: bars of the medians, one panel a measure, on a logarithmic scale where contenders
// lie far apart. echarts draws it (Apache-2.0, kept by the ASF) because it renders SVG without a browser.
import { init } from "echarts";
import { median } from "../../compare/statistics.ts";
import type { Answer, Figure } from "./question.ts";
import { formatNumber } from "./table.ts";

const WIDTH = 900;
const ROW = 22;
const MARGIN = 64;
const COLOURS = { ours: "#c2410c", limit: "#94a3b8", peer: "#2563eb" };
const LOG_FROM = 20;

/** Returns an SVG document, or `undefined` when there is nothing to draw. */
export function plotAnswer(answer: Answer): string | undefined {
  const panels = answer.measures
    .filter((measure) => measure.plot)
    .map((measure) => ({
      ...measure,
      figures: answer.figures.filter((figure) => figure.measure === measure.name),
    }))
    .filter((panel) => panel.figures.length > 0);
  if (panels.length === 0) return undefined;
  let top = MARGIN;
  const boxes = panels.map((panel) => {
    const box = { top: top + 24, height: panel.figures.length * ROW };
    top = box.top + box.height + 40;
    return box;
  });
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: top });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: [
      { text: answer.title, left: 16, top: 12, textStyle: { fontSize: 16 } },
      ...panels.map(({ name, unit, better, figures }, i) => ({
        text: `${name} (${unit}, ${better} is better${isWide(figures) ? ", logarithmic" : ""})`,
        left: 16,
        top: boxes[i]!.top - 22,
        textStyle: { fontSize: 12, fontWeight: "normal" as const },
      })),
    ],
    grid: boxes.map((box) => ({ ...box, left: 220, right: 80 })),
    xAxis: panels.map(({ figures }, gridIndex) => ({ gridIndex, ...scaleOf(figures) })),
    yAxis: panels.map(({ figures }, gridIndex) => ({
      gridIndex,
      type: "category" as const,
      inverse: true,
      data: figures.map((figure) => figure.contender),
      axisTick: { show: false },
    })),
    series: panels.map(({ figures }, i) => ({
      type: "bar" as const,
      xAxisIndex: i,
      yAxisIndex: i,
      barWidth: 13,
      data: figures.map(barOf),
      label: {
        show: true,
        position: "right" as const,
        formatter: ({ value }: { value: unknown }) => formatNumber(Number(value)),
      },
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
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
