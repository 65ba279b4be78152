// This is what a file of this folder's parent is: a question, asked of several contenders, answered in figures.

export interface Question {
  readonly title: string;
  /** Measures and records. Runs in a process of its own, started with `--expose-gc`. */
  ask(bench: Bench): Promise<void>;
}

/** How a question measures; made by `createBench`. */
export interface Bench {
  readonly quick: boolean;
  /** Returns `full`, or `quick` in a run with `--quick`. */
  pick<T>(full: T, quick: T): T;
  /** Declares a measure: its column in the table, in this order. */
  measure(name: string, unit: string, options?: MeasureOptions): void;
  /** Asks each contender once without recording, so that the rounds see compiled code and started threads. */
  warmUp(contenders: readonly Contender[]): Promise<void>;
  /** Asks each contender once a round, in an order that changes from round to round. */
  interleave(rounds: number, contenders: readonly Contender[]): Promise<void>;
  /** The samples of one cell of the table. */
  samples(measure: string, contender: string): readonly number[];
  /** The ratio of two contenders in one measure: the median over the rounds. */
  ratio(measure: string, contender: string, reference: string): number;
  goal(goal: Goal): void;
  /** Says in the output what was not measured, and why. */
  skip(what: string, why: string): void;
  note(text: string): void;
}

export interface MeasureOptions {
  /** Default `lower`. */
  readonly better?: "lower" | "higher";
  /** A measure that explains another one is left out of the plot. */
  readonly plot?: boolean;
  /** Where it lies on a curve, when it is one of several that differ by a size. */
  readonly at?: Place;
}

/** A point of a curve: those of one name are drawn together. */
export interface Place {
  readonly curve: string;
  readonly x: number;
  /** What the size is, in the words of the axis: "files", "bytes of a call". */
  readonly axis: string;
  /** A level to compare with, such as 1, the loop, where figures are speed-ups. */
  readonly level?: Level;
}

export interface Level {
  readonly value: number;
  readonly name: string;
}

export interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly plot: boolean;
  readonly at?: Place;
}

export interface Contender {
  readonly name: string;
  readonly kind?: "ours" | "limit" | "peer";
  /** Fewer rounds for what is too slow to be asked every time. */
  readonly rounds?: number;
  /** Measures once, and throws if a result is wrong. */
  sample(): Promise<Sample>;
}

/** A value for each measure. */
export type Sample = Readonly<Record<string, number>>;

export interface Goal {
  readonly text: string;
  readonly value: number;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** The bound where Node is not 24; by default a quarter looser. */
  readonly elsewhere?: number;
}

export interface Answer {
  readonly question: string;
  readonly title: string;
  readonly seconds: number;
  readonly measures: readonly Measure[];
  readonly figures: readonly Figure[];
  readonly goals: readonly Verdict[];
  readonly skipped: readonly string[];
  readonly notes: readonly string[];
  /** What one and the same loop took, once a round: how much the machine itself varied. */
  readonly probe: readonly number[];
}

export interface Figure {
  readonly measure: string;
  readonly contender: string;
  readonly kind: "ours" | "limit" | "peer";
  readonly samples: number[];
}

export interface Verdict {
  readonly text: string;
  readonly value: number;
  readonly bound: string;
  readonly reached: boolean;
}
