// What a thread receives, in order. The classes of shared objects are loaded with the first message that holds one, as
// most threads need none: it waits for them, and so does what comes after it.

import { PACKAGE_ROOT } from "../../src/core.ts";
import { needsKinds, unpacked } from "./message.ts";

/** By its address, as a bundler would take the file along for whatever program. Who bundles has the classes loaded. */
const loadShared = (): Promise<unknown> => import(new URL("workers/shared/index.js", PACKAGE_ROOT).href);

/** Returns a message with its shared objects. */
export async function open(received: unknown): Promise<unknown> {
  if (needsKinds(received)) await loadShared();
  return unpacked(received);
}

export class Inbox {
  readonly #receive: (message: unknown) => void;
  /** What came since a message waits. */
  #waiting: unknown[] | null = null;

  constructor(receive: (message: unknown) => void) {
    this.#receive = receive;
  }

  take = (received: unknown): void => {
    if (this.#waiting !== null) this.#waiting.push(received);
    else if (needsKinds(received)) void this.#wait(received);
    else this.#receive(unpacked(received));
  };

  async #wait(first: unknown): Promise<void> {
    const waiting = [first];
    this.#waiting = waiting;
    await loadShared();
    this.#waiting = null;
    for (const received of waiting) this.#receive(unpacked(received));
  }
}
