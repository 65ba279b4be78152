export { errorOf } from "../../support/gate.ts";
export { type Executor, Gate, suiteOf } from "./harness.ts";

import type { Harness } from "./harness.ts";
import { inline } from "./inline.ts";
import { pool } from "./pool.ts";

/** Every executor. */
export const harnesses: readonly Harness[] = [inline, pool];
