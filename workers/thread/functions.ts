// A worker knows functions by their numbers.

import { rebuild } from "../shipping/rebuild.ts";
import type { AnyFunction, Recipe } from "../shipping/recipe.ts";
import { type Definition, OWN_FUNCTION } from "../wire/protocol.ts";

/** A function of this thread, or on its way to be one. */
export interface Callee {
  /** OWN_FUNCTION for one that travelled with its job. */
  readonly number: number;
  readonly name: string;
  /** Null until it is loaded. */
  fn: AnyFunction | null;
  /** Whether a call of it starts a coroutine: so says its kind, or its last call; null before the first one. */
  isAsync: boolean | null;
  /** Its last call kept the thread for long: what there is to say is said before the next one. */
  isSlow: boolean;
  /** It was not called yet. */
  isCold: boolean;
  /** How many of its last calls were short, as far as they are counted. */
  shortCalls: number;
}

/** Functions that a thread without a session knows: those of a program, not those that it makes on the way. */
const MOST_KEPT = 256;
const AsyncFunction = (async () => {}).constructor;

export class Functions {
  /** By number, loaded or not: who runs many looks here before it has one loaded. */
  readonly known = new Map<number, Callee>();
  readonly #recipes = new Map<number, Recipe>();

  define(number: number, { recipe, name }: Definition): void {
    if (this.known.has(number)) return;
    this.known.set(number, newCallee(number, name));
    this.#recipes.set(number, recipe);
  }

  /** The function does not exist any more on the main side. */
  forget(number: number): void {
    this.known.delete(number);
    this.#recipes.delete(number);
  }

  /** Between two sessions: the next one defines what it uses, so much can be forgotten. */
  trim(): void {
    if (this.known.size <= MOST_KEPT) return;
    this.known.clear();
    this.#recipes.clear();
  }

  /** Loads a function by its number; at once when what it needs is there. Forgets it when that fails. */
  load(number: number): Callee | Promise<Callee> {
    const callee = this.known.get(number) as Callee;
    if (callee.fn !== null) return callee;
    return loadInto(callee, this.#recipes.get(number) as Recipe);
  }
}

/** Loads a function that travelled with its job. */
export function loadOnce(recipe: Recipe, name: string): Callee | Promise<Callee> {
  return loadInto(newCallee(OWN_FUNCTION, name), recipe);
}

function newCallee(number: number, name: string): Callee {
  return { number, name, fn: null, isAsync: null, isSlow: true, isCold: true, shortCalls: 0 };
}

function loadInto(callee: Callee, recipe: Recipe): Callee | Promise<Callee> {
  const fn = rebuild(recipe);
  return fn instanceof Promise ? fn.then((loaded) => complete(callee, loaded)) : complete(callee, fn);
}

function complete(callee: Callee, fn: AnyFunction): Callee {
  callee.fn = fn;
  if (fn instanceof AsyncFunction) callee.isAsync = true;
  return callee;
}
