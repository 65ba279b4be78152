// These are the homes of a client's actors: each is a machine, which keeps the object in a thread of its pool, and is
// sent the calls of its methods in their order.
//
//     client                                             machine
//     RUN_BATCH: actorMake    -------------------------> makes the object, which stays in its thread
//     RUN_BATCH: actorCall*   -------------------------> calls it, in the order of their turns
//              <------------------- CALL_OK and the like, as for any call
//     RUN_BATCH: actorDrop    -------------------------> disposes of it
//              <------------------- ACTOR_LOST           its thread has ended, or the machine is about to
//     LEAVE_ACTOR             -------------------------> disposes of it, once its calls have ended
//
// A machine also disposes of those whose client is gone, and a client gives those up whose machine is.

import type { ActorHome } from "../workers/executor/calls.ts";
import type { ShippedFunction } from "../workers/executor/codebook.ts";
import type { Job } from "../workers/executor/job.ts";
import type { AnyFunction } from "../workers/shipping/recipe.ts";
import type { Attached, JobKind } from "../workers/wire/protocol.ts";
import { type DirectPosting, machinesThere } from "./direct.ts";
import { WorkerLostError } from "./errors.ts";
import { LEAVE_ACTOR } from "./protocol.ts";
import type { Announced } from "./roster.ts";

export class ActorHomes {
  readonly #posting: DirectPosting;
  readonly #homes = new Set<MachineHome>();
  /** How many objects are on their way to a machine, which does not count them yet. */
  readonly #coming = new Map<string, number>();

  constructor(posting: DirectPosting) {
    this.#posting = posting;
  }

  /** A place for an object of the class: on the machine with the fewest of them for its threads. */
  async find(Class: AnyFunction, tellDeath: (error: Error) => void): Promise<ActorHome> {
    const code = await this.#posting.shipped(Class);
    const machines = await machinesThere(this.#posting, `actor ${code.name}`);
    this.#posting.checkOpen();
    const machine = this.#leastBusy(machines).id;
    this.#count(machine, 1);
    const home = new MachineHome(this.#posting, machine, code, {
      arrived: () => this.#count(machine, -1),
      left: () => this.#homes.delete(home),
      died: tellDeath,
    });
    this.#homes.add(home);
    return home;
  }

  /** A machine says that an object is not there any more, and why. */
  lost(machine: string, id: number, error: Error): void {
    for (const home of [...this.#homes]) if (home.machine === machine && home.id === id) home.die(error);
  }

  /** A machine is not there any more. */
  machineLost(machine: string): void {
    for (const home of [...this.#homes]) {
      if (home.machine !== machine) continue;
      const message = `Machine ${machine}, where actor ${home.name} lived, was lost. Spawn another one`;
      home.die(new WorkerLostError(message, { machine }));
    }
  }

  /** Lets go of all. */
  leave(): void {
    for (const home of [...this.#homes]) home.leave();
  }

  #leastBusy(machines: readonly Announced[]): Announced {
    const load = ({ id, actors, threads }: Announced): number =>
      (actors + (this.#coming.get(id) ?? 0)) / threads;
    const idle = ({ running, threads }: Announced): number => running / threads;
    return machines.reduce((best, other) => {
      const more = load(other) - load(best) || idle(other) - idle(best);
      return more < 0 ? other : best;
    });
  }

  #count(machine: string, change: 1 | -1): void {
    const count = (this.#coming.get(machine) ?? 0) + change;
    if (count > 0) this.#coming.set(machine, count);
    else this.#coming.delete(machine);
  }
}

/** Who is told of a home. */
interface HomeOwner {
  /** The machine counts the object now, or will not get it. */
  arrived(): void;
  left(): void;
  died(error: Error): void;
}

class MachineHome implements ActorHome {
  readonly machine: string;
  /** The number of the object, once it is made. */
  id: number | null = null;
  readonly #posting: DirectPosting;
  readonly #code: ShippedFunction;
  readonly #owner: HomeOwner;
  readonly #turns = { next: 0 };
  #isComing = true;
  #isThere = true;

  constructor(posting: DirectPosting, machine: string, code: ShippedFunction, owner: HomeOwner) {
    this.#posting = posting;
    this.machine = machine;
    this.#code = code;
    this.#owner = owner;
  }

  get name(): string {
    return this.#code.name;
  }

  submit(kind: JobKind, args: readonly unknown[], attached: Attached): Job {
    const call = { code: this.#code, args, kind, attached, turns: this.#turns };
    const job = this.#posting.postTo(this.machine, call);
    if (kind.is === "actorMake") {
      this.id = kind.id;
      job._listen(() => this.#arrived(), null, false);
    }
    return job;
  }

  leave(): void {
    if (!this.#isThere) return;
    this.#isThere = false;
    this.#arrived();
    this.#owner.left();
    if (this.id !== null) this.#posting.tell(this.machine, [LEAVE_ACTOR, this.id]);
  }

  /** The object is not there any more. */
  die(error: Error): void {
    this.#owner.died(error);
    this.leave();
  }

  #arrived(): void {
    if (this.#isComing) this.#owner.arrived();
    this.#isComing = false;
  }
}
