/**
 * This tries every order in which the steps of a few threads can come, on the real memory and the real sections.
 *
 * A thread is a generator: what it does up to its next `yield` is one step, in which it touches shared memory once. At
 * a `yield` any other thread may go on, and the thread may die; at `WAIT` it goes on only when it was notified, when
 * it hears of a death, or when it is cancelled. States that were met before are not looked at again.
 */
import { records, roster, rowOf, self, THREAD, takeRecord } from "../../dist/workers/core.js";

export const WAIT = "wait";
export type Choice = "go" | "look" | "recover" | "cancel";
export type Program = (thread: Thread) => Generator<string, void, Choice>;

export interface Thread {
  readonly id: number;
  /** Where it waits. */
  readonly record: number;
  at: string;
  rung: boolean;
  /** Whether somebody has died of whom it has not heard; said by what it waits for. */
  hasNews: () => boolean;
  /** How many have died, as far as is known. */
  readonly deaths: () => number;
  cancels: number;
  state: "live" | "done" | "killed" | "dead";
  steps: Generator<string, void, Choice>;
}

/** What a model is made of. It is made anew for each order. */
export interface Model {
  readonly programs: readonly { program: Program; cancels?: number; mayDie?: boolean }[];
  /** What decides how it goes on, beside what the threads themselves know. */
  state(): readonly number[];
  /** Throws when something is wrong now. */
  check?(threads: readonly Thread[]): void;
  /** Throws when something is wrong at the end. */
  finish?(threads: readonly Thread[]): void;
  /** Whether a thread that waits at the end does so rightly. */
  mayWait?(thread: Thread): boolean;
  /** Is told when a thread dies. */
  died?(thread: Thread): void;
}

type Move = readonly [thread: number, choice: Choice | "die" | "bury"];

/** Numbers of threads that do not exist, with records of their own. */
const IDS = [1001, 1002, 1003];
const RECORDS = IDS.map((id) => {
  const record = takeRecord();
  memory()[record + THREAD] = id;
  return record;
});

export interface Explored {
  states: number;
  ends: number;
}

/** Goes through all orders; throws at the first that goes wrong, with the order in the message. */
export function explore(make: () => Model): Explored {
  const seen = new Set<string>();
  const explored: Explored = { states: 0, ends: 0 };
  const open: Move[][] = [[]];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const world = new World(make());
    try {
      for (const move of path) world.move(move);
      const key = world.key();
      if (seen.has(key)) continue;
      seen.add(key);
      explored.states++;
      const moves = world.moves();
      for (const move of moves) open.push([...path, move]);
      if (!moves.some(([, choice]) => choice !== "die" && choice !== "cancel")) {
        world.finish();
        explored.ends++;
      }
    } catch (error) {
      throw new Error(`${path.map((move) => move.join(" ")).join(", ")}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  return explored;
}

class World {
  readonly #model: Model;
  readonly #threads: Thread[];
  #deaths = 0;

  constructor(model: Model) {
    this.#model = model;
    this.#threads = model.programs.map(({ program, cancels = 0 }, i) => this.#start(i, program, cancels));
  }

  #start(i: number, program: Program, cancels: number): Thread {
    const [id, record] = [IDS[i]!, RECORDS[i]!];
    roster.words[rowOf(id)] = 0;
    for (let word = 0; word < 8; word++) if (word !== THREAD) memory()[record + word] = 0;
    const thread = { id, record, at: "start", rung: false, cancels, state: "live" } as Thread;
    Object.assign(thread, { hasNews: () => false, deaths: () => this.#deaths });
    thread.steps = program(thread);
    return thread;
  }

  /** What can happen next. */
  moves(): Move[] {
    return this.#threads.flatMap((thread, i) => {
      if (thread.state === "killed") return [[i, "bury"] as const];
      if (thread.state !== "live") return [];
      const moves: Move[] = choicesOf(thread).map((choice) => [i, choice] as const);
      if (
        this.#model.programs[i]!.mayDie &&
        this.#threads.every(({ state }) => state !== "dead" && state !== "killed")
      ) {
        moves.push([i, "die"]);
      }
      return moves;
    });
  }

  move([i, choice]: Move): void {
    const thread = this.#threads[i]!;
    if (choice === "die") this.#die(thread);
    else if (choice === "bury") this.#bury(thread);
    else this.#step(thread, choice);
    this.#model.check?.(this.#threads);
  }

  key(): string {
    const threads = this.#threads.map(
      ({ at, rung, record, cancels, state }) => `${at} ${memory()[record]} ${rung} ${cancels} ${state}`,
    );
    return [this.#deaths, ...this.#model.state(), ...threads].join("|");
  }

  finish(): void {
    for (const thread of this.#threads) {
      if (thread.state !== "live" || this.#model.mayWait?.(thread) === true) continue;
      throw new Error(`Thread ${thread.id} waits for ever at ${thread.at}`);
    }
    this.#model.finish?.(this.#threads);
  }

  #step(thread: Thread, choice: Choice): void {
    self.me = thread.id;
    if (choice === "look") thread.rung = false;
    if (choice === "cancel") thread.cancels--;
    ringTarget = (record) => {
      const woken = this.#threads.find(({ id }) => id === memory()[record + THREAD]);
      if (woken !== undefined) woken.rung = true;
    };
    const { done, value } = thread.steps.next(choice);
    thread.at = value ?? "end";
    if (done === true) thread.state = "done";
  }

  #die(thread: Thread): void {
    thread.state = "killed";
    this.#model.died?.(thread);
  }

  #bury(thread: Thread): void {
    thread.state = "dead";
    roster.words[rowOf(thread.id)] = 1;
    this.#deaths++;
  }
}

function choicesOf(thread: Thread): Choice[] {
  if (!thread.at.startsWith(WAIT)) return ["go"];
  const choices: Choice[] = [];
  if (thread.rung) choices.push("look");
  if (thread.hasNews()) choices.push("recover");
  if (thread.cancels > 0) choices.push("cancel");
  return choices;
}

let ringTarget: (record: number) => void = () => {};

/** Notifies the thread to which a record belongs. */
export function notify(record: number): void {
  if (record > 0) ringTarget(record);
}

/** Goes through steps of the implementation: another thread may come between a section and the notification that follows it. */
export function* each<T>(steps: Iterable<number, T, unknown>, at: string): Generator<string, T, Choice> {
  const iterator = steps[Symbol.iterator]();
  let step = iterator.next();
  for (let count = 0; step.done !== true; step = iterator.next()) {
    yield `${at}${count++} notifies ${step.value}`;
    notify(step.value);
  }
  return step.value;
}

function memory(): Int32Array {
  return records.words;
}
