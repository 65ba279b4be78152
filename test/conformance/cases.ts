// This reads scenarios with the traces they must give: lines of {scenario, trace} in a .jsonl or .jsonl.gz, or one
// scenario in a .json with its trace beside it in a .trace.
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import type { Case } from "./scenario.ts";

export async function readCases(file: string): Promise<Case[]> {
  if (file.endsWith(".json")) return [await readExample(file)];
  const bytes = await readFile(file);
  const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  return lines(text).map((line) => JSON.parse(line));
}

async function readExample(file: string): Promise<Case> {
  const [scenario, trace] = await Promise.all(
    [file, file.replace(/\.json$/, ".trace")].map((name) => readFile(name, "utf8")),
  );
  return { scenario: JSON.parse(scenario!), trace: lines(trace!).map((line) => JSON.parse(line)) };
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
