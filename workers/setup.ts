// What every new worker of a pool runs before its first job, and at its end.

import type { Settings } from "./options.ts";
import type { Recipe, SessionSetup } from "./protocol.ts";
import type { AnyFunction } from "./shipping/recipe.ts";
import { giveUp, ship } from "./shipping/ship.ts";

type Recipes = Pick<SessionSetup, "preload" | "initializer" | "teardown">;

export class SetUp {
  readonly #settings: Settings;
  #recipes: Promise<Recipes> | null = null;
  #shipped: Recipe[] = [];

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** The functions of the set-up, shipped at first use. Fails with ShipError. */
  recipes(): Promise<Recipes> {
    this.#recipes ??= this.#ship();
    return this.#recipes;
  }

  /** A worker could not be set up: true when that was for the way a function was shipped, and there is another. */
  reship(error: unknown): boolean {
    const changed = this.#shipped.some((recipe) => giveUp(recipe, error));
    if (changed) this.#recipes = null;
    return changed;
  }

  async #ship(): Promise<Recipes> {
    const { preload, initializer, teardown } = this.#settings;
    this.#shipped = [];
    return {
      preload: (preload ?? []).map(String),
      initializer: await this.#recipeOf(initializer),
      teardown: await this.#recipeOf(teardown),
    };
  }

  async #recipeOf(fn: AnyFunction | undefined): Promise<Recipe | null> {
    if (fn === undefined) return null;
    const { recipe } = await ship(fn, this.#settings.ship);
    this.#shipped.push(recipe);
    return recipe;
  }
}
