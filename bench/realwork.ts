// From how much work on do two threads pay, for work as applications have it, on real input?
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "../compare/statistics.ts";
import type { Bench, Contender, Question, Sample } from "./harness/question.ts";
import { placeOf, runProgram } from "./peers/children.ts";
import type { ColdAndWarm } from "./peers/coldandwarm.ts";
import { piscinaDefault, postMessage, threadloop } from "./peers/index.ts";
import type { Peer } from "./peers/peer.ts";
import { readMarkdown, readModules } from "./workloads/files.ts";

const THREADS = 2;
const ROUNDS = 5;
/** The others show that it is not only our threads that have to compile first. */
const ROUNDS_OF_OTHERS = 3;
const COUNTS = [5, 20, 60, 200, 600];
const CONTENDERS = [threadloop, postMessage, piscinaDefault];
const TEMPERATURES = ["cold", "warm"] as const;

interface Work {
  readonly title: string;
  readonly job: string;
  read(count: number): string[];
}

const WORKS: readonly Work[] = [
  { title: "Markdown to HTML", job: "renderMarkdown", read: readMarkdown },
  { title: "parse modules", job: "parseModule", read: readModules },
];

/** Milliseconds on the loop, by the name of the measure. */
type LoopTimes = Map<string, number[]>;

const question: Question = {
  title: `real work on ${THREADS} threads, times as fast as on the loop; cold: in a program just begun`,
  async ask(bench) {
    const counts = bench.pick(COUNTS, [2, 4]);
    for (const { title } of WORKS)
      for (const temperature of TEMPERATURES)
        for (const count of counts)
          bench.measure(nameOf(title, count, temperature), "times", {
            better: "higher",
            at: {
              curve: `${title}, ${temperature}`,
              x: count,
              axis: "files",
              level: { value: 1, name: "the loop" },
            },
          });
    const folder = await mkdtemp(join(tmpdir(), "realwork-"));
    try {
      const files = await writeInputs(folder, counts.at(-1)!);
      const onTheLoop: LoopTimes = new Map();
      const contenders = CONTENDERS.map((peer) => contenderOf(peer, counts, files, onTheLoop));
      await bench.interleave(bench.pick(ROUNDS, 1), contenders);
      for (const { title } of WORKS)
        for (const temperature of TEMPERATURES)
          bench.note(describe(bench, title, temperature, counts, onTheLoop));
    } finally {
      await rm(folder, { recursive: true });
    }
    for (const { title } of WORKS) {
      const measure = nameOf(title, counts.at(-1)!, "warm");
      const value = median(bench.samples(measure, threadloop.name));
      bench.goal({ text: `${measure}: speed-up`, value, atLeast: 1.8 });
    }
  },
};

export default question;

function nameOf(title: string, count: number, temperature: string): string {
  return `${title}, ${count} files, ${temperature}`;
}

/** A file for each work, as each process reads its inputs anew. */
async function writeInputs(folder: string, count: number): Promise<Map<Work, string>> {
  const files = new Map<Work, string>();
  for (const work of WORKS) {
    const file = join(folder, `${work.job}.json`);
    await writeFile(file, JSON.stringify(work.read(count)));
    files.set(work, file);
  }
  return files;
}

function contenderOf(
  peer: Peer,
  counts: readonly number[],
  files: ReadonlyMap<Work, string>,
  onTheLoop: LoopTimes,
): Contender {
  const { module, name } = placeOf(peer);
  const sample = async (): Promise<Sample> => {
    const values: Record<string, number> = {};
    for (const [{ title, job }, file] of files) {
      for (const count of counts) {
        const arguments_ = [module, name, job, file, String(count), String(THREADS)];
        const times = await runProgram<ColdAndWarm>("coldandwarm", arguments_);
        for (const temperature of TEMPERATURES) {
          const { loop, threads } = times[temperature];
          const measure = nameOf(title, count, temperature);
          values[measure] = loop / threads;
          const known = onTheLoop.get(measure);
          if (known === undefined) onTheLoop.set(measure, [loop]);
          else known.push(loop);
        }
      }
    }
    return values;
  };
  const rounds = peer === threadloop ? ROUNDS : ROUNDS_OF_OTHERS;
  return { name: peer.name, kind: peer.kind, rounds, sample };
}

/** Says from how many files on, and from how much work of the loop's, our threads are faster. */
function describe(
  bench: Bench,
  title: string,
  temperature: string,
  counts: readonly number[],
  onTheLoop: LoopTimes,
): string {
  const points = counts.map((count) => {
    const measure = nameOf(title, count, temperature);
    const speedUp = median(bench.samples(measure, threadloop.name));
    return { count, speedUp, ms: median(onTheLoop.get(measure)!) };
  });
  const loop = points.map(({ count, ms }) => `${count} files ${shown(ms)} ms`).join(", ");
  return `${title}, ${temperature}: ${crossingOf(points)} (on the loop: ${loop})`;
}

interface Point {
  readonly count: number;
  readonly speedUp: number;
  readonly ms: number;
}

function crossingOf(points: readonly Point[]): string {
  const last = points.findLastIndex(({ speedUp }) => speedUp < 1);
  const [before, after] = [points[last], points[last + 1]];
  if (after === undefined) return `threads do not pay with up to ${points.at(-1)!.count} files`;
  if (before === undefined)
    return `threads pay from ${after.count} files or less on, ${shown(after.ms)} ms of work`;
  const share = (1 - before.speedUp) / (after.speedUp - before.speedUp);
  const between = (from: number, to: number) => from * (to / from) ** share;
  const count = Math.ceil(between(before.count, after.count));
  return `threads pay from ${count} files on, ${shown(between(before.ms, after.ms))} ms of work`;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(2)));
}
