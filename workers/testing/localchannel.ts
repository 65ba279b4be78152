// These are two ports that lead to each other within one loop, as those of a MessageChannel lead to another thread:
// what is posted is copied at once, and delivered in the loop's next iteration, in order.

import { EventEmitter } from "node:events";
import type { Transferable } from "node:worker_threads";
import { type EventLoop, inRootContext, type Runnable, UNTRACKED } from "../../src/core.ts";
import type { CallbackPort } from "../executor/callbacks.ts";

export class LocalPort extends EventEmitter implements CallbackPort {
  readonly #loop: EventLoop;
  #other: LocalPort | null = null;

  constructor(loop: EventLoop) {
    super();
    this.#loop = loop;
  }

  /** Two that lead to each other. */
  static pair(loop: EventLoop): readonly [LocalPort, LocalPort] {
    const [one, other] = [new LocalPort(loop), new LocalPort(loop)];
    one.#other = other;
    other.#other = one;
    return [one, other];
  }

  /** Throws what structured clone throws. */
  postMessage(message: unknown, transfer: readonly Transferable[] = []): void {
    const copy: unknown = structuredClone(message, { transfer: transfer as Transferable[] });
    const other = this.#other;
    if (other !== null) this.#soon(() => other.#deliver("message", copy));
  }

  /** Closes both, when what was posted has been delivered. */
  close(): void {
    const other = this.#other;
    if (other === null) return;
    this.#soon(() => {
      for (const port of [this, other]) port.#closed();
    });
  }

  #closed(): void {
    if (this.#other === null) return;
    this.#other = null;
    this.emit("close");
  }

  #deliver(event: string, message: unknown): void {
    if (this.#other !== null) this.emit(event, message);
  }

  #soon(fn: () => void): void {
    this.#loop._push(inNextIteration(fn));
  }
}

/** An entry of a loop that runs a function for no task. */
export function inNextIteration(fn: () => void): Runnable {
  return {
    _run: () => {
      inRootContext(fn);
      return UNTRACKED;
    },
  };
}
