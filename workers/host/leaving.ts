// This says how threads leave a pool that has a teardown. Piscina would end an idle thread without asking it, so
// here it lets them be, and they leave by a piscina task of their own: the thread runs its teardown, and gets no
// session meanwhile.

import { clearTimeout, setTimeout } from "node:timers";
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Piscina } from "piscina";
import { inRootContext } from "../../src/core.ts";
import type { Settings } from "../executor/options.ts";
import { LONGEST } from "../executor/time.ts";
import { unreadableError } from "../wire/clone.ts";
import { packed } from "../wire/message.ts";
import { isPrinted, type Printed, type TeardownSetup } from "../wire/protocol.ts";
import { decodeThrown, type Encoded } from "../wire/serialize.ts";
import type { Output } from "./output.ts";

/** How long a thread may take for its teardown before it is terminated all the same. */
export const TEARDOWN_WITHIN = 5000;

export class Leaving {
  readonly #piscina: Piscina;
  readonly #settings: Settings;
  readonly #output: Output;
  /** Is told what a teardown throws. */
  readonly #onFailure: (error: unknown) => void;
  /** The least number of idle threads since the timer was started. */
  #fewest = 0;
  #timer: NodeJS.Timeout | null = null;
  readonly #underway = new Set<Promise<void>>();

  constructor(piscina: Piscina, settings: Settings, output: Output, onFailure: (error: unknown) => void) {
    this.#output = output;
    this.#piscina = piscina;
    this.#settings = settings;
    this.#onFailure = onFailure;
  }

  /** How many threads are about to leave. */
  get count(): number {
    return this.#underway.size;
  }

  /** Waits until a new session has a thread, or room for one: piscina does not look again when a thread has left. */
  async room(): Promise<void> {
    const isFull = () =>
      this.#piscina.idleThreads === 0 && this.#piscina.threads.length >= this.#piscina.maxThreads;
    while (this.count > 0 && isFull()) await Promise.race(this.#underway);
  }

  /** A session has begun or ended: threads that were not needed for `idleTimeout` leave, as far as `minThreads` allows. */
  look(): void {
    const { idleThreads } = this.#piscina;
    const { idleTimeout } = this.#settings;
    this.#fewest = Math.min(this.#fewest, idleThreads);
    if (this.#timer !== null || idleThreads === 0 || this.#dispensable <= 0 || idleTimeout > LONGEST) return;
    this.#fewest = idleThreads;
    this.#timer = inRootContext(() => setTimeout(this.#due, idleTimeout).unref());
  }

  /** Has every thread run its teardown; whoever closes the pool ends them. No session may be open. */
  async all(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const { idleThreads } = this.#piscina;
    const never = new AbortController().signal;
    await Promise.all([
      ...this.#underway,
      ...Array.from({ length: idleThreads }, () => this.#tearDown(never)),
    ]);
  }

  /** Threads above `minThreads`. */
  get #dispensable(): number {
    return this.#piscina.threads.length - this.count - this.#settings.minThreads;
  }

  #due = (): void => {
    this.#timer = null;
    for (let i = Math.min(this.#fewest, this.#dispensable); i > 0; i--) {
      const left = this.#leave().finally(() => {
        this.#underway.delete(left);
        this.look();
      });
      this.#underway.add(left);
    }
    this.look();
  };

  async #leave(): Promise<void> {
    const end = new AbortController();
    await this.#tearDown(end.signal);
    end.abort();
  }

  /** Resolves when an idle thread has run its teardown, or died, or taken too long; the signal terminates it. */
  async #tearDown(signal: AbortSignal): Promise<void> {
    const { port1, port2 } = inRootContext(() => new MessageChannel());
    const setup: TeardownSetup = { teardownPort: port2 };
    let tell: () => void = () => {};
    const tornDown = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const read = (message: Printed | Encoded | null): void => {
      if (isPrinted(message)) this.#output.print(message, undefined, null);
      else {
        if (message !== null) this.#onFailure(decodeThrown(message));
        tell();
      }
    };
    port1.on("message", read);
    port1.on("messageerror", () => {
      this.#onFailure(unreadableError("An error of a teardown"));
      tell();
    });
    const options = { transferList: [port2 as MessagePort], signal };
    const ended = this.#piscina.run(packed(setup), options).catch(() => {});
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      late = inRootContext(() => setTimeout(resolve, TEARDOWN_WITHIN).unref());
    });
    await Promise.race([tornDown, ended, patience]);
    clearTimeout(late);
    for (let left = receiveMessageOnPort(port1); left !== undefined; left = receiveMessageOnPort(port1)) {
      read(left.message as Printed);
    }
    port1.close();
  }
}
