// This is the bench's half of the load process: it starts it, gives it one order at a time and ends it by its own
// handle. What it waits for is a Future, so that an order is cancelled like any await of ours.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { getRunningLoop } from "threadloop";
import type { Digests, Drive, Driven, Order, Progress, Report } from "./protocol.ts";

export interface Load extends AsyncDisposable {
  /** Asks for each path once and resolves to the digests of the bodies. */
  visit(origin: string, paths: readonly string[]): Promise<Digests>;
  /** Keeps the server busy for the drive's time and resolves to what the clients and the probe saw. */
  drive(drive: Drive, watcher: Watcher): Promise<Driven>;
}

/** Who is told how a drive goes. */
export interface Watcher {
  /** Measuring begins. */
  onWarm(): void;
  onProgress(progress: Progress): void;
}

const nobody: Watcher = { onWarm() {}, onProgress() {} };

/** Starts the load process. */
export function startLoad(): Load {
  const child = fork(fileURLToPath(new URL("./load-process.js", import.meta.url)), {
    serialization: "advanced",
  });
  return {
    async visit(origin, paths) {
      const report = await give(child, { kind: "visit", origin, paths }, nobody);
      return report.kind === "visited" ? report.digests : refuse(report);
    },
    async drive(drive, watcher) {
      const report = await give(child, { kind: "drive", ...drive }, watcher);
      return report.kind === "driven" ? report.driven : refuse(report);
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function give(child: ChildProcess, order: Order, watcher: Watcher): Promise<Report> {
  const answer = getRunningLoop().createFuture<Report>();
  const onMessage = (report: Report) => {
    if (report.kind === "warm") watcher.onWarm();
    else if (report.kind === "progress") watcher.onProgress(report.progress);
    else if (!answer.done()) answer.setResult(report);
  };
  const onExit = (code: number | null) => {
    if (!answer.done()) answer.setException(new Error(`The load process ended early, with code ${code}`));
  };
  child.on("message", onMessage).on("exit", onExit);
  try {
    child.send(order);
    return await answer;
  } finally {
    child.off("message", onMessage).off("exit", onExit);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill();
  await exited;
}

function refuse(report: Report): never {
  throw new Error(
    report.kind === "failed" ? report.message : `Unexpected report of the load process: ${report.kind}`,
  );
}
