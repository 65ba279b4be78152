// This is one workload through many contenders: all opened before, interleaved, closed after.
import type { Bench, Contender, Sample } from "../harness/question.ts";
import type { Peer, Threads, Workload } from "./peer.ts";

const PATIENCE = 5_000;

export interface Comparison {
  readonly rounds: number;
  readonly workload: Workload;
  readonly threads: number;
  /** How often each contender is run before it is measured, so that its code is compiled; default 1. */
  readonly warmUps?: number;
  /** Measures one contender once, and throws if a result is wrong. */
  sample(threads: Threads, peer: Peer): Promise<Sample>;
  /** Contenders that have no threads to open. */
  readonly beside?: readonly Contender[];
}

export async function compare(bench: Bench, peers: readonly Peer[], comparison: Comparison): Promise<void> {
  const { rounds, workload, threads: size, warmUps = 1, sample, beside = [] } = comparison;
  const contenders: (Contender & { threads: Threads })[] = [];
  for (const peer of peers) {
    const threads = await peer.open(workload, size);
    contenders.push({
      name: peer.name,
      kind: peer.kind,
      threads,
      sample: () => inside(peer, () => sample(threads, peer)),
    });
  }
  const all = [...contenders, ...beside];
  for (let i = 0; i < warmUps && !bench.quick; i++) await bench.warmUp(all);
  await bench.interleave(rounds, all);
  for (const contender of contenders) await closeInTime(contender, bench);
}

// A pool that never ends its threads (it happens) must not take the figures with it; the process exits anyway.
async function closeInTime(
  { name, threads }: { name: string; threads: Threads },
  bench: Bench,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(
      resolve,
      PATIENCE,
      `${name} had not closed ${PATIENCE / 1000} s after it was asked to.`,
    );
  });
  const note = await Promise.race([threads.close().then(() => undefined), late]);
  if (note !== undefined) bench.note(note);
  clearTimeout(timer);
}

// What runs on a loop of its own is measured there, as its users have it.
function inside(peer: Peer, body: () => Promise<Sample>): Promise<Sample> {
  return peer.inside === undefined ? body() : peer.inside(body);
}
