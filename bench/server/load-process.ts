// This is the load process: a process of its own, so that neither the clients nor the probe are delayed by the loop
// they measure. It takes orders over IPC (protocol.ts) and ends when the bench does.
import { startClients, type Visits } from "./clients.ts";
import { digest } from "./digest.ts";
import { type Probe, startProbe } from "./probe.ts";
import type { Drive, Driven, Order, Report, Sample } from "./protocol.ts";

const PROGRESS_EVERY = 250;
/** How many pages a visit asks for at once, so that every thread gets to see some. */
const VISITORS = 8;

process.on("message", (order: Order) => {
  const done = order.kind === "visit" ? visit(order.origin, order.paths) : drive(order);
  done.then(report, (error: unknown) => report({ kind: "failed", message: String(error) }));
});
process.once("disconnect", () => process.exit());
// Ctrl-C reaches the whole process group; the bench decides when its load ends.
process.on("SIGINT", () => {});

function report(message: Report): void {
  process.send?.(message);
}

async function visit(origin: string, paths: readonly string[]): Promise<Report> {
  const digests: Record<string, string[]> = {};
  const left = paths.values();
  const visitor = async () => {
    for (const path of left) digests[path] = [await digestOf(origin + path)];
  };
  await Promise.all(Array.from({ length: VISITORS }, visitor));
  return { kind: "visited", digests };
}

async function digestOf(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return digest(new Uint8Array(await response.arrayBuffer()));
}

async function drive(order: Drive): Promise<Report> {
  const probe = await startProbe(order.origin, order.pingEvery);
  const visits = startClients(order);
  const start = performance.now() + order.warmup * 1000;
  const ticker = setInterval(() => reportProgress(start, visits, probe), PROGRESS_EVERY);
  const warm = setTimeout(() => report({ kind: "warm" }), order.warmup * 1000);
  try {
    await visits.over;
    const seconds = (performance.now() - start) / 1000;
    await probe.stop();
    return { kind: "driven", driven: sumUp(start, seconds, visits, probe) };
  } finally {
    clearInterval(ticker);
    clearTimeout(warm);
  }
}

function reportProgress(start: number, visits: Visits, probe: Probe): void {
  const now = performance.now();
  const lastSecond = probe.samples.filter(([at]) => at > now - 1000);
  const worstPing = lastSecond.reduce((worst, [, took]) => Math.max(worst, took), 0);
  const pages = visits.pages.filter(([at, took]) => at + took > start).length;
  report({ kind: "progress", progress: { seconds: (now - start) / 1000, pages, worstPing } });
}

function sumUp(start: number, seconds: number, visits: Visits, probe: Probe): Driven {
  const digests = Object.fromEntries([...visits.etags].map(([path, seen]) => [path, [...seen]]));
  return { seconds, pages: since(start, visits.pages), pings: since(start, probe.samples), digests };
}

/** What was answered after `start`, its times counted from there. */
function since(start: number, samples: readonly Sample[]): Sample[] {
  return samples.filter(([at, took]) => at + took > start).map(([at, took]) => [at - start, took]);
}
