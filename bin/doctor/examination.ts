// Watches the threads of another process: of each a CPU profile, and the turns of its loop on the same clock.

import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { Problem } from "../problem.ts";
import type { Remote, RemoteThread } from "../remote.ts";
import { type Marks, takeTurns, watchTurns } from "./marks.ts";
import type { Profile } from "./profile.ts";
import { type Sources, sourcesOf } from "./sources.ts";

/** What was seen of a thread. Times are microseconds of the target's clock. */
export interface Examination {
  /** The number of the worker thread; 0 for the main thread. */
  readonly thread: number;
  /** The file that it began with, if it is one. */
  readonly main: string | null;
  /** The functions are where they were written, where there are source maps. */
  readonly profile: Profile;
  readonly marks: Marks;
  readonly sources: Sources;
  /** How often functions were called while they were watched, by callsKey(); null where that was not wanted. */
  readonly calls: ReadonlyMap<string, number> | null;
}

export interface ExaminationSettings {
  readonly seconds: number;
  /** Microseconds between samples. */
  readonly interval: number;
  /** Turns shorter than this, in milliseconds, are not noted. */
  readonly least: number;
  /** Whether calls are counted, for which V8 optimizes nothing. */
  readonly calls: boolean;
  /** Ends the watch early: what was seen until then counts. */
  readonly signal: AbortSignal;
}

/** Starting stops the target for a moment, and what came in meanwhile is worked off in long turns: neither is its own. */
const SETTLE = 500;
const PATIENCE = 15_000;
/** Milliseconds after which marks end by themselves when nobody takes them. */
const GRACE = 60_000;
/** Asks a thread for its number and the file that it began with. */
const WHO = `[process.getBuiltinModule("node:worker_threads").threadId, String(process.argv[1] ?? "")]`;
const GONE = "The process ended while it was examined";

/** Examines the threads of a process, the main one first. */
export async function examine(remote: Remote, settings: ExaminationSettings): Promise<Examination[]> {
  const workers = await remote.main.workers();
  const end = endOf(remote, settings);
  const [main, ...others] = await Promise.all([
    examineThread(remote.main, settings, end),
    // A worker thread that ends meanwhile, or answers nothing, is left out.
    ...workers.map((worker) => examineThread(worker, settings, end).catch(() => null)),
  ]);
  return [main as Examination, ...others.filter((one) => one !== null)];
}

/** Aborts when the watch is to end: by our user, or as the process ends, which waits for us if it ends by itself. */
function endOf(remote: Remote, { signal }: ExaminationSettings): AbortSignal {
  const gone = new AbortController();
  void remote.closed.then(() => gone.abort());
  remote.main.on("NodeRuntime.waitingForDisconnect", () => gone.abort());
  void remote.main.call("NodeRuntime.notifyWhenWaitingForDisconnect", { enabled: true }).catch(() => null);
  return AbortSignal.any([signal, gone.signal]);
}

async function examineThread(
  thread: RemoteThread,
  settings: ExaminationSettings,
  end: AbortSignal,
): Promise<Examination> {
  const { interval, least, seconds, calls } = settings;
  const id = randomUUID();
  const binding = `threadloopDoctor${id.replaceAll("-", "")}`;
  const call = async (method: string, params: object = {}) => {
    const answer = await thread.call(method, params, PATIENCE);
    if (answer === null) throw new Problem(`${GONE}, or its main thread does not answer`);
    return answer;
  };
  const [number, main] = ((await thread.evaluate(WHO, { patience: PATIENCE })) ?? [0, ""]) as [
    number,
    string,
  ];
  let last: string | null = null;
  thread.on("Runtime.bindingCalled", ({ name, payload }) => {
    if (name === binding) last = String(payload);
  });
  await call("Runtime.addBinding", { name: binding });
  await call("Profiler.enable");
  try {
    await call("Profiler.setSamplingInterval", { interval });
    // Code that was optimized before the profiler starts may be unknown to it: samples lack their innermost frame, and
    // functions that were inlined. Coverage throws optimized code away, and has none made until it ends.
    await Promise.all([
      call("Profiler.startPreciseCoverage", { callCount: true, detailed: false }),
      call("Profiler.start"),
      ...(calls ? [] : [call("Profiler.stopPreciseCoverage")]),
    ]);
    await wait(SETTLE, undefined, { signal: end }).catch(() => {});
    if (calls) await call("Profiler.takePreciseCoverage"); // begins to count anew
    if (last === null)
      await thread.evaluate(watchTurns(id, binding, least * 1000, seconds * 1000 + GRACE), {
        patience: PATIENCE,
      });
    await wait(seconds * 1000, undefined, { signal: end }).catch(() => {});
    const taken = last ?? (await thread.evaluate(takeTurns(id), { patience: PATIENCE })) ?? last;
    const counts = calls ? await call("Profiler.takePreciseCoverage") : null;
    const { profile } = (await call("Profiler.stop")) as unknown as { profile?: Profile };
    if (typeof taken !== "string" || profile === undefined) throw new Problem(GONE);
    const sources = await sourcesOf(thread, profile);
    return {
      thread: number,
      main: main === "" ? null : main,
      profile: sources.mapped(profile),
      marks: JSON.parse(taken) as Marks,
      sources,
      calls: counts === null ? null : callsOf(counts.result),
    };
  } finally {
    await thread.call("Profiler.disable").catch(() => null);
    await thread.call("Runtime.removeBinding", { name: binding }).catch(() => null);
    await thread.evaluate(`${takeTurns(id)}; delete globalThis.${binding}`).catch(() => null);
  }
}

interface ScriptCoverage {
  readonly scriptId: string;
  readonly functions: readonly {
    readonly functionName: string;
    readonly ranges: readonly { readonly count: number }[];
  }[];
}

/** By script and name, of the functions whose name is theirs alone in the script. */
function callsOf(scripts: unknown): Map<string, number> {
  const calls = new Map<string, number>();
  for (const { scriptId, functions } of scripts as readonly ScriptCoverage[])
    for (const { functionName, ranges } of functions) {
      const key = callsKey(scriptId, functionName);
      if (functionName !== "") calls.set(key, calls.has(key) ? Number.NaN : (ranges[0]?.count ?? 0));
    }
  return calls;
}

/** The name of a method is that of its class and itself in profiles, and itself in coverage. */
export function callsKey(scriptId: string, functionName: string): string {
  return `${scriptId} ${functionName.slice(functionName.lastIndexOf(".") + 1)}`;
}
