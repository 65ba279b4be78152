// What a worker thread answers when its host asks about it.

import type { Question } from "../protocol.ts";
import { gatherSnapshots } from "./gather.ts";
import { livePools } from "./pools.ts";

/** How long the workers of the thread's own pools may take; shorter than what the thread is given itself. */
const PATIENCE = 50;

export async function answerTo(question: Question): Promise<unknown> {
  if (question === "tasks") return gatherSnapshots(livePools(), PATIENCE);
  return null;
}
