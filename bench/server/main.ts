// This is `npm start`: threads against the loop, on real input. Shows progress, prints one table, writes the figures
// and the picture; the exit code is 1 when a page was not the same bytes both ways.
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { KeyboardInterrupt, run } from "threadloop";
import { measureBothWays } from "./bench.ts";
import { type Options, readOptions } from "./options.ts";
import type { Outcome } from "./outcome.ts";
import { drawPicture } from "./picture/picture.ts";
import { startProgress } from "./progress.ts";
import { formatSummary, formatTable } from "./table.ts";

const INTERRUPTED = 130;

try {
  const options = readOptions(process.argv.slice(2));
  process.exitCode = await run(() => bench(options));
} catch (error) {
  if (!(error instanceof KeyboardInterrupt)) throw error;
  process.exitCode = INTERRUPTED;
}

async function bench(options: Options): Promise<number> {
  const line = startProgress(process.stderr);
  const outcome = await measureBothWays(options, line).finally(() => line.end());
  console.log(`\n${formatTable(outcome)}\n\n${formatSummary(outcome)}\n`);
  const { figures, picture } = await write(outcome, options.out);
  console.log(
    `Figures: ${relative(process.cwd(), figures)}\nPicture: ${relative(process.cwd(), picture)} (open it in a browser)`,
  );
  if (outcome.different.length === 0) return 0;
  console.error(`Expected the same bytes both ways, but these pages differ: ${outcome.different.join(", ")}`);
  return 1;
}

async function write(outcome: Outcome, folder: string): Promise<{ figures: string; picture: string }> {
  const [figures, picture] = [join(folder, "server.json"), join(folder, "server.svg")];
  await mkdir(folder, { recursive: true });
  await writeFile(figures, `${JSON.stringify(outcome)}\n`);
  await writeFile(picture, drawPicture(outcome));
  return { figures, picture };
}
