// This is a job that somebody follows, in its worker: it runs inside the stores that are bound to
// `threadloop:job:started`.

import { threadId } from "node:worker_threads";
import { monotonicTime } from "../../src/core.ts";
import {
  type JobEvent,
  type JobSettled,
  type JobStarted,
  jobRecorder,
  settled,
  started,
} from "../executor/jobevents.ts";
import { type JobLife, OK, REPLY_CANCELLED } from "../wire/protocol.ts";
import { decodeThrown, type Encoded } from "../wire/serialize.ts";
import type { Running } from "./runningjob.ts";

export function startFollowed(running: Running, life: JobLife, start: () => void): void {
  const { carrier, recorded, ...event } = life;
  const recorder = jobRecorder();
  if (recorded) recorder?.start();
  recorder?.job(running, life.id);
  const begin = monotonicTime();
  started.runStores({ ...event, carrier, thread: threadId } satisfies JobStarted, () => {
    running.onEnd = (kind, value) => tellEnd(event, kind, value);
    start();
  });
  recorder?.slice(life.name, begin, life.id);
}

function tellEnd(event: JobEvent, kind: number, value: unknown): void {
  if (!settled.hasSubscribers) return;
  const outcome = kind === OK ? "succeeded" : kind === REPLY_CANCELLED ? "cancelled" : "failed";
  const error = outcome === "failed" ? { error: decodeThrown(value as Encoded) } : {};
  settled.publish({ ...event, outcome, ...error } satisfies JobSettled);
}
