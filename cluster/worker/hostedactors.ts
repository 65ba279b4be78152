// These are the actors that live on a machine: objects in threads of its pool, each of one client. Their calls come in the
// order of their turns. An actor that has missed one, as Redis lost it, is given up: the object would not be what its client
// takes it for.
//
// An actor ends when its client drops it or lets go of it, when its thread ends, when its client is gone, and when the
// machine is told to end: then its client is told first, and lets go of it.

import type { ActorHome } from "../../workers/executor/calls.ts";
import type { Job } from "../../workers/executor/job.ts";
import type { ThreadScheduler } from "../../workers/pool/threadworkers.ts";
import type { AnyFunction } from "../../workers/shipping/recipe.ts";
import { PoolClosedError } from "../../workers/wire/errors.ts";
import type { Attached } from "../../workers/wire/protocol.ts";
import { JobLostError, WorkerLostError } from "../errors.ts";
import { standingJob } from "./standingjob.ts";

/** The machine on which they live. */
export interface ActorLandlord {
  /** Its name for clients. */
  readonly id: string;
  readonly scheduler: ThreadScheduler;
  /** An actor of that number is not there any more, or will not be in a moment. */
  tellLost(client: string, number: number, error: Error): void;
  /** There is one more, or less. */
  actorsChanged(): void;
}

/** A call of an actor. */
export interface ActorCall {
  readonly client: string;
  /** The actor's number, as its client has it. */
  readonly number: number;
  readonly turn: number;
  readonly args: readonly unknown[];
  readonly attached: Attached;
}

interface Hosted {
  readonly client: string;
  readonly number: number;
  readonly name: string;
  /** Its number in the threads of this machine. */
  readonly id: number;
  /** Its calls that have not ended. */
  readonly open: Set<Job>;
  /** Settles when it is made, or could not be. */
  made: Promise<unknown>;
  home: ActorHome | null;
  turn: number;
  isLeaving: boolean;
}

const GONE = "Its caller is not there any more";

export class HostedActors {
  readonly #landlord: ActorLandlord;
  readonly #actors = new Map<string, Hosted>();
  #last = 0;
  /** The machine is about to end. */
  #isEnding = false;
  #whenEmpty: () => void = () => {};

  constructor(landlord: ActorLandlord) {
    this.#landlord = landlord;
  }

  get count(): number {
    return this.#actors.size;
  }

  /** How many are being called. */
  get busy(): number {
    let busy = 0;
    for (const { open } of this.#actors.values()) if (open.size > 0) busy++;
    return busy;
  }

  /** Whose they are. */
  get clients(): Set<string> {
    return new Set([...this.#actors.values()].map(({ client }) => client));
  }

  /** Makes an object of a class. Throws where none can be. */
  make(Class: AnyFunction, { client, number, turn, args, attached }: ActorCall): Job {
    const key = keyOf(client, number);
    const name = attached.name ?? Class.name;
    if (this.#isEnding) throw this.#endingError(name);
    if (this.#actors.has(key) || turn !== 0) throw this.#missed(name);
    const actor: Hosted = {
      client,
      number,
      name,
      id: ++this.#last,
      open: new Set(),
      made: Promise.resolve(),
      home: null,
      turn: 1,
      isLeaving: false,
    };
    this.#actors.set(key, actor);
    const job = standingJob(name, async (began) => {
      const { scheduler } = this.#landlord;
      const home = await scheduler.findHome(Class, (error) => this.#lost(actor, error));
      actor.home = home;
      const making = home.submit({ is: "actorMake", id: actor.id }, args, attached);
      began([making]);
      await making.toPromise();
    });
    this.#landlord.actorsChanged();
    actor.made = job.toPromise().catch(() => this.#forget(actor));
    return job;
  }

  /** Calls a method. Throws WorkerLostError when the actor is not there. */
  call(method: string, call: ActorCall): Job {
    const { actor, home } = this.#next(call);
    if (method === "constructor") throw new TypeError(`Actor ${actor.name} has no method \`constructor\``);
    const job = home.submit({ is: "actorCall", id: actor.id, method }, call.args, call.attached);
    actor.open.add(job);
    job._listen(() => actor.open.delete(job), null, false);
    return job;
  }

  /** Has an actor dispose of itself. */
  drop(call: ActorCall): Job {
    const { actor, home } = this.#next(call);
    actor.isLeaving = true;
    const job = home.submit({ is: "actorDrop", id: actor.id }, [], call.attached);
    job._listen(() => this.#forget(actor), null, false);
    return job;
  }

  /** Nobody calls this one any more: it is disposed of when its calls have ended. */
  leave(client: string, number: number): void {
    const actor = this.#actors.get(keyOf(client, number));
    if (actor !== undefined) void this.#dispose(actor);
  }

  /** The client is gone: what its actors do is for nobody. */
  orphan(client: string): void {
    for (const actor of this.#actors.values())
      if (actor.client === client) {
        for (const job of actor.open) job.cancel(GONE);
        void this.#dispose(actor);
      }
  }

  /** The machine ends: takes no more, and resolves when all have left. */
  async retire(): Promise<void> {
    this.#isEnding = true;
    for (const { client, number, name } of this.#actors.values())
      this.#landlord.tellLost(client, number, this.#endingError(name));
    if (this.#actors.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  /** The actor of a call whose turn it is. */
  #next({ client, number, turn, attached }: ActorCall): { actor: Hosted; home: ActorHome } {
    const actor = this.#actors.get(keyOf(client, number));
    const home = actor?.home ?? null;
    if (actor === undefined || home === null) {
      const error = this.#missed(attached.name ?? "it");
      this.#landlord.tellLost(client, number, error);
      throw error;
    }
    if (turn === actor.turn) {
      actor.turn++;
      return { actor, home };
    }
    const error = new JobLostError(
      `A call of actor ${actor.name} was lost on its way, so its later ones do not run: spawn another one`,
    );
    this.#landlord.tellLost(client, number, error);
    void this.#dispose(actor);
    throw error;
  }

  /** Its thread has ended. */
  #lost(actor: Hosted, error: Error): void {
    this.#landlord.tellLost(actor.client, actor.number, error);
    this.#forget(actor);
  }

  async #dispose(actor: Hosted): Promise<void> {
    if (actor.isLeaving) return;
    actor.isLeaving = true;
    await actor.made;
    while (actor.open.size > 0) await Promise.allSettled([...actor.open].map((job) => job.toPromise()));
    if (!this.#isThere(actor)) return;
    try {
      const attached = { name: `${actor.name}.close` };
      await actor.home?.submit({ is: "actorDrop", id: actor.id }, [], attached).toPromise();
    } catch (error) {
      // Nobody else hears of it.
      if (!(error instanceof PoolClosedError)) this.#landlord.scheduler.stray(error);
    }
    this.#forget(actor);
  }

  #isThere({ client, number }: Hosted): boolean {
    return this.#actors.has(keyOf(client, number));
  }

  #forget(actor: Hosted): void {
    if (!this.#isThere(actor)) return;
    this.#actors.delete(keyOf(actor.client, actor.number));
    actor.home?.leave();
    this.#landlord.actorsChanged();
    if (this.#actors.size === 0) this.#whenEmpty();
  }

  #missed(name: string): WorkerLostError {
    const { id: machine } = this.#landlord;
    return new WorkerLostError(`Actor ${name} is not on machine ${machine} any more: spawn another one`, {
      machine,
    });
  }

  #endingError(name: string): WorkerLostError {
    const { id: machine } = this.#landlord;
    return new WorkerLostError(
      `Machine ${machine} was told to end, and actor ${name} ends with it: spawn another one`,
      { machine },
    );
  }
}

function keyOf(client: string, number: number): string {
  return `${client} ${number}`;
}
