// These are random programs with several flows in one task, and their oracle: the same program with each flow in a
// task of its own.
import {
  createTask,
  currentTask,
  ExceptionGroup,
  Future,
  getRunningLoop,
  moveOnAfter,
  run,
  sleep,
  type Task,
  taskGroup,
  timeout,
  waitFor,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { random } from "./random.ts";

/** A part of a program. Numbers are milliseconds, which no two parts of a program have in common. */
type Part =
  | { kind: "sleep"; delay: number }
  | { kind: "hops"; count: number }
  | { kind: "fail"; delay: number }
  | { kind: "timeout" | "moveOnAfter" | "waitFor"; delay: number; body: Part[] }
  | { kind: "group"; cancel: number | null; children: Part[][]; body: Part[] }
  | { kind: "finally" | "catch"; body: Part[]; cleanup: Part[] }
  | { kind: "together"; branches: Part[][] };

export interface Program {
  body: Part[];
  /** When the task is cancelled from outside. */
  cancels: number[];
}

/** What ended, how, when, and how many cancels the task had there. */
type Event = [what: string, how: string, when: number, cancelling: number];

/** How the flows of `together` run: in one task, or each in a task of its own. */
export type Mode = "one task" | "a task each";

export function program(seed: number): Program {
  const maker = new Maker(seed);
  const body = maker.parts(3);
  return { body, cancels: maker.cancels() };
}

class Maker {
  readonly #below: (limit: number) => number;
  readonly #used = new Set<number>();

  constructor(seed: number) {
    this.#below = random(seed);
  }

  cancels(): number[] {
    return Array.from({ length: Math.max(0, this.#below(4) - 1) }, () => this.#time(120));
  }

  parts(depth: number): Part[] {
    return Array.from({ length: 1 + this.#below(3) }, () => this.#part(depth));
  }

  #part(depth: number): Part {
    const choice = this.#below(depth > 0 ? 14 : 5);
    return choice < 5 ? this.#plain(choice) : this.#block(choice, depth - 1);
  }

  #plain(choice: number): Part {
    if (choice < 3) return { kind: "sleep", delay: this.#time(60) };
    if (choice === 3) return { kind: "hops", count: 1 + this.#below(6) };
    return { kind: "fail", delay: this.#time(60) };
  }

  #block(choice: number, depth: number): Part {
    const several = (count: number) => Array.from({ length: count }, () => this.parts(depth));
    const body = this.parts(depth);
    if (choice < 8) {
      const kind = (["timeout", "moveOnAfter", "waitFor"] as const)[choice - 5] as "timeout";
      return { kind, delay: this.#time(80), body };
    }
    if (choice < 10) {
      const cancel = this.#below(4) === 0 ? this.#time(60) : null;
      return { kind: "group", cancel, children: several(this.#below(3)), body };
    }
    if (choice < 12) {
      const cleanup: Part[] = [{ kind: "sleep", delay: this.#time(20) }, ...several(this.#below(2)).flat()];
      return { kind: choice === 10 ? "finally" : "catch", body, cleanup };
    }
    return { kind: "together", branches: several(2 + this.#below(2)) };
  }

  /** A time that no other part has, so that no two things happen at once. */
  #time(most: number): number {
    const time = 1 + this.#below(most * 100_000) / 100_000;
    if (this.#used.has(time)) return this.#time(most);
    this.#used.add(time);
    return time;
  }
}

/** What happened in each flow of a program. */
export interface Played {
  readonly flows: Record<string, Event[]>;
  /**
   * Whether microtasks decide. A cancel was pending where several flows began: the first that waits is told. Or it came
   * while one of them was between two waits: that one is not told where another is. Or it was dropped for a neighbour
   * that was waiting, and a flow ended in that instant: perhaps that neighbour, just before.
   */
  readonly isOpen: boolean;
}

/** Runs a program. */
export async function eventsOf({ body, cancels }: Program, mode: Mode): Promise<Played> {
  const flows: Record<string, Event[]> = {};
  const play = new Play(mode, flows);
  await run(
    async () => {
      const task = createTask(() => play.flow("main", body));
      const timers = cancels.map((when) => getRunningLoop().callLater(when, () => task.cancel()));
      await ended(task);
      for (const timer of timers) timer.cancel();
    },
    { clock: new VirtualClock() },
  );
  return { flows, isOpen: play.isOpen };
}

/** A task of the oracle: a cancel of it, or of one of its blocks, is pending while nothing was cancelled for it. */
type FlowTask = Task &
  Level & {
    readonly _isSuspended: boolean;
    readonly _waitScope: Level | null;
    readonly _undelivered: number;
  };

interface Level {
  _pendingReason(): object | null;
  _setPending(reason: object): void;
  _dropPending(): void;
}

/** A flow that has a task of its own, as a branch of `together` has in the oracle: what a branch has in common with others. */
class Flow {
  readonly task = currentTask() as FlowTask;
  /** The flow whose `together` it is a branch of, if it is one. */
  readonly #parent: Flow | null;
  /** How many blocks of its own its code is in. */
  #blocks = 0;
  /** The branches of the `together` in which it is; null when it is in none. */
  #branches: Flow[] | null = null;
  /** A cancel that a branch has left to it. */
  #left: object | null = null;

  constructor(parent: Flow | null) {
    this.#parent = parent;
    if (parent !== null) (parent.#branches as Flow[]).push(this);
  }

  enterBlock(): void {
    this.#blocks++;
  }

  /**
   * A block that is over leaves a cancel to what is around it. Gives true when it does not, as a neighbour waits there,
   * who was told already.
   */
  leaveBlock(): boolean {
    if (--this.#blocks > 0 || this.#parent === null || this.task._pendingReason() === null) return false;
    let outermost = this.#parent;
    while (outermost.#blocks === 0 && outermost.#parent !== null) outermost = outermost.#parent;
    if (!outermost.#waitsInside()) return false;
    this.task._dropPending();
    return true;
  }

  #waitsInside(): boolean {
    const branches = this.#branches as Flow[];
    return branches.some((each) => (each.#branches === null ? each.task._isSuspended : each.#waitsInside()));
  }

  /** Begins branches; true when a cancel is pending there, for the first of them that waits. */
  enterTogether(): boolean {
    this.#branches = [];
    return this.task._undelivered !== 0;
  }

  leaveTogether(): void {
    this.#branches = null;
    if (this.#left !== null) (this.task._waitScope ?? this.task)._setPending(this.#left);
    this.#left = null;
  }

  /** A branch that is over leaves a cancel that nobody was told of to its parent. */
  end(): void {
    const reason = this.task._pendingReason();
    if (reason === null || this.#parent === null) return;
    this.task._dropPending();
    this.#parent.#left = reason;
  }
}

class Play {
  isOpen = false;
  /** How many cancels each flow had when it did something last. */
  readonly #cancels = new Map<string, number>();
  /** When a cancel was dropped for a neighbour. */
  #dropped = -1;
  readonly #mode: Mode;
  readonly #flows: Record<string, Event[]>;
  readonly #places = new Map<string, number>();
  /** The flows of the oracle. */
  readonly #tasks = new Map<string, Flow>();

  constructor(mode: Mode, flows: Record<string, Event[]>) {
    this.#mode = mode;
    this.#flows = flows;
  }

  async flow(name: string, parts: Part[], parent: Flow | null = null): Promise<void> {
    const flow = new Flow(parent);
    this.#cancels.set(name, cancelling());
    if (this.#mode === "a task each") this.#tasks.set(name, flow);
    try {
      await this.#noted(name, "flow", () => this.#all(name, parts));
    } finally {
      if (this.#dropped === getRunningLoop().time()) this.isOpen = true;
      if (this.#mode === "a task each") flow.end();
    }
  }

  async #all(flow: string, parts: Part[]): Promise<void> {
    for (const part of parts) await this.#noted(flow, part.kind, () => this.#one(flow, part));
  }

  async #noted(flow: string, what: string, body: () => PromiseLike<unknown>): Promise<void> {
    let how = "ended";
    try {
      if ((await body()) === "moved on") how = "moved on";
    } catch (error) {
      how = shown(error);
      throw error;
    } finally {
      const cancels = cancelling();
      const isWait = what === "sleep" || what === "fail";
      const isTold = how === "CancelledError" || this.#mode === "a task each";
      if (isWait && !isTold && cancels > (this.#cancels.get(flow) as number)) this.isOpen = true;
      this.#cancels.set(flow, cancels);
      this.#flows[flow] ??= [];
      this.#flows[flow].push([what, how, getRunningLoop().time(), cancels]);
    }
  }

  async #one(flow: string, part: Part): Promise<unknown> {
    switch (part.kind) {
      case "sleep":
        return await sleep(part.delay);
      case "hops":
        for (let i = 0; i < part.count; i++) await null;
        return;
      case "fail":
        await sleep(part.delay);
        throw new RangeError(flow);
      case "timeout":
        return await this.#block(flow, () => timeout(part.delay, () => this.#all(flow, part.body)));
      case "waitFor":
        return await this.#block(flow, () => waitFor(() => this.#all(flow, part.body), part.delay));
      case "moveOnAfter": {
        const body = () => this.#all(flow, part.body).then(() => "ended");
        return (await this.#block(flow, () => moveOnAfter(part.delay, body))) ?? "moved on";
      }
      case "group":
        return await this.#block(flow, () => this.#group(flow, part.children, part.body, part.cancel));
      case "finally":
        try {
          return await this.#all(flow, part.body);
        } finally {
          await this.#all(flow, part.cleanup);
        }
      case "catch":
        try {
          return await this.#all(flow, part.body);
        } catch {
          return await this.#all(flow, part.cleanup);
        }
      case "together":
        return await this.#together(flow, part.branches);
    }
  }

  /** Notes that a flow of the oracle is in a block. */
  async #block<T>(flow: string, run: () => Promise<T>): Promise<T> {
    const inTask = this.#tasks.get(flow);
    if (inTask === undefined) return await run();
    inTask.enterBlock();
    try {
      return await run();
    } finally {
      if (inTask.leaveBlock()) this.#dropped = getRunningLoop().time();
    }
  }

  async #group(flow: string, children: Part[][], body: Part[], cancel: number | null): Promise<void> {
    const loop = getRunningLoop();
    const place = this.#place(flow);
    await taskGroup(async (group) => {
      children.forEach((child, i) => {
        group.createTask(() => this.flow(`${place}/child ${i}`, child));
      });
      if (cancel !== null) loop.callLater(cancel, () => group.cancel());
      await this.#all(flow, body);
    });
  }

  async #together(flow: string, branches: Part[][]): Promise<void> {
    const place = this.#place(flow);
    const parent = this.#tasks.get(flow) ?? null;
    const flows = branches.map((branch, i) => () => this.flow(`${place}/branch ${i}`, branch, parent));
    if (parent === null) await Promise.allSettled(flows.map((each) => each()));
    else await this.#tasksTogether(flows, parent);
  }

  /** Runs each function in a task, to which each cancel is passed on: what `Promise.allSettled` does with blocks. */
  async #tasksTogether(flows: (() => Promise<void>)[], parent: Flow): Promise<void> {
    const cancels = currentTask()!.cancelling();
    if (parent.enterTogether()) this.isOpen = true;
    const tasks = flows.map((each) => createTask(each));
    for (const task of tasks) Object.assign(task, { _cancels: cancels }); // those around the block count inside it
    for (;;) {
      const pending = tasks.filter((task) => !task.done());
      if (pending.length === 0) break;
      const turn = new Future<void>();
      pending[0]!.addDoneCallback(() => turn.done() || turn.setResult());
      try {
        await turn;
      } catch {
        for (const task of tasks) task.cancel();
      }
    }
    parent.leaveTogether();
    for (const task of tasks) if (!task.cancelled()) task.exception();
  }

  /** A name for the flows that begin at the next place of a flow. */
  #place(flow: string): string {
    const place = (this.#places.get(flow) ?? 0) + 1;
    this.#places.set(flow, place);
    return `${flow} ${place}`;
  }
}

async function ended(task: Task): Promise<void> {
  try {
    await task;
  } catch {}
}

function shown(error: unknown): string {
  if (error instanceof ExceptionGroup) return `[${error.errors.map(shown).join()}]`;
  return (error as Error).name;
}

function cancelling(): number {
  return currentTask()?.cancelling() ?? -1;
}
