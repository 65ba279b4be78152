// This opens the inspector of a running Node process, as `node inspect -p PID` does: SIGUSR1 has it listen on a port
// of the loopback interface. The signal ends a process that does not expect it, so it is sent only to one that does.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { runsNode } from "./isnode.ts";
import { holdLease, isLeased } from "./lease.ts";
import { Problem } from "./problem.ts";
import { Remote } from "./remote.ts";

/** How long a process may take to open its inspector. */
const OPEN_WITHIN = 5000;
const LOOK_EVERY = 50;
/** How long it is waited for to close it again, and how often that is looked at. */
const CLOSED_WITHIN = 1000;
const LOOK_AGAIN = 10;
/** When it is asked once more: a busy Node 20 has been seen to miss the first signal. */
const ASK_AGAIN_AFTER = 2500;
/** The number of SIGUSR1 on Linux, as a bit of the mask in /proc. */
const SIGUSR1_BIT = 1n << 9n;
const LISTENING = "0A";

/** Connects to a process, calls `look`, and leaves the process as it was: an inspector that we opened is closed again. */
export async function attached<T>(
  pid: number,
  port: number,
  look: (remote: Remote) => Promise<T>,
): Promise<T> {
  const open = await findInspector(pid, port);
  const remote = open ?? (await openInspector(pid, port));
  const isOurs = open === null || (await isLeased(remote.main));
  const giveBack = isOurs ? await holdLease(remote.main) : null;
  try {
    return await look(remote);
  } finally {
    await giveBack?.();
    await remote.close();
    if (open === null) await untilClosed(pid, port);
  }
}

/** Whoever comes next must not meet an inspector that is about to close. */
async function untilClosed(pid: number, port: number): Promise<void> {
  for (let waited = 0; waited < CLOSED_WITHIN; waited += LOOK_AGAIN) {
    const urls = await Promise.all((portsOf(pid) ?? [port]).map(debuggerUrl));
    if (urls.every((url) => url === null)) return;
    await wait(LOOK_AGAIN);
  }
}

async function openInspector(pid: number, port: number): Promise<Remote> {
  checkExpectsSignal(pid);
  for (let waited = 0; waited < OPEN_WITHIN; waited += LOOK_EVERY) {
    if (waited === 0 || waited === ASK_AGAIN_AFTER) signal(pid);
    const remote = await findInspector(pid, port);
    if (remote !== null) return remote;
    await wait(LOOK_EVERY);
  }
  throw new Problem(
    `Process ${pid} got SIGUSR1 and did not open its inspector: it handles the signal itself, its main thread is in native code, or another process has port ${port}. Its stderr says more; --port N looks at another port`,
  );
}

function refusal(pid: number, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ESRCH") return new Problem(`There is no process ${pid}`);
  if (code === "EPERM") {
    return new Problem(`Process ${pid} belongs to another user: run this as that user, or as root`);
  }
  return error;
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGUSR1");
  } catch (error) {
    throw refusal(pid, error);
  }
}

/** Tells by /proc, where there is one, whether the process runs and has a handler for the signal. */
function checkExpectsSignal(pid: number): void {
  const status = readOrNull(`/proc/${pid}/status`);
  if (status === null) {
    if (process.platform === "linux") throw new Problem(`There is no process ${pid}`);
    if (process.platform === "win32")
      throw new Problem(
        "Windows has no signal that opens an inspector: start the program with --inspect, and say which port it has with --port N",
      );
    return;
  }
  if (/^State:\s*[Tt]/m.test(status)) {
    throw new Problem(
      `Process ${pid} is stopped: it would open its inspector when it goes on. Continue it first (kill -CONT ${pid})`,
    );
  }
  const caught = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  if ((caught & SIGUSR1_BIT) !== 0n && runsNode(pid)) return;
  throw new Problem(
    `Process ${pid} does not take SIGUSR1: it is not a Node process, or was started with --disable-sigusr1 or --permission. The signal would end it, so it was not sent`,
  );
}

/** The inspector of the process, when it is open. */
async function findInspector(pid: number, port: number): Promise<Remote | null> {
  const own = portsOf(pid);
  for (const candidate of own ?? [port]) {
    const url = await debuggerUrl(candidate);
    if (url === null) continue;
    const remote = await Remote.connect(url).catch(() => null); // it has just been closed
    if (remote === null) continue;
    const answer = await remote.main.evaluate("process.pid");
    if (answer === pid) return remote;
    const wasClosed = remote.isClosed; // another one's inspector, which was about to close
    await remote.close();
    if (own !== null && answer === undefined && !wasClosed)
      throw new Problem(
        `The main thread of process ${pid} does not answer its inspector: it is in native code, or a debugger has stopped it. Try again when it goes on`,
      );
  }
  return null;
}

async function debuggerUrl(port: number): Promise<string | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(1000) });
    const [target] = (await response.json()) as { webSocketDebuggerUrl?: string }[];
    return target?.webSocketDebuggerUrl ?? null;
  } catch {
    return null; // not an inspector
  }
}

/** The ports on which the process listens, by /proc; null where that cannot be known. */
function portsOf(pid: number): number[] | null {
  const table = readOrNull(`/proc/${pid}/net/tcp`);
  const sockets = socketsOf(pid);
  if (table === null || sockets === null) return null;
  const rows = table
    .trim()
    .split("\n")
    .slice(1)
    .map((row) => row.trim().split(/\s+/));
  const own = rows.filter((row) => row[3] === LISTENING && sockets.has(row[9] as string));
  return own.map((row) => Number.parseInt((row[1] as string).split(":")[1] as string, 16));
}

/** The inodes of the process's sockets. */
function socketsOf(pid: number): Set<string> | null {
  try {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOrNull(`/proc/${pid}/fd/${fd}`));
    return new Set(
      links.map((link) => /^socket:\[(\d+)\]$/.exec(link ?? "")?.[1]).filter((inode) => inode !== undefined),
    );
  } catch {
    return null;
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function linkOrNull(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
