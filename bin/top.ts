// This is `threadloop top`: a process's pools, threads, functions and tasks, looked at again and again, in a
// terminal. Where there is none, it is looked once, and what the screen would show is printed.

import { emitKeypressEvents } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { TaskForest, type TaskNode } from "../workers/observe/tasktree.ts";
import { attached } from "./attach.ts";
import { lookInto, numbersOf } from "./look.ts";
import { type Reading, ratesBetween } from "./rates.ts";
import type { Remote } from "./remote.ts";
import {
  linesOf,
  listedTasks,
  ORDERS,
  type Order,
  type ScreenSize,
  type ScreenState,
  type Sight,
} from "./screen.ts";
import { createLogUpdate } from "./terminal.ts";

/** How much longer than the time between two readings the process keeps counting for us. */
const LEASES = 3;
const ALTERNATE_SCREEN = "\x1b[?1049h\x1b[H";
const FORMER_SCREEN = "\x1b[?1049l";

/** What is looked at. */
export interface Subject {
  readonly name: string;
  readonly owners: ScreenState["owners"];
  look(): Promise<Sight>;
  /** Resolves when there is nothing more to see. */
  readonly closed: Promise<void>;
  /** Whether a look fails as that is so; `closed` may wait for us to leave. */
  readonly isGone: boolean;
  /** What is said then. */
  readonly farewell: string;
}

/** Looks into a process every so many milliseconds, until it is told to quit or the process ends. Gives what is left to print. */
export function top(pid: number, port: number, every: number): Promise<string> {
  return attached(pid, port, (remote) => watch(new ProcessSubject(remote, pid, every * LEASES), every));
}

/** Looks every so many milliseconds, until it is told to quit or there is nothing more to see. */
export async function watch(subject: Subject, every: number): Promise<string> {
  const watch = new Watch(subject, every);
  await watch.look();
  if (process.stdout.isTTY && process.stdin.isTTY) return await new Terminal(watch).run();
  await wait(every);
  await watch.look();
  return linesOf(watch.state, { columns: 200, rows: 100, hasColor: false }).slice(0, -1).join("\n");
}

/** A running process. */
class ProcessSubject implements Subject {
  readonly name: string;
  readonly owners = "POOL";
  readonly closed: Promise<void>;
  readonly #remote: Remote;
  readonly #pid: number;
  readonly #lease: number;
  #before: Reading = new Map();

  constructor(remote: Remote, pid: number, lease: number) {
    this.#remote = remote;
    this.#pid = pid;
    this.#lease = lease;
    this.name = String(pid);
    this.closed = remote.closed;
  }

  get farewell(): string {
    return `Process ${this.#pid} has ended`;
  }

  get isGone(): boolean {
    return this.#remote.main.isGone;
  }

  async look(): Promise<Sight> {
    const [snapshots, numbers] = await Promise.all([
      lookInto(this.#remote, this.#pid),
      numbersOf(this.#remote, this.#lease),
    ]);
    const { all } = new TaskForest(snapshots.sort((a, b) => a.thread - b.thread));
    const rates = ratesBetween(this.#before, numbers);
    this.#before = numbers;
    const placeOf = ({ thread }: TaskNode): string | null => (thread === null ? null : String(thread));
    return { rates, tasks: all, placeOf, notice: "" };
  }
}

/** What is known of a subject, and how it is to be shown. */
class Watch {
  readonly subject: Subject;
  readonly every: number;
  order: Order = "time";
  marked = 0;
  isOpen = false;
  isPaused = false;
  #sight: Sight = {
    rates: { pools: [], threads: [], functions: [] },
    tasks: [],
    placeOf: () => null,
    notice: "",
  };

  constructor(subject: Subject, every: number) {
    this.subject = subject;
    this.every = every;
  }

  async look(): Promise<void> {
    const sight = await this.subject.look();
    const marked = this.#markedName();
    this.#sight = sight;
    this.#markAgain(marked);
  }

  get state(): ScreenState {
    const { order, marked, isOpen, isPaused } = this;
    const { name, owners } = this.subject;
    return { ...this.#sight, subject: name, owners, order, marked, isOpen, isPaused };
  }

  mark(place: number): void {
    this.marked = Math.max(0, Math.min(place, this.#sight.tasks.length - 1));
  }

  nextOrder(): void {
    const marked = this.#markedName();
    this.order = ORDERS[(ORDERS.indexOf(this.order) + 1) % ORDERS.length] as Order;
    this.#markAgain(marked);
  }

  /** The mark stays with its task, wherever that is listed now. */
  #markAgain(marked: string): void {
    const place = this.#listed().findIndex((task) => this.#nameOf(task) === marked);
    this.mark(place === -1 ? this.marked : place);
  }

  #markedName(): string {
    const marked = this.#listed()[this.marked];
    return marked === undefined ? "" : this.#nameOf(marked);
  }

  #nameOf(task: TaskNode): string {
    return `${task.kind} ${task.name} ${this.#sight.placeOf(task)}`;
  }

  #listed(): TaskNode[] {
    return listedTasks({ tasks: this.#sight.tasks, order: this.order });
  }
}

interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
}

/** The terminal while it shows a watch: what was on it before comes back at the end. */
class Terminal {
  readonly #watch: Watch;
  readonly #update = createLogUpdate(process.stdout, { showCursor: false });
  readonly #quit: Promise<string>;
  #end: (text: string) => void = () => {};
  readonly #over = new AbortController();
  readonly #draw = (): void => this.#update(linesOf(this.#watch.state, this.#size()).join("\n"));
  readonly #onKey = (_: string, key: Key): void => this.#press(key);
  readonly #onSignal = (): void => this.#end("");

  constructor(watch: Watch) {
    this.#watch = watch;
    this.#quit = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Shows it until somebody quits, or the process is gone. */
  async run(): Promise<string> {
    this.#open();
    try {
      const { subject } = this.#watch;
      const gone = subject.closed.then(() => subject.farewell);
      return await Promise.race([this.#quit, gone, this.#watchOn()]);
    } finally {
      this.#close();
    }
  }

  /** Draws and looks in turn; it is over when the process is gone, or the terminal given back. */
  async #watchOn(): Promise<string> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      this.#draw();
      await wait(this.#watch.every, null, { signal }).catch(() => {});
      if (!this.#watch.isPaused && !signal.aborted) await this.#look();
    }
    return "";
  }

  /** A process that has ended answers no more, and waits for us to leave. */
  async #look(): Promise<void> {
    try {
      await this.#watch.look();
    } catch (error) {
      if (this.#over.signal.aborted) return;
      if (!this.#watch.subject.isGone) throw error;
      this.#end(this.#watch.subject.farewell);
    }
  }

  #press({ name, ctrl = false }: Key): void {
    const watch = this.#watch;
    if (name === "q" || (ctrl && (name === "c" || name === "d"))) this.#end("");
    else if (name === "s") watch.nextOrder();
    else if (name === "p") watch.isPaused = !watch.isPaused;
    else if (name === "return") watch.isOpen = true;
    else if (name === "escape" || name === "backspace") watch.isOpen = false;
    else watch.mark(watch.marked + (MOVES[name ?? ""] ?? 0));
    this.#draw();
  }

  #size(): ScreenSize {
    const { columns = 80, rows = 24 } = process.stdout;
    return { columns, rows: rows - 1, hasColor: process.stdout.hasColors() };
  }

  #open(): void {
    process.stdout.write(ALTERNATE_SCREEN);
    emitKeypressEvents(process.stdin);
    process.stdin.setRawMode(true);
    process.stdin.on("keypress", this.#onKey).resume();
    process.stdout.on("resize", this.#draw);
    for (const signal of ENDS) process.on(signal, this.#onSignal);
  }

  #close(): void {
    this.#over.abort();
    for (const signal of ENDS) process.off(signal, this.#onSignal);
    process.stdout.off("resize", this.#draw);
    process.stdin.off("keypress", this.#onKey).pause();
    process.stdin.setRawMode(false);
    this.#update.done();
    process.stdout.write(FORMER_SCREEN);
  }
}

const ENDS = ["SIGTERM", "SIGHUP", "SIGINT"] as const;
const MOVES: Readonly<Record<string, number>> = { up: -1, k: -1, down: 1, j: 1, pageup: -10, pagedown: 10 };
