// This is a Redis or Valkey of a test's own: on the loopback interface, at a free port, in a temporary folder.
//
// The program is REDIS_SERVER, else `redis-server` or `valkey-server` on PATH. Where there is none the run of
// the tests that need one is left out (vitest.cluster.config.ts), which is said once; where one was asked for
// (REDIS_SERVER or CI is set) it fails.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { findProgram } from "./programpath.ts";

export interface RedisOptions {
  /** It keeps its data over a restart: each write is on disk before it is answered. Default false. */
  readonly persistent?: boolean;
  /** The most memory that it takes, as in "8mb". Default: no limit. */
  readonly maxMemory?: string;
  /** The certificate and its key, as PEM: it speaks TLS only. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Users beside the default one, or in its place, as in an ACL file: "user default off". */
  readonly users?: readonly string[];
  /** More of what its command line takes. */
  readonly settings?: readonly string[];
}

const PROGRAM = findServer();

/** Whether tests that need a server can run. */
export const hasRedis: boolean = PROGRAM !== null;

function findServer(): string | null {
  const { REDIS_SERVER: given, CI } = process.env;
  const names = given === undefined ? ["redis-server", "valkey-server"] : [given];
  const found = findProgram(names);
  if (found !== null) return found;
  if (given !== undefined || CI !== undefined) {
    throw new Error(
      `There is no ${names.join(" or ")}: install it (apt-get install redis-server), or set REDIS_SERVER to its path`,
    );
  }
  console.log(
    "No redis-server or valkey-server on PATH, and no REDIS_SERVER: tests of the cluster are left out",
  );
  return null;
}

/** How long it may take to start, on a machine that has a lot to do. */
const READY_WITHIN = 20_000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class RedisServer {
  readonly port: number;
  /** Its data and its log are here. */
  readonly folder: string;
  readonly #options: RedisOptions;
  #child: ChildProcess | null = null;

  /** @internal Use `startRedis`. */
  constructor(port: number, options: RedisOptions) {
    this.port = port;
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), "threadloop-redis-"));
    if (options.tls === undefined) return;
    writeFileSync(join(this.folder, "cert.pem"), options.tls.cert);
    writeFileSync(join(this.folder, "key.pem"), options.tls.key, { mode: 0o600 });
  }

  get url(): string {
    return `${this.#options.tls === undefined ? "redis" : "rediss"}://127.0.0.1:${this.port}`;
  }

  /** The same for one of its users. */
  urlOf(user: string, password: string): string {
    return this.url.replace("//", `//${user}:${password}@`);
  }

  get pid(): number {
    return this.#child?.pid as number;
  }

  /** Starts it, at the same port as before; resolves when it answers. */
  async start(): Promise<void> {
    const child = spawn(PROGRAM as string, this.#arguments(), { stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let said = "";
    for (const output of [child.stdout, child.stderr])
      output?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    const ended = once(child, "exit").then(() => running.delete(child));
    this.#child = child;
    const end = performance.now() + READY_WITHIN;
    while (!(await this.#answers())) {
      if (running.has(child) && performance.now() < end) continue;
      await this.stop("SIGKILL");
      await ended;
      throw new Error(`${PROGRAM} did not start:\n${said}`);
    }
  }

  /** Ends it: SIGTERM has it write its data where it is persistent, SIGKILL is a crash. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === null || !running.has(child)) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async restart(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.stop(signal);
    await this.start();
  }

  /** Suspends it: connections stay, nothing is answered. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  #arguments(): string[] {
    const { persistent = false, maxMemory, tls, users = [], settings = [] } = this.#options;
    const flags = ["--bind", "127.0.0.1", "--dir", this.folder, "--save", "", "--daemonize", "no"];
    flags.push("--maxmemory-policy", "noeviction", "--appendonly", persistent ? "yes" : "no");
    if (persistent) flags.push("--appendfsync", "always");
    if (maxMemory !== undefined) flags.push("--maxmemory", maxMemory);
    if (tls === undefined) flags.push("--port", String(this.port));
    else {
      const [cert, key] = [join(this.folder, "cert.pem"), join(this.folder, "key.pem")];
      flags.push("--port", "0", "--tls-port", String(this.port), "--tls-auth-clients", "no");
      flags.push("--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert);
    }
    if (users.length > 0) {
      writeFileSync(join(this.folder, "users.acl"), `${users.join("\n")}\n`);
      flags.push("--aclfile", join(this.folder, "users.acl"));
    }
    return [...flags, ...settings];
  }

  /** Whether it answers, if only that it knows us not. While it reads its data it says so. */
  async #answers(): Promise<boolean> {
    const { tls } = this.#options;
    const socket: Socket =
      tls === undefined
        ? connect(this.port, "127.0.0.1")
        : connectTls({
            port: this.port,
            host: "127.0.0.1",
            ca: tls.cert,
            checkServerIdentity: () => undefined,
          });
    try {
      socket.write("PING\r\n");
      const [answer] = await once(socket, "data");
      return /^(\+PONG|-NOAUTH)/.test(String(answer));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return false;
    } finally {
      socket.destroy();
    }
  }
}

/** Starts a server for a test, which ends it: `await using redis = await startRedis()`. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const server = new RedisServer(await freePort(), options);
  await server.start();
  return server;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
