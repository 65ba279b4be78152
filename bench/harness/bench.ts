// This is the record of one question, kept while it is asked.

import { pairedRatio } from "../../compare/statistics.ts";
import type {
  Answer,
  Bench,
  Contender,
  Figure,
  Goal,
  Measure,
  MeasureOptions,
  Sample,
  Verdict,
} from "./question.ts";

/** Creates what a question is asked with, and the function that returns what was recorded. */
export function createBench(
  question: string,
  title: string,
  quick: boolean,
  progress: (text: string) => void,
) {
  const start = performance.now();
  const measures: Measure[] = [];
  const figures: Figure[] = [];
  const goals: Verdict[] = [];
  const skipped: string[] = [];
  const notes: string[] = [];
  const probe: number[] = [];

  function cell(measure: string, { name, kind = "peer" }: Contender): Figure {
    if (!measures.some((known) => known.name === measure)) throw new Error(`Undeclared measure: ${measure}`);
    let figure = figures.find((known) => known.measure === measure && known.contender === name);
    if (figure === undefined) {
      figure = { measure, contender: name, kind, samples: [] };
      figures.push(figure);
    }
    return figure;
  }

  async function askOnce(contender: Contender): Promise<void> {
    const sample = await sampleOf(contender);
    for (const [measure, value] of Object.entries(sample)) cell(measure, contender).samples.push(value);
  }

  function samples(measure: string, contender: string): readonly number[] {
    return figures.find((known) => known.measure === measure && known.contender === contender)?.samples ?? [];
  }

  const bench: Bench = {
    quick,
    pick: (full, short) => (quick ? short : full),
    measure: (name, unit, { better = "lower", plot = true, at }: MeasureOptions = {}) => {
      measures.push({ name, unit, better, plot, ...(at !== undefined && { at }) });
    },
    async warmUp(contenders) {
      for (const contender of contenders) {
        progress(`warm-up  ${contender.name}`);
        await sampleOf(contender);
      }
    },
    async interleave(rounds, contenders) {
      for (let round = 0; round < rounds; round++) {
        probe.push(timeFixedLoop());
        for (const contender of orderOf(round, contenders)) {
          if (round >= (contender.rounds ?? rounds)) continue;
          progress(`round ${round + 1}/${rounds}  ${contender.name}`);
          await askOnce(contender);
        }
      }
    },
    samples,
    ratio: (measure, contender, reference) =>
      pairedRatio(samples(measure, contender), samples(measure, reference)),
    goal: (goal) => {
      if (!quick) goals.push(judge(goal));
    },
    skip: (what, why) => skipped.push(`${what}: ${why}`),
    note: (text) => notes.push(text),
  };
  const answer = (): Answer => {
    const seconds = (performance.now() - start) / 1000;
    return { question, title, seconds, measures, figures, goals, skipped, notes, probe };
  };
  return { bench, answer };
}

async function sampleOf({ name, sample }: Contender): Promise<Sample> {
  try {
    return await sample();
  } catch (error) {
    throw new Error(`${name} could not be measured`, { cause: error });
  }
}

// Every contender starts a round once in a while, and follows another one when the direction turns.
function orderOf<T>(round: number, contenders: readonly T[]): T[] {
  const first = round % contenders.length;
  const order = [...contenders.slice(first), ...contenders.slice(0, first)];
  return round % 2 === 0 ? order : order.reverse();
}

function timeFixedLoop(): number {
  const start = performance.now();
  let hash = 1;
  for (let i = 0; i < 5_000_000; i++) hash = Math.imul(hash ^ i, 2654435761);
  return hash === 0 ? Number.NaN : performance.now() - start;
}

const QUARTER = 1.25;

function judge({ text, value, atMost, atLeast, elsewhere }: Goal): Verdict {
  const on24 = process.versions.node.startsWith("24.");
  if (atMost !== undefined) {
    const bound = on24 ? atMost : (elsewhere ?? atMost * QUARTER);
    return { text, value, bound: `at most ${round(bound)}`, reached: value <= bound };
  }
  const bound = on24 ? atLeast! : (elsewhere ?? atLeast! / QUARTER);
  return { text, value, bound: `at least ${round(bound)}`, reached: value >= bound };
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}
