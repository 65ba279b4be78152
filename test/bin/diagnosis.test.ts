import { describe, expect, it } from "vitest";
import { type Diagnosis, diagnose } from "../../dist/bin/doctor/diagnosis.js";
import type { Profile } from "../../dist/bin/doctor/profile.js";

const frame = (functionName: string, lineNumber: number, url = "") => ({
  functionName,
  scriptId: url === "" ? "0" : "7",
  url,
  lineNumber,
  columnNumber: 0,
});
const FILE = "file:///app/server.js";
const [HANDLE, BATCH, COLLECTOR, IDLE] = [2, 3, 4, 5];
const nodes = [
  { id: 1, callFrame: frame("(root)", -1), children: [HANDLE, COLLECTOR, IDLE] },
  { id: HANDLE, callFrame: frame("handle", 3, FILE), children: [BATCH] },
  { id: BATCH, callFrame: frame("batch", 9, FILE) },
  { id: COLLECTOR, callFrame: frame("(garbage collector)", -1) },
  { id: IDLE, callFrame: frame("(idle)", -1) },
];
const SAMPLE = 500;

/** Turns of 50 ms with a rest of 50 ms behind each, in which the collector has a share of the time of one function. */
function diagnosed(collecting: number): Diagnosis {
  const samples: number[] = [];
  const turns: number[] = [];
  for (let turn = 0; turn < 20; turn++) {
    turns.push(samples.length * SAMPLE, (samples.length + 100) * SAMPLE);
    // The collector comes between the samples of what it interrupts.
    for (let i = 0; i < 100; i++)
      samples.push(Math.floor((i + 1) * collecting) > Math.floor(i * collecting) ? COLLECTOR : BATCH);
    samples.push(...Array<number>(100).fill(IDLE));
  }
  const timeDeltas = samples.map((_, i) => (i === 0 ? 0 : SAMPLE));
  const profile: Profile = { nodes, startTime: 0, samples, timeDeltas };
  return diagnose(
    {
      thread: 0,
      main: null,
      profile,
      marks: { from: 0, turns: [...turns, samples.length * SAMPLE, samples.length * SAMPLE], requests: 20 },
      sources: { mapped: (one) => one, linesOf: () => null },
      calls: null,
    },
    10,
  );
}

describe("a diagnosis", () => {
  it.each([
    [0, "blocked", "offload"],
    [0.2, "blocked", "offload"],
    [0.4, "garbage", "garbage"],
    [0.7, "garbage", "garbage"],
  ] as const)("of a function of whose time the collector has %d is %s: %s", (collecting, verdict, advice) => {
    const { findings, collector, ...one } = diagnosed(collecting);
    expect(one.verdict).toBe(verdict);
    expect(collector).toBeCloseTo(collecting / 2, 1);
    expect(findings).toMatchObject([{ name: "batch", file: "/app/server.js", line: 10, share: 1, advice }]);
    expect(findings[0]?.msPerRequest).toBeCloseTo(50, 0);
  });
});
