/** This is the worker pool, and what code inside a worker uses. */

import { installPools } from "./poolparts.ts";

export * from "./exports.ts";

installPools(); // what a job gives to the default executor comes to this thread, too
