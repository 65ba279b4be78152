import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { JobEvent, JobSubmitted } from "threadloop/workers";
import { afterEach, describe, expect, it } from "vitest";
import * as follow from "../../fixtures/workers/follow.mjs";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";

type Listener = (message: unknown, name: string | symbol) => void;
const listening: [string, Listener][] = [];

function listen(event: string, listener: (message: never) => void): void {
  subscribe(`threadloop:job:${event}`, listener as unknown as Listener);
  listening.push([`threadloop:job:${event}`, listener as unknown as Listener]);
}

/** Collects the events of these kinds as `kind name`, and in full. */
function collect(...kinds: string[]): { names: string[]; messages: (JobEvent & Record<string, unknown>)[] } {
  const seen = { names: [] as string[], messages: [] as (JobEvent & Record<string, unknown>)[] };
  for (const kind of kinds) {
    listen(kind, (message: JobEvent & Record<string, unknown>) => {
      seen.names.push(`${kind} ${message.name}`);
      seen.messages.push(message);
    });
  }
  return seen;
}

afterEach(() => {
  for (const [name, listener] of listening.splice(0)) unsubscribe(name, listener);
});

describe("The channels of a job's life", () => {
  it("tell that it was submitted, started and settled, with one id", async () => {
    const seen = collect("submitted", "started", "settled");
    const pool = makePool({ size: 1, name: "followed" });
    await pool.with({ name: "sum" }).submit(jobs.add, 1, 2);
    expect(seen.names).toEqual(["submitted sum", "started sum", "settled sum"]);
    expect(new Set(seen.messages.map((message) => message.id)).size).toBe(1);
    expect(seen.messages[1]?.thread).toBeGreaterThan(0);
    expect(seen.messages[2]).toMatchObject({ pool: "followed", outcome: "succeeded" });
  });

  it("tell each outcome, with the error of a failure", async () => {
    const seen = collect("settled");
    const pool = makePool({ size: 1 });
    const error = await errorOf(pool.submit(jobs.throwTeapot));
    const cancelled = pool.submit(jobs.nap, 1e6, 0);
    cancelled.cancel();
    await errorOf(cancelled);
    expect(seen.messages.map((message) => message.outcome)).toEqual(["failed", "cancelled"]);
    expect(seen.messages[0]?.error).toBe(error);
  });

  it("tell that a job moved, and from where", async () => {
    const seen = collect("moved");
    const pool = makePool({ size: 2 });
    const [first, second] = [new Gate(), new Gate()];
    const stuck = [first, second].map((gate) => pool.submit(jobs.blockUntilOpen, gate.buffer));
    const behind = Array.from({ length: 20 }, (_, i) => pool.submit(jobs.add, i, 1));
    await Promise.all([first.at(1), second.at(1)]);
    first.open();
    await Promise.all(behind);
    expect(seen.messages.length).toBe(pool.stats().moved);
    expect(seen.names).toContain("moved add");
    second.open();
    await Promise.all(stuck);
  });

  it("carry what a subscriber adds to the worker, into the code of the job", async () => {
    listen("submitted", (message: JobSubmitted) => {
      message.carrier.trace = `of ${message.name}`;
    });
    const preload = [new URL("../../fixtures/workers/follow.mjs", import.meta.url)];
    const pool = makePool({ size: 1, preload });
    expect(await pool.submit(follow.carrierAtOnce)).toEqual({ trace: "of carrierAtOnce" });
    expect(await pool.submit(follow.carrierLater)).toEqual({ trace: "of carrierLater" });
    await errorOf(pool.submit(jobs.throwTeapot));
    const events = await pool.submit(follow.workerEvents);
    expect(events.map(([kind, { name }]) => `${kind} ${name}`)).toEqual([
      "started carrierAtOnce",
      "settled carrierAtOnce",
      "started carrierLater",
      "settled carrierLater",
      "started throwTeapot",
      "settled throwTeapot",
      "started workerEvents",
      "settled workerEvents",
    ]);
    expect(events[5]?.[1]).toMatchObject({ outcome: "failed" });
  });

  it("are silent in workers when nobody follows the jobs there or here", async () => {
    const pool = makePool({
      size: 1,
      preload: [new URL("../../fixtures/workers/follow.mjs", import.meta.url)],
    });
    expect(await pool.submit(follow.carrierAtOnce)).toBeUndefined();
    expect(await pool.submit(follow.workerEvents)).toEqual([]);
  });
});
