/** This is a gate as the model's threads use it: what `Gate` does, as steps. */
import {
  NEXT,
  records,
  recoverSteps,
  type Steps,
  sections as s,
  serveSteps,
  THREAD,
  TICKET,
  WAITING,
} from "../../dist/workers/core.js";
import { type Choice, each, type Program, type Thread, WAIT } from "./interleavings.ts";

export const CANCELLED = -9;

/** What becomes of one who passes. */
export interface Passing {
  /** It has a permit from this step on. */
  granted?: () => void;
  /** What is done with a permit that came to somebody who was cancelled at that moment. */
  passOn?: Program;
}

export class GateModel {
  readonly m: Int32Array;
  readonly at: number;
  readonly entries: readonly number[];
  /** `Gate.afterDeath`. */
  afterDeath: () => Iterable<number> = () => [];
  readonly #seen = new Map<number, number>();

  constructor(m: Int32Array, at: number, entryCount: number) {
    this.m = m;
    this.at = at;
    const first = at + s.GATE_WORDS;
    this.entries = Array.from({ length: entryCount }, (_, i) => first + i * s.ENTRY_WORDS);
  }

  /** Where a thread's permits are counted. */
  entry({ id }: Thread): number {
    return this.entries[(id - 1001) % this.entries.length]!;
  }

  word(word: number): number {
    return this.m[this.at + word]!;
  }

  /** The threads that wait, in order. */
  line(): number[] {
    const r = records.words;
    const line: number[] = [];
    for (let record = this.word(s.HEAD); record !== 0; record = r[record + NEXT]!)
      line.push(r[record + THREAD]!);
    return line;
  }

  /** All that matters: not the numbers of tickets, nor what free records and entries still hold. */
  state(): number[] {
    const r = records.words;
    const line: number[] = [];
    for (let record = this.word(s.HEAD); record !== 0; record = r[record + NEXT]!) {
      line.push(r[record + THREAD]!, Math.sign(r[record + TICKET]! - this.word(s.CALLED)));
    }
    const entries = this.entries.flatMap((entry) => {
      const [holder, count, taken] = this.m.slice(entry, entry + s.ENTRY_WORDS);
      return count === 0 ? [0] : [holder!, count!, taken!];
    });
    const seen = [1001, 1002, 1003].map((id) => this.#seen.get(id) ?? 0);
    return [
      this.word(s.VALUE),
      this.word(s.UNTOLD),
      this.word(s.CALLED_AS),
      ...line,
      -1,
      ...entries,
      ...seen,
    ];
  }

  /** `Gate.enter` and `Gate.wait`: how it ended. */
  *pass(thread: Thread, { granted = () => {}, passOn }: Passing): Generator<string, number, Choice> {
    const before = this.word(s.SIZE);
    let outcome = this.#enter(thread, 0, granted);
    if (outcome === s.GRANTED && before > 0) throw new Error(`Thread ${thread.id} overtook ${before}`);
    yield `entered ${this.at} ${outcome}`;
    if (outcome !== s.MUST_WAIT) return outcome;
    yield* this.recover(thread);
    outcome = this.#enter(thread, thread.record, granted);
    if (outcome === WAITING) return yield* this.#wait(thread, granted, passOn);
    yield `entered again ${this.at} ${outcome}`;
    return outcome;
  }

  /** `Gate.give`; `given` is called in the same step. */
  *give(thread: Thread, given: () => void = () => {}): Generator<string, void, Choice> {
    given();
    const head = s.give(this.m, this.at, this.entry(thread));
    yield `gave ${this.at} ${head}`;
    if (head > 0) yield* this.serve();
  }

  serve(): Generator<string, void, Choice> {
    return each(serveSteps(this.m, this.at), `serves ${this.at}`);
  }

  /** `Gate.recover`. */
  *recover(thread: Thread): Generator<string, void, Choice> {
    if (!this.#hasNews(thread)) return;
    this.#seen.set(thread.id, thread.deaths());
    yield* each(this.recovery(), `recovers ${this.at}`);
    yield* each(this.afterDeath(), `looks after ${this.at}`);
  }

  /** `Gate.wait` with a way of its own to join the line. */
  *join(thread: Thread, steps: (record: number) => Steps<number>): Generator<string, number, Choice> {
    yield* this.recover(thread);
    const outcome = yield* each(steps(thread.record), `joins ${this.at} `);
    if (outcome === WAITING) return yield* this.#wait(thread, () => {}, undefined);
    yield `joined ${this.at} ${outcome}`;
    return outcome;
  }

  recovery() {
    return recoverSteps(this.m, this.at, this.entries, (entry) => s.reclaim(this.m, this.at, entry));
  }

  #hasNews(thread: Thread): boolean {
    return (this.#seen.get(thread.id) ?? 0) !== thread.deaths();
  }

  #enter(thread: Thread, record: number, granted: () => void): number {
    const outcome = s.enter(this.m, this.at, this.entry(thread), record, 0);
    if (outcome === s.GRANTED) granted();
    return outcome;
  }

  *#wait(
    thread: Thread,
    granted: () => void,
    passOn: Program | undefined,
  ): Generator<string, number, Choice> {
    for (;;) {
      thread.hasNews = () => this.#hasNews(thread);
      const choice: Choice = yield `${WAIT} ${this.at}`;
      if (choice === "recover") yield* this.recover(thread);
      if (choice !== "cancel" && records.words[thread.record] === WAITING) continue;
      const outcome = s.leave(this.m, this.at, thread.record);
      if (outcome === s.GRANTED) granted();
      yield `left ${this.at} ${outcome} after ${choice}`;
      if (choice !== "cancel") return outcome;
      if (outcome === s.GRANTED && passOn !== undefined) yield* passOn(thread);
      return CANCELLED;
    }
  }
}
