// This is what a worker thread answers when its host asks about it.

import type { Question } from "../wire/protocol.ts";
import { gatherSnapshots } from "./gather.ts";
import { livePools } from "./pools.ts";
import { stopRecording } from "./recorder.ts";

export async function answerTo(question: Question): Promise<unknown> {
  if (question.about === "tasks") return gatherSnapshots(livePools(), question.patience);
  if (question.about === "events") return stopRecording();
  return null;
}
