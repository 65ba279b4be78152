/** Time that never goes back, in milliseconds. */
export { performance } from "node:perf_hooks";
