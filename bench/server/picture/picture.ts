// This is the picture of a run: every ping on a time line over the two phases, and below it how long pings and pages
// took. ECharts draws it on its own, without a browser, and the SVG needs neither scripts nor a network.
import { LineChart } from "echarts/charts";
import {
  GridComponent,
  MarkAreaComponent,
  MarkLineComponent,
  MarkPointComponent,
  TitleComponent,
} from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Outcome } from "../outcome.ts";
import { linearAxis, logAxis, pingAxis, secondsAxis, shareAxis } from "./axes.ts";
import { evenBins, logBins } from "./bins.ts";
import { distribution, type Spot, timeline } from "./curves.ts";
import { FONT, HEIGHT, INK, PAGES, PAPER, PINGS, TIMELINE, WIDTH } from "./palette.ts";
import { headline, titles } from "./titles.ts";

const parts = [GridComponent, MarkAreaComponent, MarkLineComponent, MarkPointComponent, TitleComponent];
use([LineChart, SVGRenderer, ...parts]);

const peak: Spot = { type: "max" };

/** Draws the picture of a run as one self-contained SVG document. */
export function drawPicture(outcome: Outcome): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption(compose(outcome));
  const svg = chart.renderToSVGString();
  chart.dispose();
  // Without a size of its own it fills the window that it is opened in, or the column of a page.
  return svg
    .replace(/^<svg width="\d+" height="\d+"/, '<svg role="img"')
    .replace(">", `><title>${headline(outcome)}</title>`)
    .replace(/(?<= d=")(?:[ML][\d.]+ [\d.]+|Z){20,}(?=")/g, relative);
}

/** A line of many points in whole pixels, each from the one before: less than half of the text, and the package has it. */
function relative(path: string): string {
  let [x, y] = [0, 0];
  return path.replace(/([ML])([\d.]+) ([\d.]+)/g, (_, command: string, toX: string, toY: string) => {
    const [fromX, fromY] = command === "M" ? [0, 0] : [x, y];
    [x, y] = [Math.round(Number(toX)), Math.round(Number(toY))];
    return `${command === "M" ? "M" : "l"}${x - fromX} ${y - fromY}`;
  });
}

function compose(outcome: Outcome): EChartsCoreOption {
  const { loop, threads } = outcome;
  const pings = {
    from: 0.1,
    to: Math.max(loop.figures.pingMax, threads.figures.pingMax) > 1000 ? 10_000 : 1000,
  };
  const pages = { from: 0, to: roundUp(1.2 * Math.max(loop.figures.pageP99, threads.figures.pageP99)) };
  return {
    animation: false,
    backgroundColor: PAPER,
    textStyle: { fontFamily: FONT, color: INK },
    title: titles(outcome),
    grid: [TIMELINE, PINGS, PAGES],
    xAxis: [secondsAxis(0, loop.seconds + threads.seconds), logAxis(1, pings), linearAxis(2, pages)],
    yAxis: [pingAxis(0), shareAxis(1), shareAxis(2)],
    series: [
      timeline("loop", loop, 0),
      timeline("threads", threads, loop.seconds),
      distribution("loop", 1, logBins(loop.pings, pings), loop.figures.pingP50, peak),
      distribution("threads", 1, logBins(threads.pings, pings), threads.figures.pingP50, peak),
      distribution("loop", 2, evenBins(loop.pages, pages), loop.figures.pageP50, corner(1)),
      distribution("threads", 2, evenBins(threads.pages, pages), threads.figures.pageP50, corner(0)),
    ],
  };
}

/** The upper right corner of the pages' chart, where latencies are rare. */
function corner(row: number): Spot {
  return { x: PAGES.left + PAGES.width - 70, y: PAGES.top + 36 + 44 * row };
}

/** To the next 100 ms. */
function roundUp(value: number): number {
  return Math.ceil(value / 100) * 100;
}
