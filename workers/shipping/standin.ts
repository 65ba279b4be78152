// These are functions of this thread that stand for one of the workers and cannot be called here: an export of a
// module that only workers load, a closure as it was at some moment. They ship as what they stand for, whatever the
// mode.
import type { AnyFunction } from "./recipe.ts";
import type { Shipment } from "./shipment.ts";

type Ship = () => Shipment | Promise<Shipment>;

const standIns = new WeakMap<AnyFunction, Ship>();

/** A function of that name which ships as `ship` says. */
export function standIn(name: string, ship: Ship): AnyFunction {
  const refuse = (): never => {
    throw new Error(`${name} stands for a function of worker threads and can only be called through a pool`);
  };
  const made = Object.defineProperty(refuse, "name", { value: name });
  standIns.set(made, ship);
  return made;
}

/** How a stand-in ships; undefined for any other function. */
export function shipsAs(fn: AnyFunction): Ship | undefined {
  return standIns.get(fn);
}
