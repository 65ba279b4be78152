/** This is `index` as Node itself loads it: what pools are made of is loaded with the first call of one. */

import { installDefaultExecutor } from "./defaultexecutor.ts";
import { poolParts } from "./latepools.ts";
import { offerLate } from "./observe/endpoint.ts";

export * from "./exports.ts";

installDefaultExecutor();
offerLate(poolParts);
