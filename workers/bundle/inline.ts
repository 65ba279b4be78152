// What a program that was bundled takes along, as it has no files of ours. The build puts the code of acorn and piscina
// here, and the text of a thread; piscina there has its threads from `inlineworker`.
import * as acorn from "acorn";
import * as piscina from "piscina";
import { threads } from "./inlineworker.ts";
import type { Parts } from "./parts.ts";

export const inline: Parts = { acorn, piscina, threads };
