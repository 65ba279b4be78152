// These are random programs whose events are to come in the same order, and at the same times, whatever the clock.
import { random } from "./random.ts";

// The loop also gives libuv its turn when a millisecond is over, and microtasks that nobody awaits go on there. So that
// a busy machine changes nothing, the runtime is loaded with a time that stands still unless it is told to rise; its
// timers are Node's.
const { hrtime } = process;
let processTime = 0;
let pause: () => number = () => 0;
const standing = (): [number, number] => {
  processTime += pause();
  return [1e9, processTime * 1e6]; // not since the process began, as a test runner's clock
};
process.hrtime = Object.assign(standing, { bigint: hrtime.bigint });
const {
  createTask,
  currentTask,
  Event,
  Future,
  gather,
  getRunningLoop,
  moveOnAfter,
  newEventLoop,
  Queue,
  run,
  sleep,
  taskGroup,
  timeout,
  waitFor,
  wrapPromise,
} = await import("threadloop");
const { VirtualClock } = await import("threadloop/testing");
process.hrtime = hrtime;

/** A part of a program. Delays are below a millisecond, and no two parts have one in common. */
type Part =
  | { kind: "sleep" | "fail"; delay: number }
  | { kind: "hops" | "turns"; count: number }
  | { kind: "put"; queue: number; delay: number }
  | { kind: "get"; queue: number; delay: number }
  | { kind: "set" | "wait"; event: number; delay: number }
  | { kind: "then" | "catch" | "finally"; delay: number; count: number; later: number }
  | { kind: "settled"; count: number; later: number }
  | { kind: "callback" | "timer"; delay: number; body: Part[] }
  | { kind: "timeout" | "moveOnAfter" | "waitFor"; delay: number; body: Part[] }
  | { kind: "task" | "eager" | "floating" | "promise"; body: Part[] }
  | { kind: "all" | "allSettled" | "race" | "gather" | "group" | "eagers"; branches: Part[][] };

export type Program = readonly Part[];

const UNIT = 2e6; // parts of a millisecond
const RISE = 1e-12; // in milliseconds, which no sum of delays comes near
const QUEUES = 2;

export function program(seed: number): Program {
  const below = random(seed);
  const used = new Set<number>();
  const delay = (): number => {
    const ticks = 1 + below(UNIT / 3);
    if (used.has(ticks)) return delay();
    used.add(ticks);
    return ticks / UNIT;
  };
  const pick = <T>(...list: T[]) => list[below(list.length)] as T;
  const plain = (): Part => {
    const count = 1 + below(8);
    switch (below(9)) {
      case 0:
        return { kind: "fail", delay: delay() };
      case 1:
        return { kind: pick("hops", "turns"), count };
      case 2:
        return { kind: pick("put", "get"), queue: below(QUEUES), delay: delay() };
      case 3:
        return { kind: pick("set", "wait"), event: below(QUEUES), delay: delay() };
      case 4:
        return { kind: pick("then", "catch", "finally"), delay: delay(), count, later: below(2) * delay() };
      case 5:
        return { kind: "settled", count, later: below(2) * delay() };
      default:
        return { kind: "sleep", delay: delay() };
    }
  };
  const block = (depth: number): Part => {
    switch (below(5)) {
      case 0:
        return { kind: pick("callback", "timer"), delay: delay(), body: parts(depth) };
      case 1:
        return { kind: pick("timeout", "moveOnAfter", "waitFor"), delay: delay(), body: parts(depth) };
      case 2:
      case 3: {
        // A promise that tasks of the loop settle costs the clock its patience at each jump.
        const kind = below(20) === 0 ? "promise" : pick("task", "eager", "floating");
        return { kind, body: parts(depth) };
      }
      default: {
        const kind = pick("all", "allSettled", "race", "gather", "group", "eagers");
        return { kind, branches: Array.from({ length: 2 + below(2) }, () => parts(depth)) };
      }
    }
  };
  const parts = (depth: number): Part[] =>
    Array.from({ length: 1 + below(3) }, () => (depth > 0 && below(5) < 3 ? block(depth - 1) : plain()));
  return parts(4);
}

/** When the timers of a run are due. */
class Plan {
  readonly times: number[] = [];

  /** Notes a delay that begins now, and gives it. */
  note(delay: number): number {
    this.times.push(getRunningLoop().time() + delay);
    return delay;
  }

  next(time: number): number {
    return Math.min(...this.times.filter((planned) => planned > time));
  }

  /** Whether two are so near each other that a clock which rises meanwhile may change their order. */
  get hasTie(): boolean {
    const sorted = this.times.toSorted((a, b) => a - b);
    return sorted.some((time, i) => i > 0 && time - (sorted[i - 1] as number) < 0.1 / UNIT);
  }
}

/** What happened: which flow, what, how, and the time in units. */
type Entry = [flow: string, what: string, how: string, when: number];

export interface Run {
  readonly log: readonly Entry[];
  readonly hasTie: boolean;
}

/** Runs it on a clock that jumps; with a seed in a process that pauses by chance. */
export async function onVirtualClock(parts: Program, pauses?: number): Promise<Run> {
  const plan = new Plan();
  const log: Entry[] = [];
  const below = random(pauses ?? 0);
  if (pauses !== undefined) pause = () => (below(3) === 0 ? 5 : 0);
  await run(() => new Play(plan, log).main(parts), { clock: new VirtualClock() });
  pause = () => 0;
  return { log, hasTie: plan.hasTie };
}

/**
 * Runs it as on the process's clock, on which the loop sleeps in a timer of Node's until it is woken; but what is read
 * rises a little in each iteration, and after such a sleep to the next deadline, so that no pause of the machine counts.
 */
export async function onRealClock(parts: Program): Promise<Run> {
  const plan = new Plan();
  const log: Entry[] = [];
  let time = 0;
  let mayHaveSlept = false;
  const clock = {
    now: () => time,
    iteration: () => {
      time += RISE;
      const isIdle = !loop._hasReady();
      if (isIdle && mayHaveSlept) {
        const next = plan.next(time);
        if (next < Infinity) time = next;
      }
      mayHaveSlept = isIdle && !mayHaveSlept;
    },
  };
  const loop = newEventLoop({ clock });
  await run(() => new Play(plan, log).main(parts), { loopFactory: () => loop });
  return { log, hasTie: plan.hasTie };
}

class Play {
  readonly #plan: Plan;
  readonly #log: Entry[];
  readonly #queues = Array.from({ length: QUEUES }, () => new Queue<string>(1));
  readonly #events = Array.from({ length: QUEUES }, () => new Event());
  readonly #places = new Map<string, number>();

  constructor(plan: Plan, log: Entry[]) {
    this.#plan = plan;
    this.#log = log;
  }

  async main(parts: Program): Promise<void> {
    await this.#quietly("main", parts);
    for (let i = 0; i < 4; i++) await this.#sleep(0.9); // for most of what nobody awaits
    this.#note("main", "all", "over");
  }

  #note(flow: string, what: string, how: string): void {
    const name = currentTask() === null ? `${flow} in no task` : flow;
    this.#log.push([name, what, how, Math.floor(getRunningLoop().time() * UNIT + 0.25)]);
  }

  #sleep(delay: number): ReturnType<typeof sleep> {
    return sleep(this.#plan.note(delay));
  }

  async #quietly(flow: string, parts: Program): Promise<string> {
    try {
      await this.#all(flow, parts);
      return "ended";
    } catch (error) {
      return (error as Error).name;
    }
  }

  async #all(flow: string, parts: Program): Promise<void> {
    for (const part of parts) {
      let how = "ended";
      try {
        const result = await this.#one(flow, part);
        if (result !== undefined) how = String(result);
      } catch (error) {
        how = (error as Error).name;
        throw error;
      } finally {
        this.#note(flow, part.kind, how);
      }
    }
  }

  async #one(flow: string, part: Part): Promise<unknown> {
    switch (part.kind) {
      case "sleep":
        return await this.#sleep(part.delay);
      case "fail":
        await this.#sleep(part.delay);
        throw new RangeError(flow);
      case "hops":
        return await hops(part.count);
      case "turns":
        for (let i = 0; i < part.count; i++) await sleep(0);
        return;
      case "put":
        return await moveOnAfter(this.#plan.note(part.delay), () => this.#queues[part.queue]?.put(flow));
      case "get":
        return await moveOnAfter(this.#plan.note(part.delay), () => this.#queues[part.queue]?.get());
      case "set":
        await this.#sleep(part.delay);
        return this.#events[part.event]?.set();
      case "wait":
        return await moveOnAfter(this.#plan.note(part.delay), () => this.#events[part.event]?.wait());
      case "then":
      case "catch":
      case "finally":
        return await this.#chained(flow, part);
      case "settled":
        return await this.#settled(flow, part.count, part.later);
      case "callback":
      case "timer":
        return this.#callback(flow, part);
      case "timeout":
        return await timeout(this.#plan.note(part.delay), () => this.#all(flow, part.body));
      case "moveOnAfter":
        return await moveOnAfter(this.#plan.note(part.delay), () => this.#all(flow, part.body));
      case "waitFor":
        return await waitFor(() => this.#all(flow, part.body), this.#plan.note(part.delay));
      default:
        return await ("body" in part ? this.#begun(flow, part) : this.#together(flow, part));
    }
  }

  async #chained(flow: string, part: Extract<Part, { later: number; delay: number }>): Promise<unknown> {
    const react = async () => {
      await hops(part.count);
      if (part.later > 0) await this.#sleep(part.later);
      this.#note(flow, "reaction", part.kind);
    };
    const slept = this.#sleep(part.delay);
    if (part.kind === "then") return await slept.then(react);
    if (part.kind === "finally") return await slept.finally(react);
    const failing = createTask(async () => {
      await slept;
      throw new RangeError(flow);
    });
    return await failing.catch(react);
  }

  /** A future that an async function settles which nobody awaits. */
  async #settled(flow: string, count: number, later: number): Promise<unknown> {
    const future = new Future<string>();
    void (async () => {
      await hops(count);
      if (later > 0) await this.#sleep(later);
      if (!future.done()) future.setResult(flow);
    })().catch(() => future.cancel());
    return await future;
  }

  #callback(flow: string, part: Extract<Part, { kind: "callback" | "timer" }>): void {
    const name = this.#place(flow);
    const call = () => this.#begin(name, part.body);
    if (part.kind === "callback") getRunningLoop().callSoon(call);
    else getRunningLoop().callLater(this.#plan.note(part.delay), call);
  }

  /** Begins a flow that nobody awaits. */
  #begin(name: string, parts: Part[]): void {
    void this.#quietly(name, parts).then((how) => this.#note(name, "flow", how));
  }

  async #begun(
    flow: string,
    { kind, body }: Extract<Part, { kind: "task" | "promise" | "floating" | "eager" }>,
  ) {
    const name = this.#place(flow);
    if (kind === "floating") return this.#begin(name, body);
    const task = createTask(() => this.#quietly(name, body), { eagerStart: kind === "eager" });
    task.addDoneCallback(() => this.#note(name, "task", "done"));
    if (kind === "promise") return await wrapPromise(task.toPromise());
    if (body.length > 1) return await task;
  }

  async #together(flow: string, { kind, branches }: Extract<Part, { branches: Part[][] }>): Promise<unknown> {
    const place = this.#place(flow);
    const flows = branches.map((branch, i) => () => this.#quietly(`${place}.${i}`, branch));
    switch (kind) {
      case "all":
        return await Promise.all(flows.map((each) => each()));
      case "allSettled":
        return (await Promise.allSettled(flows.map((each) => createTask(each)))).length;
      case "race":
        return await Promise.race(flows.map((each) => each()));
      case "gather":
        return await gather(flows);
      case "eagers":
        return await gather(flows.map((each) => createTask(each, { eagerStart: true })));
      default:
        return await taskGroup((group) => {
          for (const each of flows) group.createTask(each);
        });
    }
  }

  #place(flow: string): string {
    const place = (this.#places.get(flow) ?? 0) + 1;
    this.#places.set(flow, place);
    return `${flow} ${place}`;
  }
}

async function hops(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await null;
}
