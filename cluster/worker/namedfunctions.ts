// These are the functions that clients name, as this machine's pool runs them: one for each recipe, so that its
// threads load it once.

import { LruMap } from "../../workers/shipping/lrumap.ts";
import type { AnyFunction } from "../../workers/shipping/recipe.ts";
import { standIn } from "../../workers/shipping/standin.ts";
import type { Attached } from "../../workers/wire/protocol.ts";
import { type NamedRecipe, type Trust, toUrls, variablesHere } from "../address.ts";
import { decode } from "../payload.ts";

/** So many are remembered. */
const MOST = 1000;

export class NamedFunctions {
  readonly #root: string;
  readonly #trust: Trust;
  readonly #known = new LruMap<string, AnyFunction>(MOST);

  /** Those of modules below `root`. */
  constructor(root: string, trust: Trust) {
    this.#root = root;
    this.#trust = trust;
  }

  /** The function of a NamedRecipe. Throws ShipError for one that this machine does not run. */
  of(written: Uint8Array, name: string): AnyFunction {
    const key = `${name}\n${Buffer.from(written.buffer, written.byteOffset, written.length).toString("latin1")}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const recipe = toUrls(decode(written) as NamedRecipe, this.#root, this.#trust);
    const shipment = { recipe, stable: true };
    const fn = standIn(name, () => shipment);
    this.#known.set(key, fn);
    return fn;
  }

  /** What came beside a call, with the context variables of this machine's modules. */
  attachedHere(attached: Attached): Attached {
    const { variables } = attached;
    return variables === undefined
      ? attached
      : { ...attached, variables: variablesHere(variables, this.#root) };
  }
}
