// This is where jobs in other processes say that they have come, and wait to be let go: a TCP server on the loopback
// interface. Each visit is a connection: it says its tag and its process, and ends when the job ends, or its process
// is killed.

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

export interface Visit {
  readonly tag: string;
  readonly pid: number;
  /** The job is not there any more, however it ended. */
  readonly left: Promise<void>;
}

export class Rendezvous {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Map<string, Socket[]>();
  readonly #open = new Set<string>();
  /** All visits there were, in order. */
  readonly visits: Visit[] = [];
  #told: () => void = () => {};

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    server.on("connection", (socket) => this.#take(socket));
  }

  static async open(): Promise<Rendezvous> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Rendezvous(server);
  }

  /** The visits of this tag so far. */
  of(tag: string): Visit[] {
    return this.visits.filter((visit) => visit.tag === tag);
  }

  /** Waits until so many have come with this tag; gives them. */
  async arrived(tag: string, count = 1): Promise<Visit[]> {
    while (this.of(tag).length < count)
      await new Promise<void>((resolve) => {
        const before = this.#told;
        this.#told = () => {
          before();
          resolve();
        };
      });
    return this.of(tag);
  }

  /** Lets those with this tag go on, now and later. */
  letGo(tag: string): void {
    this.#open.add(tag);
    for (const socket of this.#waiting.get(tag) ?? []) socket.write("go\n");
    this.#waiting.delete(tag);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    const left = new Promise<void>((resolve) => {
      socket.once("close", () => {
        this.#sockets.delete(socket);
        resolve();
      });
    });
    socket.on("error", () => {}); // its process was killed
    socket.setEncoding("utf8").once("data", (text: string) => {
      const [, tag = "", pid] = /^(.*) (\d+)\n$/.exec(text) ?? [];
      this.visits.push({ tag, pid: Number(pid), left });
      if (this.#open.has(tag)) socket.write("go\n");
      else this.#waiting.set(tag, [...(this.#waiting.get(tag) ?? []), socket]);
      const told = this.#told;
      this.#told = () => {};
      told();
    });
  }
}
