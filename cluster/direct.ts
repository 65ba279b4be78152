// These are calls that go to one machine, past the queue: those of an actor, to where that lives, and those of a
// broadcast, to each. They travel as batches do, only that the machine is told by its inbox; so they arrive in order,
// and a machine that is not there takes none of them.

import { setTimeout as wait } from "node:timers/promises";
import { monotonicTime, printable } from "../src/core.ts";
import type { ShippedFunction } from "../workers/executor/codebook.ts";
import type { Job } from "../workers/executor/job.ts";
import type { AnyFunction } from "../workers/shipping/recipe.ts";
import type { Attached, JobKind } from "../workers/wire/protocol.ts";
import { JobRefusedError } from "./errors.ts";
import type { ClusterSettings } from "./options.ts";
import { DIRECT_SINCE, type Order } from "./protocol.ts";
import type { RedisLink } from "./redislink.ts";
import { type Announced, announcedIn } from "./roster.ts";

/** Milliseconds between two looks for a machine. */
const LOOK_EVERY = 100;

/** Whose calls they are. */
export interface DirectPosting {
  readonly options: ClusterSettings;
  readonly connection: RedisLink;
  readonly ready: Promise<void>;
  /** Throws when no more jobs are taken. */
  checkOpen(): void;
  /** A function that machines can be told of. Throws, or rejects, when it is none. */
  shipped(fn: AnyFunction): Promise<ShippedFunction>;
  /** Makes a job of a call and sends it to that machine. */
  postTo(machine: string, call: DirectCall): Job;
  /** Says something to a machine. */
  tell(machine: string, order: Order): void;
  /** Waits for what is said over the connection; the process is kept for that. */
  keepingProcess<T>(wait: () => Promise<T>): Promise<T>;
}

/** A call for one machine. */
export interface DirectCall {
  readonly code: ShippedFunction;
  readonly args: readonly unknown[];
  readonly kind: JobKind;
  readonly attached: Attached;
  /** Numbers those that are to run in order: a machine that has missed one runs none of the later ones. */
  readonly turns: { next: number };
}

/**
 * The machines that take such calls; waits for the first one. Throws JobRefusedError when none has come within
 * `connectTimeout` milliseconds; `what` is for one.
 */
export function machinesThere(posting: DirectPosting, what: string): Promise<Announced[]> {
  return posting.keepingProcess(async () => {
    await posting.ready;
    const end = monotonicTime() + posting.options.connectTimeout;
    for (;;) {
      const all = await lookFor(posting);
      const able = all.filter(({ isDraining, protocol }) => !isDraining && protocol >= DIRECT_SINCE);
      if (able.length > 0) return able;
      if (monotonicTime() >= end) throw nobodyTakes(what, all, posting.options.queue);
      await wait(LOOK_EVERY);
    }
  });
}

async function lookFor(posting: DirectPosting): Promise<Announced[]> {
  try {
    posting.checkOpen();
    return await announcedIn(posting.connection);
  } catch (error) {
    posting.checkOpen(); // the connection was closed meanwhile, and that is why
    throw error;
  }
}

function nobodyTakes(what: string, all: readonly Announced[], queue: string): JobRefusedError {
  const older = all.find(({ isDraining, protocol }) => !isDraining && protocol < DIRECT_SINCE);
  return new JobRefusedError(
    older === undefined
      ? `No machine takes ${what}: none serves queue "${queue}" now. Start one with \`npx threadloop worker --queue ${queue}\``
      : `No machine takes ${what}: machine ${printable(older.name)} speaks version ${older.protocol} of the protocol, which has neither actors nor broadcasts. Update it`,
  );
}
