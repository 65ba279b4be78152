// This is one run of a scenario: its loop on a virtual clock, its names, its trace, and how it begins and ends
// (LANGUAGE.md §6). What the statements do is in statements/.
import { currentTask, EventLoop, eagerTaskFactory, Future, gather, type Task } from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { encodeException, encodeState } from "./encode.ts";
import type { Scenario, TraceEvent, Value } from "./scenario.ts";
import { makeThing, type Things } from "./things.ts";

const MAX_ITERATIONS = 20_000;
const MAX_DEADLOCKS = 8;

export class Run {
  readonly scenario: Scenario;
  readonly loop: EventLoop;
  readonly trace: TraceEvent[] = [];
  readonly tasks = new Map<string, Task<unknown>>();
  readonly things: Things = new Map();
  /** The callbacks that `on_done` added, for `off_done`. */
  readonly doneCallbacks = new Map<string, (future: Future) => void>();
  recording = true;
  #deadlocks = 0;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    const clock = new VirtualClock({
      onDeadlock: () => this.#onDeadlock(),
      onIteration: (iteration) => iteration > MAX_ITERATIONS && this.#finish("livelock"),
    });
    this.loop = new EventLoop({ clock });
    this.loop.setExceptionHandler((_, context) => this.#onException(context.message, context.exception));
    if (scenario.eager) this.loop.setTaskFactory(eagerTaskFactory);
    for (const [name, spec] of Object.entries(scenario.objects ?? {})) {
      this.things.set(name, makeThing(this.loop, spec, this.things));
    }
  }

  /** Runs `main` and what it spawns to the end of the trace. */
  async toTheEnd(main: () => Promise<unknown>): Promise<TraceEvent[]> {
    const task = this.loop.createTask(main, { name: "main" });
    this.tasks.set("main", task);
    task.addDoneCallback(() => this.#onMainDone());
    await this.loop.runForever();
    this.loop.close();
    return this.trace;
  }

  emit(actor: string, verb: string, subject: Value, result: Value): void {
    if (this.recording) this.trace.push([this.loop.time(), actor, verb, subject, result]);
  }

  unfinished(): [string, Task<unknown>][] {
    return [...this.tasks].filter(([, task]) => !task.done());
  }

  unfinishedNames(): string[] {
    return this.unfinished().map(([name]) => name);
  }

  /** The future of that name, or null if there is none (yet). */
  future(name: string): Future | null {
    if (name === "self") return currentTask();
    const found = this.tasks.get(name) ?? this.things.get(name);
    return found instanceof Future ? found : null;
  }

  /** The futures that exist, in the order of their names, duplicates kept. */
  futures(names: readonly string[]): Future[] {
    return names.map((name) => this.future(name)).filter((future) => future !== null);
  }

  /** The futures that exist, each once, under the first of its names. */
  distinct(names: readonly string[]): Map<Future, string> {
    const found = new Map<Future, string>();
    for (const name of names) {
      const future = this.future(name);
      if (future !== null && !found.has(future)) found.set(future, name);
    }
    return found;
  }

  #cancelUnfinished(verb: string): [string, Task<unknown>][] {
    const unfinished = this.unfinished();
    this.emit(
      "loop",
      verb,
      null,
      unfinished.map(([name]) => name),
    );
    for (const [, task] of unfinished) task.cancel();
    return unfinished;
  }

  #onMainDone(): void {
    const cancelled = this.#cancelUnfinished("main_done");
    if (cancelled.length === 0) {
      this.#finish("end");
      return;
    }
    const all = gather(
      cancelled.map(([, task]) => task),
      { returnExceptions: true },
    );
    all.addDoneCallback(() => this.#finish("end"));
  }

  /** Returns true: what it cancelled is ready now, or the loop was stopped. */
  #onDeadlock(): boolean {
    this.#deadlocks += 1;
    if (this.#deadlocks > MAX_DEADLOCKS || this.unfinished().length === 0) this.#finish("stuck");
    else this.#cancelUnfinished("deadlock");
    return true;
  }

  #finish(how: "end" | "stuck" | "livelock"): void {
    if (!this.recording) return;
    this.emit("loop", how, null, null);
    for (const [name, task] of this.tasks) this.emit("final", name, task.cancelling(), encodeState(task));
    this.recording = false;
    this.loop.stop();
  }

  // Reports of failures nobody looked at are left out: when they come depends on garbage collection in Python.
  #onException(message: string, error: unknown): void {
    const traced = ["Exception in callback", "exception in shielded future"].find((text) =>
      message.includes(text),
    );
    if (traced !== undefined) this.emit("loop", "exception_handler", traced, encodeException(error));
  }
}
