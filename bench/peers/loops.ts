// This is one table of loop workloads: threadloop, asyncio and uvloop, interleaved.
import { run } from "threadloop";
import type { Bench, Place, Sample } from "../harness/question.ts";
import { type LoopWorkload, runWorkload } from "../workloads/loop.ts";
import { startLoops } from "./asyncio.ts";

export interface Row {
  readonly measure: string;
  readonly workload: LoopWorkload;
  readonly count: number;
  readonly unit?: string;
  readonly at?: Place;
  /** A short workload is run so many times for one sample, which is their mean. */
  readonly repeat?: number;
}

/** Asks each loop each row once a round. */
export async function compareLoops(bench: Bench, rounds: number, rows: readonly Row[]): Promise<void> {
  for (const { measure, unit, at } of rows)
    bench.measure(measure, unit ?? "ns", at === undefined ? {} : { at });
  const pythons = startLoops(bench);
  const contenders = [
    { name: OURS, kind: "ours" as const, sample: () => sampleRows(rows, runOurs) },
    ...pythons.map((python) => ({
      name: python.name,
      sample: () => sampleRows(rows, (row) => python.ask(`${row.workload} ${row.count}`)),
    })),
  ];
  if (!bench.quick) await bench.warmUp(contenders);
  await bench.interleave(rounds, contenders);
  for (const python of pythons) python.close();
}

export const OURS = "threadloop";

/** How many times faster than each loop a row is to be; on Node versions before 24 no slower, or `older`. */
export interface LoopGoals {
  readonly asyncio: number;
  readonly uvloop?: number;
  readonly older?: number;
}

export function goalsAgainst(bench: Bench, measure: string, { asyncio, uvloop, older = 1 }: LoopGoals): void {
  for (const [loop, atLeast, onOlder] of [
    ["asyncio", asyncio, older],
    ["uvloop", uvloop, 1],
  ] as const) {
    if (atLeast === undefined || bench.samples(measure, loop).length === 0) continue;
    const value = bench.ratio(measure, loop, OURS);
    const isOlder = Number.parseInt(process.versions.node, 10) < 24;
    bench.goal({
      text: `${measure}: times faster than ${loop}`,
      value,
      atLeast,
      ...(isOlder && { elsewhere: onOlder }),
    });
  }
}

function runOurs({ workload, count }: Row): Promise<number> {
  return run(() => runWorkload(workload, count));
}

async function sampleRows(rows: readonly Row[], ask: (row: Row) => Promise<number>): Promise<Sample> {
  const sample: Record<string, number> = {};
  for (const row of rows) {
    const { measure, repeat = 1 } = row;
    let sum = 0;
    for (let i = 0; i < repeat; i++) sum += await ask(row);
    sample[measure] = sum / repeat;
  }
  return sample;
}
