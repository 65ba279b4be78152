// This is what the package else loads from files, for a program that was bundled: the build makes a text of this
// module. Piscina there has its threads from `inlineworker`.
import * as acorn from "acorn";
import * as piscina from "piscina";
import type { Parts } from "../shipping/parts.ts";
import { threads } from "./inlineworker.ts";

export const inlined: Parts = { acorn, piscina, threads };
