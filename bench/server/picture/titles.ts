// These are the words of the picture: a headline that says it all, then what was done, then each chart's name.
import type { Measured } from "../figures.ts";
import type { Outcome } from "../outcome.ts";
import type { Way } from "../server.ts";
import { formatMs } from "../table.ts";
import { COLOURS, FAINT, HEIGHT, INK, PAGES, PINGS, TIMELINE } from "./palette.ts";

interface Style {
  readonly fontSize: number;
  readonly color: string;
  readonly fontWeight?: "bold";
}

const HEADLINE: Style = { fontSize: 30, color: INK, fontWeight: "bold" };
const NAME: Style = { fontSize: 18, color: INK, fontWeight: "bold" };
const LEAD: Style = { fontSize: 15, color: FAINT };
const NOTE: Style = { fontSize: 13, color: FAINT };
const FOOT: Style = { fontSize: 12, color: FAINT };

export function headline({ loop, threads }: Outcome): string {
  return `Ping p99: ${formatMs(loop.figures.pingP99)} on the loop, ${formatMs(threads.figures.pingP99)} on threads`;
}

export function titles(outcome: Outcome): object[] {
  const { input, settings, machine, different, loop, threads } = outcome;
  const compared = different.length === 0 ? "byte-identical both ways" : "NOT the same both ways";
  const { left, width } = TIMELINE;
  return [
    title(headline(outcome), left, 26, HEADLINE),
    title(
      `Same server, same load: Markdown rendered to highlighted HTML for ${settings.connections} clients, while a probe asks for /ping every ${settings.pingEvery} ms.`,
      left,
      70,
      LEAD,
    ),
    phase("loop", "Rendered on the loop", loop, left),
    phase(
      "threads",
      "Rendered on threads, through runInExecutor",
      threads,
      left + (width * loop.seconds) / (loop.seconds + threads.seconds),
    ),
    title("How long a ping took", PINGS.left, PINGS.top - 60, NAME),
    title("share of all pings; the scale is logarithmic", PINGS.left, PINGS.top - 34, NOTE),
    title("How long a page took", PAGES.left, PAGES.top - 60, NAME),
    title("share of all pages", PAGES.left, PAGES.top - 34, NOTE),
    title(
      `Node ${machine.node}, ${machine.cpu}; ${machine.cores} cores shared by server, ${settings.workers} threads, clients and probe. ${input.pages} README files of installed packages, the pages ${compared}.`,
      left,
      HEIGHT - 36,
      FOOT,
    ),
  ];
}

function phase(way: Way, text: string, { figures }: Measured, left: number): object {
  const busy = `${Math.round(figures.loopUtilisation * 100)} %`;
  return {
    ...title(text, left, 112, { ...NAME, color: COLOURS[way] }),
    subtext: `ping p99 ${formatMs(figures.pingP99)}  ·  ${figures.pagesPerSecond.toFixed(0)} pages/s  ·  loop busy ${busy}`,
    subtextStyle: { fontSize: 15, color: INK },
    itemGap: 6,
  };
}

function title(text: string, left: number, top: number, style: Style): object {
  return { text, left, top, padding: 0, textStyle: { fontWeight: "normal", ...style } };
}
