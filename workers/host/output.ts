// This is what the threads of a pool print, on the main side: it goes to this process's stdout and stderr, or to
// streams of the pool's own.
//
// A result is told when what its job printed is out. That is so at once, but where a pipe is full or a terminal slow:
// then the results of those jobs wait. What goes to a stream of the pool's own is out when it is there.

import { Readable, Writable } from "node:stream";
import type { Worker } from "node:worker_threads";
import type { Job, JobPlace } from "../executor/job.ts";
import type { Printed } from "../wire/protocol.ts";

export class Output {
  readonly stdout: Outlet;
  readonly stderr: Outlet;
  /** Whether results have to wait for what was printed. */
  isBehind = false;
  /** Jobs that have printed what is not out, and what is to be done when it is, once they have ended. */
  readonly #behind = new Map<Job, (() => void) | null>();
  /** Settles a job that does not wait any longer. */
  readonly #place: JobPlace;

  constructor(captured: { stdout?: boolean; stderr?: boolean }, stopped: (job: Job, ending: Error) => void) {
    this.stdout = new Outlet(() => process.stdout, captured.stdout === true);
    this.stderr = new Outlet(() => process.stderr, captured.stderr === true);
    this.#place = {
      label: "printing",
      isRunning: () => true,
      stop: (job, ending) => {
        this.#behind.delete(job);
        stopped(job, ending);
      },
    };
  }

  /** Prints a piece; `job` is whose it is, and `taken` is called when there is room for more. */
  print([, , , descriptor, chunk]: Printed, job: Job | undefined, taken: (() => void) | null): void {
    const outlet = descriptor === 1 ? this.stdout : this.stderr;
    outlet.print(chunk, taken);
    if (outlet.isOut || job === undefined || this.#behind.has(job)) return;
    this.#behind.set(job, null);
    if (!this.isBehind) void this.#catchUp();
  }

  /** Whether the end of a job has to wait; `settle` is called when it need not any more. */
  defers(job: Job, settle: () => void): boolean {
    if (!this.#behind.has(job)) return false;
    this.#behind.set(job, settle);
    job._place = this.#place;
    this.whenOut().then(() => {
      if (this.#behind.delete(job)) settle();
    });
    return true;
  }

  /** Jobs that have ended and are not settled, as their output is not out. */
  get waiting(): Job[] {
    return [...this.#behind].flatMap(([job, settle]) => (settle === null ? [] : [job]));
  }

  /** Takes over what a thread prints while it has no session, which Node brings here. */
  adopt(worker: Worker): void {
    this.stdout.adopt(worker.stdout);
    this.stderr.adopt(worker.stderr);
  }

  async whenOut(): Promise<void> {
    await Promise.all([this.stdout.whenOut(), this.stderr.whenOut()]);
  }

  /** Until everything is out; then no job has to wait, whether it ends or has died meanwhile. */
  async #catchUp(): Promise<void> {
    this.isBehind = true;
    while (!this.stdout.isOut || !this.stderr.isOut) await this.whenOut();
    this.isBehind = false;
    for (const [job, settle] of this.#behind) if (settle === null) this.#behind.delete(job);
  }

  /** Nothing more will be printed. */
  end(): void {
    this.stdout.end();
    this.stderr.end();
  }
}

export class Outlet {
  readonly #target: () => Writable;
  readonly #isCaptured: boolean;
  #reader: Readable | null = null;
  #hasEnded = false;
  /** Are told when the reader wants more. */
  #taken: (() => void)[] = [];

  constructor(target: () => Writable, isCaptured: boolean) {
    this.#target = target;
    this.#isCaptured = isCaptured;
    if (isCaptured) this.#reader = this.#newReader();
  }

  /** The stream of what is printed; without capture it gets a copy while somebody reads it. */
  get reader(): Readable {
    this.#reader ??= this.#newReader();
    return this.#reader;
  }

  print(chunk: string | Uint8Array, taken: (() => void) | null): void {
    if (this.#isCaptured) this.#give(chunk, taken);
    else {
      writeQuietly(this.#target(), chunk);
      if (this.#reader !== null && isRead(this.#reader)) this.#reader.push(chunk);
      if (taken !== null) this.whenOut().then(taken);
    }
  }

  /** Whether all that was printed has left this process. */
  get isOut(): boolean {
    return this.#isCaptured || !(this.#target().writableLength > 0);
  }

  async whenOut(): Promise<void> {
    if (this.isOut) return;
    // Not by the stream's own method: a program that has put another one in its place may not call back.
    const { write } = Writable.prototype;
    await new Promise<void>((resolve) => write.call(this.#target(), "", "utf8", () => resolve()));
  }

  adopt(stream: Readable): void {
    if (!this.#isCaptured) return;
    stream.unpipe();
    stream.on("data", (chunk: Uint8Array) => this.#give(chunk, null)).resume();
  }

  end(): void {
    this.#hasEnded = true;
    this.#reader?.push(null);
  }

  #newReader(): Readable {
    const reader = new Readable({ read: () => this.#more() });
    if (this.#hasEnded) reader.push(null);
    return reader;
  }

  #give(chunk: string | Uint8Array, taken: (() => void) | null): void {
    const reader = this.reader;
    if (reader.destroyed || reader.push(chunk)) taken?.();
    else if (taken !== null) this.#taken.push(taken);
  }

  #more(): void {
    const taken = this.#taken;
    this.#taken = [];
    for (const tell of taken) tell();
  }
}

function isRead(reader: Readable): boolean {
  return reader.readableFlowing === true || reader.listenerCount("readable") > 0;
}

/** Writes as `console.log` does: that nobody is there to read any more is no error of the program's. */
function writeQuietly(target: Writable, chunk: string | Uint8Array): void {
  const ignore = (): void => {};
  const ignoreNext = (error: unknown): void => {
    if (error != null && target.listenerCount("error") === 0) target.once("error", ignore);
  };
  try {
    target.once("error", ignore);
    target.write(chunk, ignoreNext);
  } catch {
    // Nothing can be said of it: this is where it would be said.
  } finally {
    target.removeListener("error", ignore);
  }
}
