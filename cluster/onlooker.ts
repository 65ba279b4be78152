// This is somebody who looks at a cluster and has no calls there, as `threadloop ps redis://...` does: which
// machines there are, what they say of themselves, and what waits for them.

import type { ThreadNumbers } from "../workers/observe/poolwatch.ts";
import type { ThreadSnapshot } from "../workers/observe/snapshot.ts";
import { TaskForest } from "../workers/observe/tasktree.ts";
import { reasonOf } from "../workers/shipping/reason.ts";
import { ConnectionError } from "./errors.ts";
import { ProcessInbox } from "./inbox.ts";
import { type OnlookerOptions, onlookerSettingsOf } from "./options.ts";
import { Outboxes } from "./outbox.ts";
import { Postbox, type WaitingBatches } from "./postbox.ts";
import * as wire from "./protocol.ts";
import { Questions } from "./questions.ts";
import { RedisLink } from "./redislink.ts";
import { type MachineInfo, machinesOf } from "./roster.ts";

const MEBIBYTE = 1024 * 1024;
/** What machines answer is no longer. */
const MOST_BYTES = 64 * MEBIBYTE;
/** Milliseconds after which machines do not write to one that is gone. */
const LEASE = 60_000;
/** Milliseconds for the first answer of Redis. */
const CONNECT_WITHIN = 10_000;
/** Milliseconds that a machine has for its threads to answer; of those that are busy it tells what it knows itself. */
const FOR_THREADS = 600;
/** So many of the batches that wait are told by name. */
const MOST_WAITING = 100;

/** A machine, with what its threads do; null when it did not answer, or not what can be understood. */
export interface MachineSight<T> {
  readonly info: MachineInfo;
  readonly answer: T | null;
}

export class Onlooker {
  readonly queue: string;
  readonly #link: RedisLink;
  readonly #inbox: ProcessInbox;
  readonly #postbox: Postbox;
  readonly #questions: Questions;

  private constructor(options: OnlookerOptions) {
    const settings = onlookerSettingsOf(options);
    this.queue = settings.queue;
    this.#link = new RedisLink(settings);
    this.#questions = new Questions(new Outboxes(this.#link));
    this.#inbox = new ProcessInbox(this.#link, { lease: LEASE, most: MOST_BYTES }, (_, records) =>
      this.#receive(records as readonly wire.Reply[]),
    );
    this.#postbox = new Postbox(this.#link, settings.queue);
  }

  /**
   * Connects. Throws RangeError or TypeError that names a wrong option, and ConnectionError when Redis cannot be
   * reached, or refuses.
   */
  static async open(options: OnlookerOptions): Promise<Onlooker> {
    const onlooker = new Onlooker(options);
    try {
      await onlooker.#connect();
      await onlooker.#inbox.open();
    } catch (cause) {
      onlooker.#link.close();
      throw new ConnectionError(`Redis cannot be reached: ${reasonOf(cause)}`, { cause });
    }
    return onlooker;
  }

  /** The tasks and jobs of each machine, of those that answer within so many milliseconds. */
  tasks(patience: number): Promise<MachineSight<TaskForest>[]> {
    return this.#ask(
      patience,
      (question) => [wire.ASK_MACHINE, question, Math.min(patience, FOR_THREADS)],
      (answer) => new TaskForest(answer as readonly ThreadSnapshot[]),
    );
  }

  /** The numbers of each machine, which goes on counting for `lease` milliseconds. */
  numbers(patience: number, lease: number): Promise<MachineSight<ThreadNumbers>[]> {
    return this.#ask(patience, (question) => [wire.ASK_NUMBERS, question, lease], numbersIn);
  }

  /** What waits for a machine. */
  waiting(): Promise<WaitingBatches> {
    return this.#postbox.waiting(MOST_WAITING);
  }

  async close(): Promise<void> {
    const closed = (async () => {
      await this.#inbox.close();
      await this.#postbox.close();
    })();
    closed.catch(() => {});
    // It expires by itself where Redis is out of reach.
    if (this.#link.redis.status === "ready") await closed.catch(() => {});
    this.#link.close();
  }

  async #ask<T>(
    patience: number,
    orderOf: (question: number) => wire.Order,
    understand: (answer: unknown) => T,
  ): Promise<MachineSight<T>[]> {
    const machines = await machinesOf(this.#link);
    const answers = await this.#questions.ask(
      machines.map(({ id }) => id),
      patience,
      orderOf,
    );
    return machines.map((info, i) => ({ info, answer: understood(answers[i], understand) }));
  }

  #receive(records: readonly wire.Reply[]): void {
    for (const record of records) {
      if (record?.[0] !== wire.TOLD) continue;
      let answer: unknown = null;
      try {
        answer = wire.read(record[2]);
      } catch {
        // As if it had not answered.
      }
      this.#questions.answer(record[1], answer);
    }
  }

  /** The first attempt decides: who looks on is told at once when there is nothing to see. */
  async #connect(): Promise<void> {
    const { redis } = this.#link;
    let callOff: NodeJS.Timeout | undefined;
    const failed = new Promise<never>((_, reject) => {
      redis.once("error", reject);
      const late = (): void => reject(new Error(`it does not answer within ${CONNECT_WITHIN} ms`));
      callOff = setTimeout(late, CONNECT_WITHIN);
    });
    try {
      await Promise.race([redis.ping(), failed]);
    } finally {
      clearTimeout(callOff);
    }
  }
}

/** What a machine says comes from elsewhere: what is not as it should be is no answer. */
function understood<T>(answer: unknown, understand: (answer: unknown) => T): T | null {
  if (answer === null || answer === undefined) return null;
  try {
    return understand(answer);
  } catch {
    return null;
  }
}

function numbersIn(answer: unknown): ThreadNumbers {
  const numbers = answer as ThreadNumbers;
  if (!Array.isArray(numbers.pools) || !Array.isArray(numbers.functions) || typeof numbers.at !== "number")
    throw new TypeError("these are no numbers");
  return numbers;
}
