// The moment of a call: variables are read once for it, even when the answer has to wait for a module.
import { type Inspection, inspect } from "./inspector.ts";

/** What the inspections made for one call have shown. */
export interface Moment {
  inspect(fn: object): Inspection;
}

export function newMoment(): Moment {
  const inspections = new Map<object, Inspection>();
  return {
    inspect(fn) {
      let inspection = inspections.get(fn);
      if (!inspection) {
        inspection = inspect(fn);
        inspections.set(fn, inspection);
      }
      return inspection;
    },
  };
}
