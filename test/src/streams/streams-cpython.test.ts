// These tests are what CPython's own test_streams asks of connections, servers, writers and TLS, with the names they
// have there.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import {
  CancelledError,
  connectReadPipe,
  connectWritePipe,
  createTask,
  Event,
  gather,
  getRunningLoop,
  newEventLoop,
  openConnection,
  run,
  StreamReader,
  type StreamWriter,
  sleep,
  startServer,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { HERE } from "../../support/connected.ts";
import { reportsOf } from "../../support/recorder.ts";
import { failureOf } from "../../support/virtual.ts";

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));
const key = fixture("key.pem");
const cert = fixture("cert.pem");
const trust = { ca: cert, servername: "localhost" };
const ANSWER = "HTTP/1.0 200 OK\r\nContent-Length: 12\r\n\r\nTest message";

/** Where something listens. */
type Place = { host: string; port: number } | { path: string };

/** A server that answers one request and ends the connection, while `body` runs; nothing is reported meanwhile. */
async function http(body: (place: Place) => Promise<void>, options: object = HERE): Promise<void> {
  const reported = reportsOf(getRunningLoop());
  const server = await startServer(
    async (reader, writer) => {
      const request = await reader.readUntil("\r\n\r\n").catch(() => null);
      if (request !== null) writer.write(ANSWER);
    },
    options as typeof HERE,
  );
  const { path } = options as { path?: string };
  await body(path === undefined ? { host: HERE.host, port: server.port } : { path });
  server.close();
  server.closeClients();
  await server.waitClosed();
  expect(reported).toEqual([]);
}

async function withPath(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "threadloop-"));
  try {
    await body(join(folder, "socket"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Sends a request and reads the first line of the answer. */
async function ask(reader: StreamReader, writer: StreamWriter): Promise<void> {
  writer.write("GET / HTTP/1.0\r\n\r\n");
  expect(String(await reader.readLine())).toBe("HTTP/1.0 200 OK\r\n");
}

/** What tells that a connection was lost. */
const LOST = expect.stringMatching(/^(ECONNRESET|ECONNABORTED|EPIPE)$/);

describe("Streams, as CPython tests them", () => {
  it("test_open_connection, test_async_writer_api, test_wait_closed_on_close", () =>
    run(() =>
      http(async (place) => {
        const { reader, writer } = await openConnection(place);
        await ask(reader, writer);
        expect(String(await reader.read())).toMatch(/\r\n\r\nTest message$/);
        expect(writer.isClosing()).toBe(false);
        writer.close();
        expect(writer.isClosing()).toBe(true);
        await writer.waitClosed();
      }),
    ));

  it("test_open_unix_connection, test_open_unix_connection_no_loop_ssl", () =>
    run(() =>
      withPath(async (path) => {
        for (const [server, client] of [
          [{}, {}],
          [{ tls: { key, cert } }, { tls: trust }],
        ])
          await http(
            async (place) => {
              const { reader, writer } = await openConnection({ ...place, ...client });
              await ask(reader, writer);
              writer.close();
              await writer.waitClosed();
            },
            { path, ...server },
          );
      }),
    ));

  it("test_open_connection_no_loop_ssl: the cipher and the certificate are known", () =>
    run(() =>
      http(
        async (place) => {
          const { reader, writer } = await openConnection({ ...place, tls: trust });
          await ask(reader, writer);
          expect(writer.getExtraInfo("cipher")?.name).toEqual(expect.any(String));
          expect(writer.getExtraInfo("peercert")?.subject).toEqual(expect.anything());
          writer.close();
          await writer.waitClosed();
        },
        { ...HERE, tls: { key, cert } },
      ),
    ));

  it("test_open_connection_error, test_open_unix_connection_error: a broken connection fails the read", () =>
    run(async () => {
      const accepted: Socket[] = [];
      const server = await startServer((_reader, writer) => {
        accepted.push(writer.transport as Socket);
      }, HERE);
      const { reader, writer } = await openConnection({ ...HERE, port: server.port });
      const read = createTask(() => reader.read(1));
      await sleep(0);
      const broken = Object.assign(new Error("broken"), { code: "EIO" });
      writer.transport.destroy(broken);
      expect(await failureOf(read)).toBe(broken);
      expect(await failureOf(() => reader.readLine())).toBe(broken);
      expect(await failureOf(() => writer.waitClosed())).toBe(broken);
      server.close();
      server.abortClients();
      await server.waitClosed();
    }));

  it("test_wait_closed_on_close_with_unread_data", () =>
    run(() =>
      http(async (place) => {
        const { reader, writer } = await openConnection(place);
        await ask(reader, writer);
        writer.close();
        await writer.waitClosed();
      }),
    ));

  it("test_async_writer_api_exception_after_close", () =>
    run(() =>
      http(async (place) => {
        const { reader, writer } = await openConnection(place);
        await ask(reader, writer);
        await reader.read();
        writer.close();
        writer.write("data");
        expect(await failureOf(() => writer.drain())).toMatchObject({ code: "ECONNRESET" });
      }),
    ));

  it("test_eof_feed_when_closing_writer: the reader is at its end, and goes on saying so", () =>
    run(() =>
      http(async (place) => {
        const { reader, writer } = await openConnection(place);
        writer.close();
        await writer.waitClosed();
        expect(reader.atEof()).toBe(true);
        expect(String(await reader.read())).toBe("");
        expect(String(await reader.read(10))).toBe("");
      }),
    ));

  it("test_loop_is_closed_resource_warnings: a writer can be closed after its loop", async () => {
    const left: StreamWriter[] = [];
    const loop = newEventLoop();
    await loop.runUntilComplete(() =>
      http(async (place) => {
        const { reader, writer } = await openConnection(place);
        await ask(reader, writer);
        left.push(writer);
      }),
    );
    loop.close();
    for (const writer of left) {
      writer.close();
      writer.close();
      expect(writer.isClosing()).toBe(true);
    }
    expect(left.length).toBe(1);
  });

  it("test_start_server, test_start_unix_server: with a coroutine and with a callback as the handler", () =>
    run(() =>
      withPath(async (path) => {
        const reported = reportsOf(getRunningLoop());
        const handle = async (reader: StreamReader, writer: StreamWriter) => {
          writer.write(await reader.readLine());
          await writer.drain();
          writer.close();
          await writer.waitClosed();
        };
        const callback = (reader: StreamReader, writer: StreamWriter) => {
          createTask(() => handle(reader, writer));
        };
        for (const handler of [handle, callback])
          for (const place of [HERE, { path }]) {
            const server = await startServer(handler, place);
            const target = "path" in place ? place : { ...place, port: server.port };
            const { reader, writer } = await openConnection(target);
            writer.write("hello world!\n");
            expect(String(await reader.readLine())).toBe("hello world!\n");
            writer.close();
            await writer.waitClosed();
            server.close();
            await server.waitClosed();
          }
        expect(reported).toEqual([]);
      }),
    ));

  it("test_start_tls: a line before it and a line after it", () =>
    run(async () => {
      const reported = reportsOf(getRunningLoop());
      const secured: unknown[] = [];
      const server = await startServer(async (reader, writer) => {
        writer.write(await reader.readLine());
        await writer.drain();
        secured.push(writer.getExtraInfo("cipher"));
        await writer.startTls({ key, cert });
        secured.push(writer.getExtraInfo("cipher") !== undefined);
        writer.write(await reader.readLine());
        await writer.drain();
        writer.close();
        await writer.waitClosed();
      }, HERE);
      const { reader, writer } = await openConnection({ ...HERE, port: server.port });
      writer.write("hello world 1!\n");
      await writer.drain();
      expect(String(await reader.readLine())).toBe("hello world 1!\n");
      expect(writer.getExtraInfo("cipher")).toBeUndefined();
      await writer.startTls(trust);
      expect(writer.getExtraInfo("cipher")).toBeDefined();
      writer.write("hello world 2!\n");
      await writer.drain();
      expect(String(await reader.readLine())).toBe("hello world 2!\n");
      writer.close();
      await writer.waitClosed();
      server.close();
      await server.waitClosed();
      expect([secured, reported]).toEqual([[undefined, true], []]);
    }));

  it("test_start_tls_buffered_data: what was read before the handshake is not taken for a part of it", () =>
    run(async () => {
      const server = await startServer(async (reader, writer) => {
        expect(String(await reader.readLine())).toBe("STARTTLS\n");
        writer.write("go on\n");
        await writer.startTls({ key, cert });
        for await (const line of reader) writer.write(line);
      }, HERE);
      const { reader, writer } = await openConnection({ ...HERE, port: server.port });
      writer.write("STARTTLS\n");
      expect(String(await reader.readLine())).toBe("go on\n");
      await writer.startTls(trust);
      const large = `${"x".repeat(50_000)}\n`;
      writer.write(large);
      await writer.drain();
      expect(String(await reader.readLine())).toBe(large);
      writer.close();
      await writer.waitClosed();
      server.close();
      await server.waitClosed();
    }));

  it("test_start_tls: on a connection that is closed, or has ended, it fails", () =>
    run(async () => {
      const server = await startServer((_reader, writer) => writer.close(), HERE);
      const { reader, writer } = await openConnection({ ...HERE, port: server.port });
      await reader.read();
      expect(await failureOf(() => writer.startTls(trust))).toMatchObject({ code: LOST });
      const closed = await openConnection({ ...HERE, port: server.port });
      closed.writer.close();
      expect(await failureOf(() => closed.writer.startTls(trust))).toMatchObject({ code: "ECONNRESET" });
      server.close();
      await server.waitClosed();
    }));

  it("test_read_all_from_pipe_reader", () =>
    run(async () => {
      const pipe = new PassThrough();
      const reader = connectReadPipe(pipe, { limit: 1 });
      pipe.end("data");
      expect(String(await reader.read())).toBe("data");
    }));

  it("test_streamreader_constructor_without_loop, ..._use_running_loop, ..._use_global_loop: it is read by any", async () => {
    const reader = new StreamReader({ limit: 8 });
    expect(() => reader.feedData("one" as never)).toThrow(TypeError);
    reader.feedData(Buffer.from("one\ntwo\n"));
    expect(String(await run(() => reader.readLine()))).toBe("one\n");
    expect(String(await run(() => reader.readLine()))).toBe("two\n");
  });

  it("test_multiple_drain: all who drain go on", () =>
    run(async () => {
      const taken: (() => void)[] = [];
      const slow = new Writable({
        highWaterMark: 4,
        write: (_data, _encoding, done) => void taken.push(done),
      });
      const writer = connectWritePipe(slow);
      writer.write("full of it");
      let drained = 0;
      const drainer = async () => {
        await writer.drain();
        drained++;
      };
      const all = createTask(() => gather(Array.from({ length: 10 }, () => drainer)));
      for (let i = 0; i < 5; i++) await sleep(0);
      expect([drained, taken.length]).toEqual([0, 1]);
      getRunningLoop().callSoon(() => taken[0]?.());
      await all;
      expect(drained).toBe(10);
    }));

  it("test_multiple_drain: one that is cancelled leaves the others waiting", () =>
    run(async () => {
      const taken: (() => void)[] = [];
      const slow = new Writable({
        highWaterMark: 1,
        write: (_data, _encoding, done) => void taken.push(done),
      });
      const writer = connectWritePipe(slow);
      writer.write("more");
      const drains = Array.from({ length: 3 }, () => createTask(() => writer.drain()));
      await sleep(0);
      drains[1]?.cancel();
      await sleep(0);
      expect(drains.map((drain) => drain.done())).toEqual([false, true, false]);
      taken[0]?.();
      const ends = await gather(drains, { returnExceptions: true });
      expect(ends).toEqual([undefined, expect.any(CancelledError), undefined]);
    }));

  it("test_drain_raises: who writes and drains for ever learns that the other end has gone", () =>
    run(async () => {
      const reported = reportsOf(getRunningLoop());
      const listening = new Event();
      const server = createServer((socket) => socket.destroy()).listen(0, HERE.host, () => listening.set());
      await listening.wait();
      const { port } = server.address() as { port: number };
      const { writer } = await openConnection({ ...HERE, port });
      const error = await failureOf(async () => {
        for (;;) {
          writer.write("foo\n");
          await writer.drain();
        }
      });
      expect(error).toMatchObject({ code: LOST });
      server.close();
      expect(reported).toEqual([]);
    }));

  it("test_unhandled_exceptions, test_unhandled_cancel: the handler's error is reported, a cancel of it is not", () =>
    run(async () => {
      const reported = reportsOf(getRunningLoop());
      const boom = new Error("test");
      for (const error of [boom, new CancelledError()]) {
        const server = await startServer(async () => {
          throw error;
        }, HERE);
        const { writer } = await openConnection({ ...HERE, port: server.port });
        writer.write("test msg");
        await writer.drain().catch(() => {});
        writer.close();
        await writer.waitClosed().catch(() => {});
        server.close();
        await server.waitClosed();
      }
      expect(reported).toEqual([
        expect.objectContaining({ message: "Unhandled exception in client handler", exception: boom }),
      ]);
    }));
});
