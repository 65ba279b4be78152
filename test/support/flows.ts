// Random programs with several flows in one task, and their oracle: the same program with each flow in a task of its own.
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

/** Runs a program; gives what happened in each of its flows. */
export async function eventsOf({ body, cancels }: Program, mode: Mode): Promise<Record<string, Event[]>> {
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
  return flows;
}

/**
 * Whether two logs may differ: a group with errors that was also cancelled from outside leaves its cancel to the bare task
 * only if nothing else waits there, while a task of its own is always told.
 */
export function mayDiffer(flows: Record<string, Event[]>): boolean {
  const events = Object.values(flows).flat();
  return events.some(
    ([what, how, , cancelling]) => what.endsWith("group") && how.startsWith("[") && cancelling > 0,
  );
}

class Play {
  readonly #mode: Mode;
  readonly #flows: Record<string, Event[]>;
  readonly #places = new Map<string, number>();

  constructor(mode: Mode, flows: Record<string, Event[]>) {
    this.#mode = mode;
    this.#flows = flows;
  }

  async flow(name: string, parts: Part[]): Promise<void> {
    await this.#noted(name, "flow", () => this.#all(name, parts));
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
      this.#flows[flow] ??= [];
      this.#flows[flow].push([what, how, getRunningLoop().time(), currentTask()?.cancelling() ?? -1]);
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
        return await timeout(part.delay, () => this.#all(flow, part.body));
      case "waitFor":
        return await waitFor(() => this.#all(flow, part.body), part.delay);
      case "moveOnAfter": {
        const body = () => this.#all(flow, part.body).then(() => "ended");
        return (await moveOnAfter(part.delay, body)) ?? "moved on";
      }
      case "group":
        return await this.#group(flow, part.children, part.body, part.cancel);
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
    const flows = branches.map((branch, i) => () => this.flow(`${place}/branch ${i}`, branch));
    if (this.#mode === "one task") await Promise.allSettled(flows.map((each) => each()));
    else await tasksTogether(flows);
  }

  /** A name for the flows that begin at the next place of a flow. */
  #place(flow: string): string {
    const place = (this.#places.get(flow) ?? 0) + 1;
    this.#places.set(flow, place);
    return `${flow} ${place}`;
  }
}

/** Runs each function in a task, to which each cancel is passed on: what `Promise.allSettled` does with blocks. */
async function tasksTogether(flows: (() => Promise<void>)[]): Promise<void> {
  const cancels = currentTask()!.cancelling();
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
  for (const task of tasks) if (!task.cancelled()) task.exception();
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
