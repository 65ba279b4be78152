/** These are Node's own timers, never the global ones, which tests fake. */
export { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from "node:timers";
