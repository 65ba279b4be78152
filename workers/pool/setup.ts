// The set-up is what every new worker of a pool runs before its first job, and at its end.

import type { Settings } from "../executor/options.ts";
import type { AnyFunction } from "../shipping/recipe.ts";
import { giveUp, ship } from "../shipping/shipper.ts";
import type { Recipe, SessionSetup } from "../wire/protocol.ts";

type Recipes = Pick<SessionSetup, "preload" | "initializer" | "teardown">;

export class SetUp {
  readonly #settings: Settings;
  readonly #onFailure: (error: unknown) => void;
  #recipes: Recipes | Promise<Recipes> | null = null;
  #shipped: Recipe[] = [];

  constructor(settings: Settings, onFailure: (error: unknown) => void) {
    this.#settings = settings;
    this.#onFailure = onFailure;
  }

  /** The functions of the set-up, shipped at first use, and at once where there are none. Fails with ShipError, which is told. */
  recipes(): Recipes | Promise<Recipes> {
    this.#recipes ??= this.#isPlain ? this.#plain : this.#ship();
    return this.#recipes;
  }

  get #isPlain(): boolean {
    return this.#settings.initializer === undefined && this.#settings.teardown === undefined;
  }

  get #plain(): Recipes {
    return { preload: (this.#settings.preload ?? []).map(String), initializer: null, teardown: null };
  }

  /** A worker could not be set up: true when that was for the way a function was shipped, and there is another. */
  reship(error: unknown): boolean {
    const changed = this.#shipped.some((recipe) => giveUp(recipe, error));
    if (changed) this.#recipes = null;
    return changed;
  }

  async #ship(): Promise<Recipes> {
    const { initializer, teardown } = this.#settings;
    this.#shipped = [];
    try {
      return {
        ...this.#plain,
        initializer: await this.#recipeOf(initializer),
        teardown: await this.#recipeOf(teardown),
      };
    } catch (error) {
      this.#onFailure(error);
      throw error;
    }
  }

  async #recipeOf(fn: AnyFunction | undefined): Promise<Recipe | null> {
    if (fn === undefined) return null;
    const { recipe } = await ship(fn, this.#settings.ship);
    this.#shipped.push(recipe);
    return recipe;
  }
}
