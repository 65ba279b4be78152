// These are the axes of the three charts, each by the index of its chart.
import type { Range } from "./bins.ts";
import { FAINT, RULE } from "./palette.ts";

const axis = {
  type: "value",
  axisLabel: { color: FAINT, fontSize: 12 },
  axisLine: { lineStyle: { color: FAINT } },
  axisTick: { show: false },
  splitLine: { show: false },
  nameTextStyle: { color: FAINT, fontSize: 12 },
  nameLocation: "middle",
};

const ruled = { ...axis, axisLine: { show: false }, splitLine: { lineStyle: { color: RULE } } };

export function secondsAxis(gridIndex: number, seconds: number): object {
  const axisLabel = { ...axis.axisLabel, showMaxLabel: false };
  return {
    ...axis,
    gridIndex,
    min: 0,
    max: seconds,
    splitNumber: 8,
    name: "seconds",
    nameGap: 28,
    axisLabel,
  };
}

export function pingAxis(gridIndex: number): object {
  return { ...ruled, gridIndex, boundaryGap: [0, "8%"], name: "ping, ms", nameGap: 44 };
}

export function logAxis(gridIndex: number, { from, to }: Range): object {
  return { ...axis, gridIndex, type: "log", min: from, max: to, axisLabel: { ...axis.axisLabel, formatter } };
}

export function linearAxis(gridIndex: number, { from, to }: Range): object {
  return { ...axis, gridIndex, min: from, max: to, axisLabel: { ...axis.axisLabel, formatter } };
}

export function shareAxis(gridIndex: number): object {
  const axisLabel = { ...axis.axisLabel, formatter: "{value} %" };
  // Room for the label above the highest point.
  return { ...ruled, gridIndex, splitNumber: 3, boundaryGap: [0, "35%"], axisLabel };
}

function formatter(value: number): string {
  return value < 1000 ? `${value} ms` : `${value / 1000} s`;
}
