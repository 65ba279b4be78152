// These are the workloads as contenders take them.
import type { Workload } from "../peers/peer.ts";
import * as realJobs from "./real.ts";
import * as syntheticJobs from "./synthetic.ts";

export const synthetic: Workload = {
  url: new URL("./synthetic.js", import.meta.url),
  functions: syntheticJobs,
};
export const real: Workload = { url: new URL("./real.js", import.meta.url), functions: realJobs };
