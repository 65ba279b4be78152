// This is `npm run conformance -- FILE...`: it compares every scenario in the files with its trace, prints the first
// difference of each that differs and, last, the sums. The exit code is 1 if any differs.
import { readCases } from "./cases.ts";
import { compare, type Verdict } from "./compare.ts";

const files = process.argv.slice(2);
const counts = { equal: 0, different: 0, unsupported: 0 };

process.on("unhandledRejection", (error) => {
  console.log(`unhandled rejection: ${String(error)}`);
  process.exitCode = 1;
});

if (files.length === 0) {
  console.error(
    "Usage: npm run conformance -- FILE... (.jsonl, .jsonl.gz, or .json with a .trace beside it)",
  );
  process.exitCode = 2;
} else {
  for (const file of files) await compareAll(file);
  console.log(`${counts.equal} equal, ${counts.different} different, ${counts.unsupported} unsupported`);
  if (counts.different > 0) process.exitCode = 1;
}

async function compareAll(file: string): Promise<void> {
  for (const example of await readCases(file)) {
    const verdict = await compare(example);
    counts[verdict.kind] += 1;
    report(example.scenario.name ?? file, verdict);
  }
}

function report(name: string, verdict: Verdict): void {
  if (verdict.kind === "unsupported") console.log(`${name}: unsupported: ${verdict.missing}`);
  if (verdict.kind !== "different") return;
  console.log(`${name}: event ${verdict.event}: want ${verdict.want}, got ${verdict.got}`);
}
