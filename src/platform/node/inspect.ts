/** This tells how values are shown, and what kind of object one is. */
export { type InspectOptions, inspect, types } from "node:util";
