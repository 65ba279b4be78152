// These are functions as the wire knows them: each is shipped once and then goes by number. A job holds its
// function, so when one is collected no job of it is under way, and the workers forget its number.

import type { AnyFunction } from "../shipping/recipe.ts";
import { isCurrent, type ShipMode, type Shipment } from "../shipping/shipment.ts";
import { giveUp, ship } from "../shipping/shipper.ts";
import { functionName } from "../wire/describe.ts";
import { OWN_FUNCTION } from "../wire/protocol.ts";

/** A function ready to be posted. */
export interface ShippedFunction {
  /** Its number in every worker of the pool, or OWN_FUNCTION when it travels with its one job. */
  readonly number: number;
  readonly name: string;
  readonly fn: AnyFunction;
  readonly mode: ShipMode;
  readonly shipment: Shipment;
}

/** The functions of one pool. */
export class CodeBook {
  readonly #byMode: Record<ShipMode, WeakMap<AnyFunction, ShippedFunction>> = {
    auto: new WeakMap(),
    reference: new WeakMap(),
    value: new WeakMap(),
  };
  #count = OWN_FUNCTION;
  #last: ShippedFunction | null = null;
  readonly #collected: FinalizationRegistry<number>;

  /** Is told the numbers of functions that do not exist any more. */
  constructor(forget: (number: number) => void) {
    this.#collected = new FinalizationRegistry(forget);
  }

  /** The code of a function that was shipped before, or null. */
  known(fn: AnyFunction, mode: ShipMode): ShippedFunction | null {
    const last = this.#last;
    if (last !== null && last.fn === fn && last.mode === mode) return this.#current(last);
    const known = this.#byMode[mode].get(fn) ?? null;
    if (known !== null) this.#last = known;
    return known && this.#current(known);
  }

  /** What refers to exports that were assigned since is no longer its function's. */
  #current(code: ShippedFunction): ShippedFunction | null {
    if (code.shipment.uses === undefined || isCurrent(code.shipment)) return code;
    this.#byMode[code.mode].delete(code.fn);
    if (this.#last === code) this.#last = null;
    return null;
  }

  /** Finds or makes the code of a function; asynchronous only when shipping has to load something first. */
  of(fn: AnyFunction, mode: ShipMode): ShippedFunction | Promise<ShippedFunction> {
    const known = this.known(fn, mode);
    if (known !== null) return known;
    const shipment = ship(fn, mode);
    return shipment instanceof Promise
      ? shipment.then((done) => this.#add(fn, mode, done))
      : this.#add(fn, mode, shipment);
  }

  /** No worker can load this code: finds another way for its function; null when there is none. */
  replace(code: ShippedFunction, error: unknown): ShippedFunction | Promise<ShippedFunction> | null {
    const book = this.#byMode[code.mode];
    const isCurrent = book.get(code.fn) === code;
    // Of several jobs with this code the first one gives it up.
    if ((isCurrent || code.number === OWN_FUNCTION) && !giveUp(code.shipment.recipe, error)) return null;
    if (isCurrent) book.delete(code.fn);
    if (this.#last === code) this.#last = null;
    return this.of(code.fn, code.mode);
  }

  /** Of many jobs that were submitted while their function was on its way, all get the code that the first one makes. */
  #add(fn: AnyFunction, mode: ShipMode, shipment: Shipment): ShippedFunction {
    const known = shipment.stable ? this.known(fn, mode) : null;
    if (known !== null) return known;
    const number = shipment.stable ? ++this.#count : OWN_FUNCTION;
    const code: ShippedFunction = { number, name: functionName(fn), fn, mode, shipment };
    if (shipment.stable) {
      this.#byMode[mode].set(fn, code);
      this.#collected.register(fn, number);
      this.#last = code;
    }
    return code;
  }
}
