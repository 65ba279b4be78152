// These are colours, words and sizes that every part of the picture shares.
import type { Way } from "../server.ts";

export const WIDTH = 1200;
export const HEIGHT = 860;
export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

export const PAPER = "#ffffff";
export const INK = "#1f2933";
export const FAINT = "#7b8794";
export const RULE = "#e4e7eb";
export const COLOURS: Readonly<Record<Way, string>> = { loop: "#d64545", threads: "#0f8a7e" };
export const LABELS: Readonly<Record<Way, string>> = { loop: "on the loop", threads: "on threads" };

const MARGIN = 72;
const HALF = 500;

/** Where the three charts are. */
export const TIMELINE = { left: MARGIN, width: WIDTH - 2 * MARGIN, top: 190, height: 280 };
export const PINGS = { left: MARGIN, width: HALF, top: 600, height: 170 };
export const PAGES = { left: WIDTH - MARGIN - HALF, width: HALF, top: 600, height: 170 };
