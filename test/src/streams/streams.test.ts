import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server as NodeServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  CancelledError,
  ContextVar,
  createTask,
  currentTask,
  Event,
  type ExceptionContext,
  Future,
  gather,
  getRunningLoop,
  openConnection,
  RuntimeError,
  run,
  type Server,
  type StreamReader,
  type StreamWriter,
  sleep,
  startServer,
  TimeoutError,
  timeout,
  wrapPromise,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../support/virtual.ts";

const HERE = { host: "127.0.0.1", port: 0 };
const fixture = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));
const key = fixture("key.pem");
const cert = fixture("cert.pem");
const otherKey = fixture("other-key.pem");
const otherCert = fixture("other-cert.pem");

const dial = (server: Server, options: object = {}) =>
  openConnection({ host: "127.0.0.1", port: server.port, ...options });

async function echo(reader: StreamReader, writer: StreamWriter) {
  for await (const line of reader) {
    writer.write(line);
    await writer.drain();
  }
}

/** Serves with this handler while `body` runs, then closes and waits for the end. */
async function serving<T>(
  handler: (reader: StreamReader, writer: StreamWriter) => unknown,
  body: (server: Server) => Promise<T>,
): Promise<T> {
  const server = await startServer(handler, HERE);
  try {
    return await body(server);
  } finally {
    server.close();
    server.closeClients();
    await server.waitClosed();
  }
}

/** Serves with Node's own means, outside the loop. */
async function nodeServer(onConnection: (socket: Socket) => void) {
  const server = createServer({ allowHalfOpen: true }, onConnection).listen(0, "127.0.0.1");
  await wrapPromise(once(server, "listening"));
  return { server, port: (server.address() as AddressInfo).port };
}

async function withPath<T>(body: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "threadloop-"));
  try {
    return await body(join(folder, "socket"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Writes until the other side takes no more; returns how many bytes were taken. */
async function fill(writer: StreamWriter): Promise<number> {
  const block = Buffer.alloc(2 ** 20);
  for (let written = 0; ; written += block.length) {
    writer.write(block);
    if (writer.transport.writableNeedDrain && !(await flushes(writer))) return written;
  }
}

/** Tells whether a drain ends while both sides may work: a few rounds of libuv without progress are a stall. */
async function flushes(writer: StreamWriter): Promise<boolean> {
  const drain = createTask(() => writer.drain());
  let left = writer.transport.writableLength;
  for (let quiet = 0; quiet < 50; quiet++) {
    await wrapPromise(new Promise<void>((resolve) => setImmediate(resolve)));
    if (drain.done()) return true;
    if (writer.transport.writableLength < left) quiet = 0;
    left = writer.transport.writableLength;
  }
  drain.cancel();
  await failureOf(drain);
  return false;
}

describe("openConnection and startServer", () => {
  it("echo a line over TCP", () =>
    run(() =>
      serving(echo, async (server) => {
        const { reader, writer } = await dial(server);
        writer.write("hello world!\n");
        expect(String(await reader.readLine())).toBe("hello world!\n");
        writer.close();
        await writer.waitClosed();
      }),
    ));

  it("echo a line over a Unix socket", () =>
    withPath((path) =>
      run(async () => {
        const server = await startServer(echo, { path });
        expect(server.address()).toBe(path);
        for (const target of [path, { path }]) {
          const { reader, writer } = await openConnection(target);
          writer.write("hello world!\n");
          expect(String(await reader.readLine())).toBe("hello world!\n");
          writer.close();
        }
        server.close();
        await server.waitClosed();
      }),
    ));

  it("serve many clients at once", () =>
    run(() =>
      serving(echo, async (server) => {
        const client = async (number: number) => {
          const { reader, writer } = await dial(server);
          for (let i = 0; i < 10; i++) {
            writer.write(`${number} ${i}\n`);
            expect(String(await reader.readLine())).toBe(`${number} ${i}\n`);
          }
          writer.close();
        };
        await gather(Array.from({ length: 20 }, (_, number) => () => client(number)));
      }),
    ));

  it("throw Node's error when nobody listens, or somebody does already", () =>
    run(async () => {
      const server = await startServer(echo, HERE);
      const { port } = server;
      expect(await failureOf(startServer(echo, { host: "127.0.0.1", port }))).toMatchObject({
        code: "EADDRINUSE",
      });
      server.close();
      await server.waitClosed();
      expect(await failureOf(openConnection({ host: "127.0.0.1", port }))).toMatchObject({
        code: "ECONNREFUSED",
      });
    }));

  it("refuse a handler that is no function", () =>
    run(async () => {
      expect(await failureOf(startServer(undefined as never, HERE))).toBeInstanceOf(TypeError);
    }));

  it("give up connecting when they are cancelled", () =>
    run(async () => {
      const { server, port } = await nodeServer((socket) => socket.resume().end());
      const dialling = createTask(() => openConnection({ host: "127.0.0.1", port }));
      await sleep(0);
      dialling.cancel();
      expect(await failureOf(dialling)).toBeInstanceOf(CancelledError);
      await wrapPromise(new Promise((resolve) => server.close(resolve))); // only when nobody is connected
    }));

  it("leave no listener on the socket but their own", () =>
    run(() =>
      serving(echo, async (server) => {
        const { reader, writer } = await dial(server);
        const counts = () =>
          writer.transport
            .eventNames()
            .map((name) => `${String(name)} ${writer.transport.listenerCount(name)}`);
        const before = counts();
        expect(writer.transport.listenerCount("connect")).toBe(0);
        expect(server.sockets[0]?.listenerCount("listening")).toBe(0);
        for (let i = 0; i < 3; i++) {
          await failureOf(timeout(0, () => reader.readLine()));
          writer.write("line\n");
          await writer.drain();
          await reader.readLine();
          await failureOf(timeout(0, () => writer.waitClosed()));
        }
        expect(counts()).toEqual(before);
        writer.close();
      }),
    ));

  it("know the addresses of both ends, also when the connection has ended", () =>
    run(() =>
      serving(echo, async (server) => {
        const { writer } = await dial(server);
        writer.close();
        await writer.waitClosed();
        expect(writer.getExtraInfo("peername")).toEqual({
          address: "127.0.0.1",
          family: "IPv4",
          port: server.port === 0 ? -1 : server.port,
        });
        expect(writer.getExtraInfo("sockname")).toMatchObject({ address: "127.0.0.1" });
        expect(writer.getExtraInfo("socket")).toBe(writer.transport);
        expect(writer.getExtraInfo("cipher")).toBeUndefined();
        expect(writer.getExtraInfo("cipher", "none")).toBe("none");
        expect(inspect(writer)).toBe(`<StreamWriter to 127.0.0.1:${server.port}, closing>`);
      }),
    ));
});

describe("StreamWriter", () => {
  it("half closes: the answer is read after the question has ended", () =>
    run(() =>
      serving(
        async (reader, writer) => {
          const question = await reader.read();
          writer.write(`${question.length} bytes`);
        },
        async (server) => {
          const { reader, writer } = await dial(server);
          expect(writer.canWriteEof()).toBe(true);
          writer.write("question");
          writer.writeEof();
          expect(() => writer.write("more")).toThrow("Cannot call write() after writeEof()");
          expect(String(await reader.read())).toBe("8 bytes");
          writer.close();
          await writer.waitClosed();
        },
      ),
    ));

  it("may write after the other side has ended its part", () =>
    run(async () => {
      const { server, port } = await nodeServer((socket) => {
        socket.end("no more from me");
        socket.once("data", (data) => received.setResult(String(data)));
      });
      const received = new Future<string>();
      const { reader, writer } = await openConnection({ host: "127.0.0.1", port });
      expect(String(await reader.read())).toBe("no more from me");
      expect(reader.atEof()).toBe(true);
      expect(writer.isClosing()).toBe(false);
      writer.write("but from me");
      expect(await received).toBe("but from me");
      writer.close();
      await writer.waitClosed();
      server.close();
    }));

  it("sends all that was written before it closes", () =>
    run(() =>
      serving(
        async (_reader, writer) => {
          writer.writeLines(["first\n", Buffer.alloc(5_000_000, "x"), "\nlast"]);
          writer.close();
          expect(writer.isClosing()).toBe(true);
          writer.close();
          await writer.waitClosed();
        },
        async (server) => {
          const { reader, writer } = await dial(server);
          const all = await reader.read();
          expect(all.length).toBe(5_000_011);
          expect(all.subarray(0, 6).toString() + all.subarray(-5).toString()).toBe("first\n\nlast");
          writer.close();
        },
      ),
    ));

  it("closes although nobody read what had come", () =>
    run(() =>
      serving(
        async (_reader, writer) => {
          writer.write(Buffer.alloc(1_000_000));
        },
        async (server) => {
          const { reader, writer } = await dial(server);
          await reader.read(1);
          writer.close();
          await writer.waitClosed();
          expect(writer.isClosing()).toBe(true);
        },
      ),
    ));

  it("closes to a side that reads only when it has written everything", () =>
    run(async () => {
      const received = new Future<number>();
      const { server, port } = await nodeServer((socket) => {
        let length = 0;
        socket.write(Buffer.alloc(20_000_000), () => socket.resume());
        socket.pause().on("data", (data) => {
          length += data.length;
        });
        socket.on("end", () => received.setResult(length)).on("error", () => {});
      });
      const { writer } = await openConnection({ host: "127.0.0.1", port });
      writer.write(Buffer.alloc(20_000_000));
      writer.close();
      await writer.waitClosed();
      expect(await received).toBe(20_000_000);
      server.close();
    }));

  it("ends the stream of its reader when it is closed", () =>
    run(() =>
      serving(echo, async (server) => {
        const { reader, writer } = await dial(server);
        const reading = createTask(() => reader.read());
        await sleep(0);
        writer.close();
        await writer.waitClosed();
        expect((await reading).length).toBe(0);
        expect(reader.atEof()).toBe(true);
      }),
    ));

  it("fails to drain once it is closed, and drops what is written then", () =>
    run(() =>
      serving(echo, async (server) => {
        const { writer } = await dial(server);
        writer.close();
        writer.write("data");
        expect(await failureOf(writer.drain())).toMatchObject({ code: "ECONNRESET" });
      }),
    ));

  it("does not write for ever to a connection that the other side has ended", () =>
    run(async () => {
      const { server, port } = await nodeServer((socket) => socket.destroy());
      const { writer } = await openConnection({ host: "127.0.0.1", port });
      const writing = (async () => {
        for (;;) {
          writer.write("foo\n");
          await writer.drain();
          await sleep(0);
        }
      })();
      const error = (await failureOf(writing)) as { code: string };
      expect(["ECONNRESET", "EPIPE"]).toContain(error.code);
      expect(await failureOf(writer.waitClosed())).toBe(error);
      server.close();
    }));

  it("tells its reader what broke the connection", () =>
    run(async () => {
      const accepted = new Future<Socket>();
      const { server, port } = await nodeServer((socket) => accepted.setResult(socket));
      const { reader, writer } = await openConnection({ host: "127.0.0.1", port });
      const reading = createTask(() => reader.readLine());
      (await accepted).resetAndDestroy();
      expect(await failureOf(reading)).toMatchObject({ code: "ECONNRESET" });
      expect(reader.exception()).toMatchObject({ code: "ECONNRESET" });
      expect(await failureOf(writer.drain())).toMatchObject({ code: "ECONNRESET" });
      server.close();
    }));

  it("aborts through its transport", () =>
    run(() =>
      serving(echo, async (server) => {
        const { reader, writer } = await dial(server);
        const reading = createTask(() => reader.readLine());
        await sleep(0);
        writer.transport.destroy();
        expect((await reading).length).toBe(0);
        await writer.waitClosed();
      }),
    ));

  it("waits in drain while the other side does not read, and goes on when it does", () =>
    run(async () => {
      const go = new Event();
      await serving(
        async (reader) => {
          await go.wait();
          await reader.read();
        },
        async (server) => {
          const { writer } = await dial(server);
          await fill(writer);
          const drains = [createTask(() => writer.drain()), createTask(() => writer.drain())];
          const late = await failureOf(timeout(0, () => writer.drain()));
          expect(late).toBeInstanceOf(TimeoutError);
          expect(drains.map((drain) => drain.done())).toEqual([false, false]);
          go.set();
          await gather(drains);
          writer.close();
        },
      );
    }));

  it("holds up the sender: a reader buffers no more than its limits", () =>
    run(async () => {
      const accepted = new Future<StreamReader>();
      const done = new Event();
      await serving(
        async (reader) => {
          accepted.setResult(reader);
          await done.wait();
          await reader.read();
        },
        async (server) => {
          const { writer } = await dial(server);
          const taken = await fill(writer);
          const buffered = /(\d+) bytes/.exec(inspect(await accepted)) as RegExpExecArray;
          expect(Number(buffered[1])).toBeLessThan(4 * 65_536);
          expect(inspect(await accepted)).toMatch(/paused/);
          expect(taken).toBeLessThan(100_000_000); // what the kernel holds
          done.set();
          writer.close();
        },
      );
    }));

  it("wakes those who drain with an error when the connection is lost", () =>
    run(() => {
      const stop = new Event();
      return serving(
        () => stop.wait(),
        async (server) => {
          const { writer } = await dial(server);
          await fill(writer);
          const drains = [createTask(() => writer.drain()), createTask(() => writer.drain())];
          await sleep(0);
          server.abortClients();
          for (const drain of drains)
            expect(["ECONNRESET", "EPIPE"]).toContain(codeOf(await failureOf(drain)));
        },
      );
    }));

  it("is closed by await using, whatever state it is in", () =>
    run(() =>
      serving(echo, async (server) => {
        const { reader, writer } = await dial(server);
        await writer[Symbol.asyncDispose]();
        await writer[Symbol.asyncDispose]();
        expect(reader.atEof()).toBe(true);
      }),
    ));
});

describe("startTls", () => {
  it("goes on with the same reader and writer", () =>
    run(() =>
      serving(
        async (reader, writer) => {
          writer.write(await reader.readLine());
          await writer.drain();
          await writer.startTls({ key, cert });
          writer.write(await reader.readLine());
          await writer.drain();
        },
        async (server) => {
          const { reader, writer } = await dial(server);
          writer.write("hello world 1!\n");
          expect(String(await reader.readLine())).toBe("hello world 1!\n");
          expect(writer.getExtraInfo("cipher")).toBeUndefined();
          await writer.startTls({ ca: cert, servername: "localhost" });
          expect(writer.getExtraInfo("cipher")).toMatchObject({ version: "TLSv1.3" });
          expect(writer.getExtraInfo("peercert")).toMatchObject({ subject: { CN: "localhost" } });
          expect(writer.canWriteEof()).toBe(false);
          expect(() => writer.writeEof()).toThrow(RuntimeError);
          writer.write("hello world 2!\n");
          expect(String(await reader.readLine())).toBe("hello world 2!\n");
          expect((await reader.read()).length).toBe(0);
          await writer.waitClosed(); // the end of one direction is the end of both
        },
      ),
    ));

  it("gives the handshake what of it came before the call", () =>
    run(() =>
      serving(
        async (reader, writer) => {
          await reader.readLine();
          while (!inspect(reader).includes("bytes")) await sleep(1);
          await writer.startTls({ key, cert });
          writer.write("secure\n");
          await writer.drain();
        },
        async (server) => {
          const { reader, writer } = await dial(server);
          writer.write("start\n");
          await writer.startTls({ ca: cert, servername: "localhost" });
          expect(String(await reader.readLine())).toBe("secure\n");
          writer.close();
        },
      ),
    ));

  it("fails when the certificate is not trusted, and the connection is lost", () =>
    run(async () => {
      const reports: ExceptionContext[] = [];
      getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
      await serving(
        (_reader, writer) => writer.startTls({ key, cert }).catch(() => {}),
        async (server) => {
          const { reader, writer } = await dial(server);
          const error = await failureOf(writer.startTls({ servername: "localhost" }));
          expect(error).toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
          await failureOf(writer.waitClosed());
          expect(writer.isClosing()).toBe(true);
          await failureOf(reader.read());
        },
      );
      expect(reports).toEqual([]);
    }));

  it("checks the certificate of a client where it is asked to", () =>
    run(() => {
      const refusals: unknown[] = [];
      const demanding = { key, cert, ca: cert, requestCert: true };
      return serving(
        async (_reader, writer) => {
          await writer.startTls(demanding).catch((error) => refusals.push(error));
          if (!writer.isClosing()) writer.write("welcome\n");
        },
        async (server) => {
          const greeting = async (identity: object) => {
            const { reader, writer } = await dial(server);
            await writer.startTls({ ca: cert, servername: "localhost", ...identity });
            return String(await reader.readLine().catch(() => "refused"));
          };
          expect(await greeting({ key, cert })).toBe("welcome\n");
          expect(await greeting({})).toMatch(/^(refused)?$/);
          expect(await greeting({ key: otherKey, cert: otherCert })).toMatch(/^(refused)?$/);
          expect(refusals).toHaveLength(2);
        },
      );
    }));

  it("loses the connection when it is cancelled", () =>
    run(async () => {
      const { server, port } = await nodeServer(() => {}); // never answers
      const { writer } = await openConnection({ host: "127.0.0.1", port });
      const late = timeout(10, () => writer.startTls());
      expect(await failureOf(late)).toBeInstanceOf(TimeoutError);
      await writer.waitClosed();
      server.close();
    }));

  it("is over, and the connection lost, when the writer is closed meanwhile", () =>
    run(async () => {
      const { server, port } = await nodeServer(() => {}); // never answers
      const { reader, writer } = await openConnection({ host: "127.0.0.1", port });
      const securing = createTask(() => writer.startTls());
      await sleep(1);
      expect(writer.isClosing()).toBe(false);
      writer.close();
      expect(writer.isClosing()).toBe(true);
      const error = await failureOf(securing);
      expect(error).toMatchObject({ code: "ECONNRESET" });
      expect(await failureOf(writer.waitClosed())).toBe(error);
      expect(await failureOf(reader.read())).toBe(error);
      server.close();
    }));

  it("lets nothing be written in the middle of the handshake", () =>
    run(async () => {
      const received: Buffer[] = [];
      const { server, port } = await nodeServer((socket) => socket.on("data", (data) => received.push(data)));
      const { writer } = await openConnection({ host: "127.0.0.1", port });
      const securing = createTask(() => writer.startTls());
      while (received.length === 0) await sleep(1);
      expect(() => writer.write("in the clear")).toThrow(/unable to write; startTls is in progress/);
      expect(() => writer.writeLines(["in the clear"])).toThrow(RuntimeError);
      expect(() => writer.writeEof()).toThrow(/unable to write the end/);
      expect(await failureOf(writer.startTls())).toBeInstanceOf(RuntimeError);
      await writer.drain(); // there is nothing to wait for
      securing.cancel();
      expect(await failureOf(securing)).toBeInstanceOf(CancelledError);
      await writer.waitClosed();
      expect(String(Buffer.concat(received))).not.toContain("in the clear");
      server.close();
    }));

  it("takes the clients of a server that are in a handshake down with the others", () =>
    run(async () => {
      const outcome = new Future<unknown>();
      const server = await startServer(
        (_reader, writer) => writer.startTls({ key, cert }).catch((error) => outcome.setResult(error)),
        HERE,
      );
      const { reader } = await dial(server); // never begins the handshake
      while (!inspect(server).includes("1 clients")) await sleep(1);
      await sleep(1);
      server.close();
      server.abortClients();
      expect(await outcome).toMatchObject({ code: "ECONNRESET" });
      await server.waitClosed();
      expect((await reader.read()).length).toBe(0);
    }));

  it("is not needed where the connection begins with it", () =>
    run(async () => {
      const server = await startServer(echo, { ...HERE, tls: { key, cert } });
      const { reader, writer } = await dial(server, { tls: { ca: cert, servername: "localhost" } });
      writer.write("secret\n");
      await writer.drain();
      expect(String(await reader.readLine())).toBe("secret\n");
      expect(await failureOf(dial(server, { tls: true }))).toMatchObject({
        code: "DEPTH_ZERO_SELF_SIGNED_CERT",
      });
      writer.close();
      server.close();
      await server.waitClosed();
    }));
});

describe("Server", () => {
  it("runs a handler as a task, in the context of who started it", () =>
    run(async () => {
      const who = new ContextVar("who", { default: "nobody" });
      who.set("caller");
      const seen: unknown[] = [];
      const main = currentTask();
      await serving(
        async () => {
          seen.push(who.get(), currentTask() !== null && currentTask() !== main);
          who.set("handler");
        },
        async (server) => {
          who.set("later");
          for (let i = 0; i < 2; i++) await (await dial(server)).reader.read();
        },
      );
      expect(seen).toEqual(["caller", true, "caller", true]);
      expect(who.get()).toBe("later");
    }));

  it("closes the connection of a handler that has ended, after what it wrote", () =>
    run(() =>
      serving(
        async (_reader, writer) => writer.write("bye"),
        async (server) => {
          const { reader } = await dial(server);
          expect(String(await reader.read())).toBe("bye");
        },
      ),
    ));

  it("leaves open the connection of a plain callback", () =>
    run(() =>
      serving(
        (reader, writer) => {
          createTask(() => echo(reader, writer));
        },
        async (server) => {
          const { reader, writer } = await dial(server);
          writer.write("hello\n");
          expect(String(await reader.readLine())).toBe("hello\n");
          writer.close();
        },
      ),
    ));

  it("tells the exception handler of a handler's error, and closes its connection", () =>
    run(async () => {
      const reports: ExceptionContext[] = [];
      getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
      const error = new Error("test");
      const fail = () => {
        throw error;
      };
      for (const handler of [fail, async () => fail()]) {
        await serving(handler, async (server) => {
          expect((await (await dial(server)).reader.read()).length).toBe(0);
        });
      }
      expect(reports).toMatchObject([
        { message: "Unhandled exception in client handler", exception: error },
        { message: "Unhandled exception in client handler", exception: error },
      ]);
    }));

  it("says nothing of a handler that was cancelled", () =>
    run(async () => {
      const reports: ExceptionContext[] = [];
      getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
      await serving(
        async (reader) => {
          currentTask()?.cancel();
          await reader.read();
        },
        async (server) => {
          expect((await (await dial(server)).reader.read()).length).toBe(0);
        },
      );
      expect(reports).toEqual([]);
    }));

  it("is closed when it does not listen and its clients are gone, in either order", () =>
    run(async () => {
      const server = await startServer((reader) => reader.read().then(() => {}), HERE);
      const waits = [createTask(() => server.waitClosed())];
      await sleep(0);
      const { writer } = await dial(server);
      waits.push(createTask(() => server.waitClosed()));
      await sleep(0);
      expect(waits.map((wait) => wait.done())).toEqual([false, false]);

      server.close();
      waits.push(createTask(() => server.waitClosed()));
      await sleep(0);
      expect(waits.map((wait) => wait.done())).toEqual([false, false, false]);

      writer.close();
      await gather(waits);
      await server.waitClosed();
    }));

  it("is not closed by the last client that leaves", () =>
    run(async () => {
      const left = new Event();
      const server = await startServer(async (reader, writer) => {
        await reader.read();
        writer.close();
        await writer.waitClosed();
        left.set();
      }, HERE);
      const closed = createTask(() => server.waitClosed());
      const { writer } = await dial(server);
      writer.close();
      await left.wait();
      await sleep(0);
      expect(closed.done()).toBe(false);
      server.close();
      await closed;
    }));

  it("leaves its clients alone when it is closed", () =>
    run(async () => {
      const server = await startServer(echo, HERE);
      const { reader, writer } = await dial(server);
      writer.write("before\n");
      await reader.readLine();
      server.close();
      server.close();
      expect([server.isServing(), server.sockets, server.address()]).toEqual([false, [], null]);
      writer.write("after\n");
      expect(String(await reader.readLine())).toBe("after\n");
      writer.close();
      await server.waitClosed();
    }));

  it("closes its clients, or aborts them", () =>
    run(async () => {
      for (const end of ["closeClients", "abortClients"] as const) {
        const connected = new Event();
        const server = await startServer(async (reader) => {
          connected.set();
          await reader.read();
        }, HERE);
        const { reader } = await dial(server);
        await connected.wait();
        server.close();
        server[end]();
        await server.waitClosed();
        expect((await reader.read()).length).toBe(0);
      }
    }));

  it("aborts a client that takes nothing", () =>
    run(async () => {
      const full = new Event();
      const server = await startServer(async (_reader, writer) => {
        await fill(writer);
        full.set();
        await writer.waitClosed();
      }, HERE);
      const { writer } = await dial(server, { limit: 4096 });
      await full.wait();
      const reports: ExceptionContext[] = [];
      getRunningLoop().setExceptionHandler((_loop, context) => reports.push(context));
      server.close();
      server.closeClients();
      expect(await failureOf(timeout(0, () => server.waitClosed()))).toBeInstanceOf(TimeoutError);
      server.abortClients();
      await server.waitClosed();
      await sleep(0);
      expect(reports).toEqual([]);
      writer.close();
    }));

  it("listens only when told to, if so asked", () =>
    run(async () => {
      const server = await startServer(echo, { ...HERE, startServing: false });
      expect([server.isServing(), server.sockets, server.address()]).toEqual([false, [], null]);
      expect(() => server.port).toThrow(/<Server not serving, 0 clients> has no port/);
      await gather(
        () => server.startServing(),
        () => server.startServing(),
      );
      expect(server.isServing()).toBe(true);
      expect(server.sockets.map((socket) => socket.address())).toEqual([server.address()]);
      expect(inspect(server)).toBe(`<Server at 127.0.0.1:${server.port}, 0 clients>`);
      server.close();
      expect(inspect(server)).toBe("<Server closed, 0 clients>");
      expect(await failureOf(server.startServing())).toMatchObject({ message: /is closed/ });
    }));

  it("listens at each of several hosts", () =>
    run(async () => {
      const server = await startServer(echo, { host: ["127.0.0.1", "localhost", "127.0.0.1"], port: 0 });
      expect(server.sockets).toHaveLength(2);
      expect(server.sockets[0]?.address()).toMatchObject({ address: "127.0.0.1", port: server.port });
      for (const socket of server.sockets) {
        const { address: host, port } = socket.address() as AddressInfo;
        const { reader, writer } = await openConnection({ host, port });
        writer.write("hello\n");
        expect(String(await reader.readLine())).toBe("hello\n");
        writer.close();
      }
      server.close();
      await server.waitClosed();
      expect(server.sockets).toEqual([]);
    }));

  it("listens at none of its hosts when it cannot at one", () =>
    run(async () => {
      const server = await startServer(echo, {
        ...HERE,
        host: ["127.0.0.1", "192.0.2.1"],
        startServing: false,
      });
      const both = [createTask(() => server.startServing()), createTask(() => server.startServing())];
      for (const starting of both)
        expect(await failureOf(starting)).toMatchObject({ code: "EADDRNOTAVAIL", address: "192.0.2.1" });
      expect(server.isServing()).toBe(false);
      expect(server.address()).toBeNull();
      server.close();
      await server.waitClosed();
    }));

  it("refuses hosts that are none", () =>
    run(async () => {
      expect(await failureOf(startServer(echo, { host: [], port: 0 }))).toEqual(
        new RangeError("Expected `host` to name at least one host, got `[]` (object)"),
      );
      expect(await failureOf(startServer(echo, { host: ["127.0.0.1", 4 as never], port: 0 }))).toEqual(
        new TypeError("Expected `host` to be the name or address of a host, got `4` (number)"),
      );
    }));

  it("serves for ever until it is cancelled, and then until its clients have left", () =>
    run(async () => {
      const server = await startServer(echo, { ...HERE, startServing: false });
      const serving = createTask(() => server.serveForever());
      while (!server.isServing()) await sleep(0);
      expect(await failureOf(server.serveForever())).toMatchObject({ message: /already being awaited/ });
      const { reader, writer } = await dial(server);
      writer.write("before\n");
      await reader.readLine();
      serving.cancel();
      await sleep(0);
      expect([serving.done(), server.isServing()]).toEqual([false, false]);
      writer.write("after\n");
      expect(String(await reader.readLine())).toBe("after\n");
      writer.close();
      expect(await failureOf(serving)).toBeInstanceOf(CancelledError);
      expect(await failureOf(server.serveForever())).toMatchObject({ message: /is closed/ });
    }));

  it("waits no longer for its clients when it is cancelled again", () =>
    run(async () => {
      const server = await startServer(echo, HERE);
      const serving = createTask(() => server.serveForever());
      const { reader, writer } = await dial(server);
      writer.write("line\n");
      await reader.readLine();
      serving.cancel("first");
      await sleep(0);
      serving.cancel("second");
      expect(await failureOf(serving)).toMatchObject({ name: "CancelledError", message: "second" });
      expect(writer.isClosing()).toBe(false);
      writer.close();
      await server.waitClosed();
    }));

  it("ends serving for ever when it is closed", () =>
    run(async () => {
      const server = await startServer(echo, HERE);
      const serving = createTask(() => server.serveForever());
      await sleep(0);
      server.close();
      expect(await failureOf(serving)).toBeInstanceOf(CancelledError);
    }));

  it("is closed by await using", () =>
    run(async () => {
      const server = await startServer(echo, HERE);
      await server[Symbol.asyncDispose]();
      expect(server.isServing()).toBe(false);
    }));

  it("removes its Unix socket", () =>
    withPath((path) =>
      run(async () => {
        for (let i = 0; i < 2; i++) {
          const server = await startServer(echo, { path });
          server.close();
          await server.waitClosed();
        }
        expect(await failureOf(openConnection(path))).toMatchObject({ code: "ENOENT" });
      }),
    ));
});

describe("the loop", () => {
  it("is not held by a client that never ends its handshake", async () => {
    const dialled = await run(async () => {
      const server = await startServer(echo, { ...HERE, tls: { key, cert } });
      const accepted = once(server.sockets[0] as NodeServer, "connection");
      const silent = connect(server.port, "127.0.0.1");
      const [socket] = await wrapPromise(accepted);
      server.close();
      await server.waitClosed();
      return { silent, held: (socket as { _handle: { hasRef(): boolean } })._handle.hasRef() };
    });
    expect(dialled.held).toBe(false);
    dialled.silent.destroy();
  });

  it("closes what is left open when it closes", async () => {
    const left = await run(async () => {
      const server = await startServer(echo, HERE);
      const { reader, writer } = await dial(server);
      writer.write("line\n");
      await reader.readLine();
      return { port: server.port, socket: writer.transport };
    });
    if (!left.socket.closed) await once(left.socket, "close");
    const [error] = await once(connect(left.port, "127.0.0.1"), "error");
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
  });

  it("does not let a virtual clock jump while a connection waits", () =>
    run(
      async () => {
        const loop = getRunningLoop();
        await serving(echo, async (server) => {
          const { reader, writer } = await dial(server);
          const distant = createTask(() => sleep(3_600_000));
          writer.write("hello\n");
          await timeout(1000, () => reader.readLine());
          await timeout(1000, async () => {
            writer.close();
            await writer.waitClosed();
          });
          expect(loop.time()).toBe(0);
          distant.cancel();
        });
        await sleep(60_000);
        expect(loop.time()).toBe(60_000);
      },
      { clock: new VirtualClock() },
    ));
});

function codeOf(error: unknown): string {
  return (error as { code: string }).code;
}
