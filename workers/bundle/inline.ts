// This is what a program that was bundled takes along, as it has no files of ours. In the built package this is one
// file with the texts of `threadcode` in it; what is loaded from them is `inlineparts`.
import type { Parts } from "../shipping/parts.ts";
import { loadText } from "./threadcode.ts";

export const inline: Parts = (loadText("./parts.js") as { inlined: Parts }).inlined;
