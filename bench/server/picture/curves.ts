// This is what is drawn into the charts: pings over time, and distributions.
import type { Measured } from "../figures.ts";
import type { Way } from "../server.ts";
import { formatMs } from "../table.ts";
import { type Point, round } from "./bins.ts";
import { COLOURS, LABELS, PAPER } from "./palette.ts";

/** The pings of one way, from the second at which its phase begins, with a line at their p99. */
export function timeline(way: Way, { pings, seconds, figures }: Measured, from: number): object {
  const { pingP99, pingMax } = figures;
  const inOrder = pings.filter(([at]) => at >= 0).sort(([a], [b]) => a - b);
  return {
    ...curve(way, 0),
    data: inOrder.map(([at, took]) => [round(from + at / 1000), round(took)]),
    lineStyle: { color: COLOURS[way], width: 1 },
    areaStyle: { color: COLOURS[way], opacity: 0.35 },
    markArea: {
      itemStyle: { color: COLOURS[way], opacity: 0.06 },
      data: [[{ xAxis: from }, { xAxis: from + seconds }]],
    },
    markLine: {
      symbol: "none",
      lineStyle: { color: COLOURS[way], type: "dashed", width: 1.5 },
      label: {
        ...label(way),
        position: "insideMiddleTop",
        formatter: `of ${pings.length} pings, 99 % took at most ${formatMs(pingP99)}, the slowest ${formatMs(pingMax)}`,
      },
      data: [[{ coord: [from, pingP99] }, { coord: [from + seconds, pingP99] }]],
    },
  };
}

/** Where a distribution says what it is: above its peak, or in a corner that both ways share. */
export type Spot = { readonly type: "max" } | { readonly x: number; readonly y: number };

/** The distribution of one way in the chart of that index, named with its median. */
export function distribution(way: Way, index: number, data: Point[], median: number, spot: Spot): object {
  return {
    ...curve(way, index),
    data,
    smooth: 0.4,
    smoothMonotone: "x",
    lineStyle: { color: COLOURS[way], width: 2 },
    areaStyle: { color: COLOURS[way], opacity: 0.2 },
    markPoint: {
      itemStyle: { color: "transparent" }, // only the label is wanted
      symbolSize: 1,
      label: {
        ...label(way),
        position: "top",
        lineHeight: 17,
        formatter: `${LABELS[way]}\nmedian ${formatMs(median)}`,
      },
      data: [spot],
    },
  };
}

function curve(way: Way, index: number): object {
  return { type: "line", name: LABELS[way], xAxisIndex: index, yAxisIndex: index, showSymbol: false };
}

function label(way: Way): object {
  return {
    color: COLOURS[way],
    fontSize: 13,
    fontWeight: "bold",
    textBorderColor: PAPER,
    textBorderWidth: 4,
  };
}
