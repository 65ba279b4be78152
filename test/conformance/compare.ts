// This tells whether a scenario gives the trace it must give: equal means the whole trace, event by event.
import { runScenario } from "./interpreter.ts";
import type { Case, TraceEvent } from "./scenario.ts";

export type Verdict =
  | { readonly kind: "equal" }
  | { readonly kind: "unsupported"; readonly missing: string }
  | { readonly kind: "different"; readonly event: number; readonly want: string; readonly got: string };

export async function compare({ scenario, trace }: Case): Promise<Verdict> {
  let got: TraceEvent[];
  try {
    got = await runScenario(scenario);
  } catch (error) {
    return { kind: "different", event: 0, want: "a trace", got: String(error) };
  }
  const [first] = got;
  if (first?.[2] === "unsupported") return { kind: "unsupported", missing: String(first[4]) };
  for (let event = 0; event < Math.max(trace.length, got.length); event++) {
    const [wanted, given] = [written(trace[event]), written(got[event])];
    if (wanted !== given) return { kind: "different", event, want: wanted, got: given };
  }
  return { kind: "equal" };
}

function written(event: TraceEvent | undefined): string {
  return event === undefined ? "the end of the trace" : JSON.stringify(event);
}
