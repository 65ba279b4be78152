/**
 * The file of a Unix server. libuv removes the path to which a socket was bound when it is closed, whosever file is
 * there by then: that of the successor, after a restart without a gap. So the socket is bound to a name that nobody else
 * uses, which is then moved to the path, and what is removed at the end is that very file or nothing, as in CPython.
 */
import type { Server as NodeServer } from "node:net";
import { dirname, join } from "node:path";
import { fs } from "./builtins.ts";

/** What fits into the address of a socket on every system. */
const LONGEST = 103;

let names = 0;

export class SocketPath {
  readonly path: string;
  /** To which the socket is bound. */
  readonly bound: string;
  readonly #cleanup: boolean;
  #file: { readonly dev: bigint; readonly ino: bigint } | null = null;

  constructor(path: string, bound: string, cleanup: boolean) {
    this.path = path;
    this.bound = bound;
    this.#cleanup = cleanup;
  }

  /** Moves the socket to its path. Throws EADDRINUSE, as Node does, when something is there. */
  publish(server: NodeServer): void {
    const { linkSync, lstatSync, unlinkSync } = fs();
    try {
      linkSync(this.bound, this.path);
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === "EEXIST" ? inUse(this.path) : this.renamed(error);
    }
    unlinkSync(this.bound);
    this.#file = lstatSync(this.path, { bigint: true });
    server.address = () => this.path;
    if (this.#cleanup) remember(this);
  }

  /** Removes the file, if it is still this socket's. */
  remove(): void {
    const file = this.#file;
    this.#file = null;
    published.delete(this);
    if (file === null || !this.#cleanup) return;
    const { lstatSync, unlinkSync } = fs();
    try {
      const now = lstatSync(this.path, { bigint: true });
      if (now.dev === file.dev && now.ino === file.ino) unlinkSync(this.path);
    } catch {
      // it is gone, or may not be removed by us any more
    }
  }

  /** An error of Node's that names the path which the user knows. */
  renamed(error: unknown): unknown {
    const { message, address } = error as NodeJS.ErrnoException & { address?: string };
    if (address === this.bound) Object.assign(error as object, { address: this.path });
    if (!message?.includes(this.bound)) return error;
    return Object.assign(error as object, { message: message.replaceAll(this.bound, this.path) });
  }
}

/** The file of a server at this path; null where there is none of which we know, or the system does not work so. */
export function socketPathFor(path: unknown, cleanup: boolean): SocketPath | null {
  if (typeof path !== "string" || path === "" || path.startsWith("\0") || process.platform === "win32")
    return null;
  if (process.env.NODE_UNIQUE_ID !== undefined) return null; // in a cluster the primary binds, once for all workers
  const bound = join(dirname(path), `.${process.pid.toString(36)}-${(names++).toString(36)}`);
  const lengths = [path, bound].map((each) => Buffer.byteLength(each));
  return Math.max(...lengths) > LONGEST ? null : new SocketPath(path, bound, cleanup);
}

/** Those that are to be removed when the process exits: libuv does so with what is bound. */
const published = new Set<SocketPath>();

function remember(path: SocketPath): void {
  if (!process.listeners("exit").includes(removeAll)) process.on("exit", removeAll);
  published.add(path);
}

function removeAll(): void {
  for (const path of published) path.remove();
}

function inUse(path: string): Error {
  const facts = { code: "EADDRINUSE", syscall: "listen", address: path };
  return Object.assign(new Error(`listen EADDRINUSE: address already in use ${path}`), facts);
}
