// This is what bench/cluster starts beside itself: a Redis or Valkey at a free port of the loopback interface, a
// machine, and a worker of BullMQ's own. They end with this process.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

export interface Server {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a server; null where there is none to start. */
export async function startServer(): Promise<Server | null> {
  const { REDIS_SERVER: given } = process.env;
  for (const program of given === undefined ? ["redis-server", "valkey-server"] : [given]) {
    const server = await startedServer(program);
    if (server !== null) return server;
  }
  return null;
}

async function startedServer(program: string): Promise<Server | null> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "threadloop-bench-"));
  const where = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder];
  const child = start(program, [...where, "--save", "", "--maxmemory-policy", "noeviction"]);
  const close = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await said(child, "Ready to accept connections");
  } catch (error) {
    await close();
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  return { url: `redis://127.0.0.1:${port}`, close };
}

/** Starts a machine of so many threads that runs the functions of this folder. */
export async function startMachine(url: string, threads: number): Promise<() => Promise<void>> {
  const command = fileURLToPath(new URL("../../bin/threadloop.js", import.meta.url));
  const modules = fileURLToPath(new URL(".", import.meta.url));
  const flags = ["--url", url, "--threads", String(threads), "--modules", modules];
  return await startNode([command, "worker", ...flags]);
}

/** Starts a worker of BullMQ, as its guide has it. */
export async function startBullWorker(url: string): Promise<() => Promise<void>> {
  return await startNode([fileURLToPath(new URL("bullworker.js", import.meta.url)), url]);
}

async function startNode(args: readonly string[]): Promise<() => Promise<void>> {
  const child = start(process.execPath, args);
  await said(child, "ready");
  return () => end(child);
}

function start(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  child.once("close", () => children.delete(child));
  return child;
}

/** Waits until it has printed this; throws when it ends before. */
async function said(child: ChildProcess, text: string): Promise<void> {
  let all = "";
  await new Promise<void>((resolve, reject) => {
    child.stdout?.setEncoding("utf8").on("data", (part: string) => {
      all += part;
      if (all.includes(text)) resolve();
    });
    child.once("error", reject);
    child.once("close", () => reject(new Error(`${child.spawnfile} ended early:\n${all}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (!children.has(child) || child.pid === undefined) return;
  const closed = once(child, "close");
  child.kill();
  await closed;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
