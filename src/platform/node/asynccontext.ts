/** An async context goes with a piece of work across its awaits. */
export { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
