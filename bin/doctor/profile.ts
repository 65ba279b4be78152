// A CPU profile as the inspector gives it, cut into the turns of the loop. Times are microseconds here.

/** Where a function begins; lines and columns count from 0. */
export interface Frame {
  readonly functionName: string;
  readonly scriptId: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
  /** It is a package's, in a bundle whose file says nothing of that. */
  readonly isPackage?: boolean;
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: Frame;
  readonly children?: readonly number[];
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
}

export interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** What ran from a moment on, the outermost frame first. */
export interface Sample {
  readonly stack: readonly ProfileNode[];
  readonly at: number;
  /** Until the next sample. */
  lasts: number;
}

/** A stretch in which the loop did not wait: within a turn, or up to the end of one. */
export interface Run {
  readonly start: number;
  end: number;
  /** For so long the thread had work and no processor. */
  stolen: number;
  readonly samples: Sample[];
}

/** The samples of a profile, in order. */
export function samplesOf({ nodes, startTime, samples, timeDeltas }: Profile): Sample[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const stacks = new Map<number, readonly ProfileNode[]>();
  const stackOf = (id: number): readonly ProfileNode[] => {
    const known = stacks.get(id);
    if (known !== undefined) return known;
    const path: ProfileNode[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const node = byId.get(at);
      if (node !== undefined && parents.has(at)) path.push(node); // not the root
    }
    path.reverse();
    stacks.set(id, path);
    return path;
  };
  let at = startTime;
  const all = samples.map((id, i): Sample => {
    at += timeDeltas[i] ?? 0;
    return { stack: stackOf(id), at, lasts: 0 };
  });
  all.sort((a, b) => a.at - b.at);
  for (const [i, sample] of all.entries()) sample.lasts = (all[i + 1]?.at ?? sample.at) - sample.at;
  return all;
}

const leafOf = ({ stack }: Sample): string | undefined => stack.at(-1)?.callFrame.functionName;

export const isIdle = (sample: Sample): boolean => leafOf(sample) === "(idle)";
export const isCollecting = (sample: Sample): boolean => leafOf(sample) === "(garbage collector)";

/**
 * A thread that runs has a sample every half millisecond, in native code too; one that has no processor has none. The
 * thread that asks for them may be late itself.
 */
const GAP = 5000;

/** Cuts the turns, which are pairs of begin and end, where the loop waited in them. */
export function runsOf(samples: readonly Sample[], turns: readonly number[]): Run[] {
  const runs: Run[] = [];
  let next = 0;
  for (let i = 0; i + 1 < turns.length; i += 2) {
    const [start, end] = [turns[i] as number, turns[i + 1] as number];
    while (next < samples.length && (samples[next] as Sample).at < start) next++;
    const first = next;
    while (next < samples.length && (samples[next] as Sample).at < end) next++;
    runs.push(...busyRuns(samples.slice(first, next), start, end));
  }
  return runs;
}

function busyRuns(samples: readonly Sample[], start: number, end: number): Run[] {
  const runs: Run[] = [];
  let run: Run | null = null;
  for (const sample of samples) {
    if (isIdle(sample)) {
      run = null;
      continue;
    }
    if (run === null) {
      run = { start: Math.max(start, sample.at), end: sample.at, stolen: 0, samples: [] };
      runs.push(run);
    }
    run.end = Math.min(end, sample.at + sample.lasts);
    run.samples.push(sample);
    if (sample.lasts > GAP) run.stolen += Math.min(sample.lasts, end - sample.at);
  }
  return runs;
}
