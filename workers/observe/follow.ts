// A job that somebody follows, in its worker: it runs inside the stores that are bound to `threadloop:job:started`.

import { threadId } from "node:worker_threads";
import type { Running } from "../thread/runningjob.ts";
import { commonTime } from "../wire/moments.ts";
import { CANCELLED, type JobLife, OK } from "../wire/protocol.ts";
import { decodeThrown, type Encoded } from "../wire/serialize.ts";
import { type JobEvent, type JobSettled, type JobStarted, settled, started } from "./channels.ts";
import { record, recordJob, startRecording } from "./recorder.ts";

export function startFollowed(running: Running, life: JobLife, start: () => void): void {
  const { carrier, recorded, ...event } = life;
  if (recorded) startRecording();
  recordJob(running, life.id);
  const begin = commonTime();
  started.runStores({ ...event, carrier, thread: threadId } satisfies JobStarted, () => {
    running.onEnd = (kind, value) => tellEnd(event, kind, value);
    start();
  });
  record(life.name, begin, life.id);
}

function tellEnd(event: JobEvent, kind: number, value: unknown): void {
  if (!settled.hasSubscribers) return;
  const outcome = kind === OK ? "succeeded" : kind === CANCELLED ? "cancelled" : "failed";
  const error = outcome === "failed" ? { error: decodeThrown(value as Encoded) } : {};
  settled.publish({ ...event, outcome, ...error } satisfies JobSettled);
}
