// This is a port over which a job calls functions of its caller, where the two are processes: what is posted leaves
// as a record of the job, and what comes for the job is delivered here.

import { EventEmitter } from "node:events";
import type { Transferable } from "node:worker_threads";
import type { CallbackPort } from "../workers/executor/callbacks.ts";
import { detach } from "./detach.ts";
import { read, type Word, written } from "./protocol.ts";

export class RemotePort extends EventEmitter implements CallbackPort {
  readonly #send: (message: Word) => void;
  #isOpen = true;

  constructor(send: (message: Word) => void) {
    super();
    this.#send = send;
  }

  /** Throws what structured clone throws. */
  postMessage(message: unknown, transfer: readonly Transferable[] = []): void {
    const word = written(message);
    detach(transfer);
    if (this.#isOpen) this.#send(word);
  }

  deliver(message: Word): void {
    if (!this.#isOpen) return;
    let value: unknown;
    try {
      value = read(message);
    } catch {
      this.emit("messageerror");
      return;
    }
    this.emit("message", value);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.emit("close");
  }
}
