import { checkBody } from "../task/startable.ts";

/** What can be held, as asyncio's `_ContextManagerMixin`: every lock is used for the time of a function or a block. */
export abstract class Holdable {
  abstract acquire(): Promise<unknown>;
  abstract release(): void;

  /** Runs a function while holding it. */
  async with<T>(body: () => PromiseLike<T> | T): Promise<T> {
    checkBody(body, "with");
    await this.acquire();
    try {
      return await body();
    } finally {
      this.release();
    }
  }

  /** Releases it, at the end of a block with `using held = await lock.acquire()`. */
  [Symbol.dispose](): void {
    this.release();
  }
}
