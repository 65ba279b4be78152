// This is the run: each way asked for every page once, then for pages without end while a probe pings and Node
// watches the loop; at last the bytes of both ways are compared.
import { getRunningLoop, runInExecutor } from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { differing } from "./compare.ts";
import { type Measured, measure } from "./figures.ts";
import { type Load, startLoad } from "./load.ts";
import type { Settings } from "./options.ts";
import { type Outcome, sumUp } from "./outcome.ts";
import { findPages, type Page } from "./pages.ts";
import type { ProgressLine } from "./progress.ts";
import type { Digests, Progress } from "./protocol.ts";
import { render } from "./render.ts";
import { pathsOf, startServer, type Way } from "./server.ts";
import { formatMs } from "./table.ts";
import { startWatch, type Watch } from "./watch.ts";

/** What a measurement works with. */
interface Stage {
  readonly settings: Settings;
  readonly pages: readonly Page[];
  readonly origin: string;
  readonly load: Load;
  readonly watch: Watch;
  readonly line: ProgressLine;
}

interface OneWay {
  readonly measured: Measured;
  /** What each path was answered with, when it was visited and then under load. */
  readonly digests: readonly Digests[];
}

const labels: Readonly<Record<Way, string>> = { loop: "on the loop", threads: "on threads" };

/** Measures both ways, within `run`; a cancel ends the run early, its server and load process with it. */
export async function measureBothWays(settings: Settings, line: ProgressLine): Promise<Outcome> {
  const pages = (await findPages(settings.nodeModules)).slice(0, settings.pages);
  using watch = startWatch();
  getRunningLoop().setDefaultExecutor(new WorkerPool({ size: settings.workers }));
  await using site = await startServer(pages, {
    loop: render,
    threads: (markdown) => runInExecutor(render, markdown),
  });
  await using load = startLoad();
  const stage = { settings, pages, origin: site.origin, load, watch, line };
  const loop = await measureOneWay(stage, "loop");
  const threads = await measureOneWay(stage, "threads");
  const different = differing(pages, [...loop.digests, ...threads.digests]);
  return sumUp(settings, pages, different, loop.measured, threads.measured);
}

async function measureOneWay(stage: Stage, way: Way): Promise<OneWay> {
  const { settings, pages, origin, load, watch, line } = stage;
  const { connections, warmup, seconds, pingEvery, workers } = settings;
  const paths = pathsOf(way, pages);
  line.step(`Rendering ${labels[way]}: each of ${pages.length} README files once, to compare the pages`);
  const visited = await load.visit(origin, paths);

  line.step(`Rendering ${labels[way]}: warming up for ${warmup} s`);
  let endWatch = watch.begin();
  const driven = await load.drive(
    { origin, paths, connections, warmup, seconds, pingEvery },
    {
      onWarm: () => {
        endWatch = watch.begin();
      },
      onProgress: (progress) => line.detail(`Rendering ${labels[way]}: ${describe(progress, settings)}`),
    },
  );
  return { measured: measure(driven, endWatch(), workers), digests: [visited, driven.digests] };
}

function describe({ seconds, pages, worstPing }: Progress, settings: Settings): string {
  if (seconds < 0.5) return `warming up for ${settings.warmup} s`;
  return `${seconds.toFixed(0)} of ${settings.seconds} s, ${(pages / seconds).toFixed(0)} pages/s, pings up to ${formatMs(worstPing)}`;
}
