/** Monotonic time never goes back; it is in milliseconds. */
export { performance } from "node:perf_hooks";
