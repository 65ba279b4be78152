// One workload through many contenders: all opened before, interleaved, closed after.
import type { Bench, Contender, Sample } from "../harness/question.ts";
import type { Peer, Threads, Workload } from "./peer.ts";

const PATIENCE = 5_000;

export interface Comparison {
  readonly rounds: number;
  readonly workload: Workload;
  readonly threads: number;
  /** Measures one contender once, and throws if a result is wrong. */
  sample(threads: Threads, peer: Peer): Promise<Sample>;
}

export async function compare(bench: Bench, peers: readonly Peer[], comparison: Comparison): Promise<void> {
  const { rounds, workload, threads: size, sample } = comparison;
  const contenders: (Contender & { threads: Threads })[] = [];
  for (const peer of peers) {
    const threads = await peer.open(workload, size);
    contenders.push({ name: peer.name, kind: peer.kind, threads, sample: () => sample(threads, peer) });
  }
  await bench.interleave(rounds, contenders);
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
