export { errorOf } from "../../support/gate.ts";
export { type Executor, suiteOf } from "./harness.ts";

import type { Gate as SharedGate } from "../../support/gate.ts";
import { type Harness, Gate as MemoryGate } from "./harness.ts";
import { inline } from "./inline.ts";
import { pool } from "./pool.ts";

/** That of the cluster needs a Redis: it has a run of its own. */
const clustered = process.env.EXECUTOR === "cluster" ? await import("./cluster.ts") : null;

/** Every executor. */
export const harnesses: readonly Harness[] = clustered === null ? [inline, pool] : clustered.harnesses;

/** Where a test meets the jobs of these executors. */
export type Gate = Pick<SharedGate, "buffer" | "words" | "step" | "open" | "at" | "reach">;
export const Gate: new () => Gate = clustered === null ? MemoryGate : clustered.FileGate;
