/** These are Node's own timers, never the global ones, which tests fake. */
export { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from "node:timers";

/** The longest that they can wait, in milliseconds; anything longer is as good as for ever. */
export const LONGEST_WAIT = 2147483647;
