// What each machine did, as a time line: a lane a thread, a bar a call.
import { CustomChart } from "echarts/charts";
import { GridComponent, MarkLineComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([CustomChart, GridComponent, MarkLineComponent, SVGRenderer, TitleComponent]);

const WIDTH = 1000;
const LANE = 44;
const TOP = 110;
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const INK = "#1f2933";
const FAINT = "#7b8794";
const RULE = "#e4e7eb";
const COLOURS = ["#0f8a7e", "#2563eb", "#c2410c", "#7c3aed"];
const KILLED = "#d64545";

/** Draws it as one SVG document. `ran`: a result with its machine each; times are milliseconds since 1970. */
export function drawPicture({ names, ran, started, killed, moved }) {
  const lanes = names.flatMap((name) => lanesOf(name, ran));
  const seconds = (time) => (time - started) / 1000;
  const height = TOP + lanes.length * LANE + 60;
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: FONT, color: INK },
    title: {
      text: `${ran.length} calls, ${names.length} machines, one of them killed: ${ran.length} results`,
      subtext: `${killed.name} is killed after ${seconds(killed.at).toFixed(1)} s. ${moved} calls that it had taken run again on the other.`,
      left: 24,
      top: 18,
      textStyle: { fontSize: 20, color: INK },
      subtextStyle: { fontSize: 14, color: FAINT },
    },
    grid: { left: 130, right: 40, top: TOP, height: lanes.length * LANE },
    xAxis: {
      type: "value",
      min: 0,
      axisLabel: { formatter: "{value} s", color: FAINT },
      splitLine: { lineStyle: { color: RULE } },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: lanes.map(({ label }) => label),
      axisTick: { show: false },
      axisLine: { show: false },
      axisLabel: { color: INK, fontSize: 13 },
    },
    series: {
      type: "custom",
      encode: { x: [1, 2], y: 0 },
      data: ran.map(({ machine, thread, from, to }) => {
        const lane = lanes.findIndex((each) => each.machine === machine && each.thread === thread);
        const itemStyle = { color: COLOURS[names.indexOf(machine) % COLOURS.length] };
        return { value: [lane, seconds(from), seconds(to)], itemStyle };
      }),
      renderItem: bar,
      markLine: {
        symbol: "none",
        lineStyle: { color: KILLED, width: 2, type: "solid" },
        label: { formatter: `${killed.name} is killed`, position: "start", color: KILLED, fontSize: 13 },
        data: [{ xAxis: seconds(killed.at) }],
      },
    },
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function bar(_, api) {
  const [x, y] = api.coord([api.value(1), api.value(0)]);
  const [right] = api.coord([api.value(2), api.value(0)]);
  const height = LANE * 0.6;
  return {
    type: "rect",
    shape: { x, y: y - height / 2, width: Math.max(2, right - x), height, r: 2 },
    style: { fill: api.visual("color"), stroke: "#ffffff" },
  };
}

/** The threads of a machine that have run something; one without a name where none has. */
function lanesOf(machine, ran) {
  const threads = [...new Set(ran.filter((each) => each.machine === machine).map(({ thread }) => thread))];
  if (threads.length === 0) return [{ machine, thread: null, label: machine }];
  return threads
    .sort((a, b) => a - b)
    .map((thread) => ({ machine, thread, label: `${machine}, thread ${thread}` }));
}
