// What a program that was bundled takes along, as it has no files of ours. The build puts the code of acorn and piscina
// here, and the text of a thread; piscina there has its threads from `inlineworker`.
import * as acorn from "acorn";
import * as piscina from "piscina";
import type { Parts } from "../shipping/parts.ts";
import { threads } from "./inlineworker.ts";

export const inline: Parts = { acorn, piscina, threads };
