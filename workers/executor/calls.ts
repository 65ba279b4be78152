// This is the seam below what users see of an executor: PoolView, map, stream, enqueue, module, with, actors and
// broadcasts are typed on this interface and know nothing else. A pool's scheduler implements it, and whatever else
// runs jobs: in this thread, for tests, or on other machines.

import type { AnyFunction } from "../shipping/recipe.ts";
import type { ShipMode } from "../shipping/shipment.ts";
import type { Attached, JobKind } from "../wire/protocol.ts";
import type { Backpressure } from "./backpressure.ts";
import type { Job } from "./job.ts";
import type { OpenStreams } from "./openstreams.ts";
import type { CallOptions } from "./options.ts";

/** What every executor is set to. */
export interface CallSettings {
  readonly name: string;
  /** How many jobs it may run at once, as far as one keeps others from running; a map keeps a few under way for each. */
  readonly size: number;
  readonly ship: ShipMode;
}

export interface Calls {
  readonly settings: CallSettings;
  /** Names it, as in `pool "images"`. */
  readonly title: string;
  readonly backpressure: Backpressure;
  readonly streams: OpenStreams;
  /** Makes a job of a call and sends it on its way. Throws when no more are taken. */
  submit(fn: AnyFunction, args: readonly unknown[], options: CallOptions | null): Job;
  /** The same for a job that is more than a call; `onItem` takes the items of a stream. */
  submitSpecial(
    fn: AnyFunction,
    args: readonly unknown[],
    options: CallOptions | null,
    kind: JobKind,
    onItem: ((item: unknown) => void) | null,
  ): Job;
  /** Throws when no more jobs are taken. */
  checkOpen(): void;
  /** A function for many calls of this one, with what it captures now. */
  hold(fn: AnyFunction, options: CallOptions | null): AnyFunction | Promise<AnyFunction>;
  /** A function that runs the export of that name of the module at `url`, which is loaded where it runs. */
  exportOf(url: string, name: string): AnyFunction;
  /** Finds a place for an object of a class; `tellDeath` hears of it when that place is lost, with the objects in it. */
  findHome(Class: AnyFunction, tellDeath: (error: Error) => void): Promise<ActorHome>;
  /** Runs a function once wherever jobs run, now and, before their first job, in places that come later. */
  runEverywhere(fn: AnyFunction, args: readonly unknown[]): Promise<unknown[]>;
}

/** The place of an object, which calls of its methods go to. */
export interface ActorHome {
  submit(kind: JobKind, args: readonly unknown[], attached: Attached): Job;
  /** The object is not there any more. */
  leave(): void;
}
