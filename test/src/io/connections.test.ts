import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  CancelledError,
  createTask,
  Event,
  getRunningLoop,
  Queue,
  RuntimeError,
  run,
  type StreamReader,
  type StreamWriter,
  sleep,
  startServer,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { connected, HERE } from "../../support/connected.ts";
import { Recorder, reportsOf } from "../../support/recorder.ts";
import { failureOf } from "../../support/virtual.ts";

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));

const echo = async (reader: StreamReader, writer: StreamWriter) => {
  for await (const line of reader) writer.write(line);
};
/** A handler that leaves its client alone. */
const silent = () => {};

describe("loop.createConnection", () => {
  it("tells the protocol what comes, and the end, in order", () =>
    run(() =>
      connected(echo, async (transport, { events }, server) => {
        expect(transport.getExtraInfo("peername")).toMatchObject({ address: "127.0.0.1", port: server.port });
        expect(inspect(transport)).toBe(`<Transport to 127.0.0.1:${server.port}>`);
        transport.write("one\n");
        expect(await events.get()).toEqual(["data", "one\n"]);
        transport.writeLines(["two", Buffer.from("\n")]);
        expect(await events.get()).toEqual(["data", "two\n"]);
        transport.writeEof();
        expect(await events.get()).toEqual(["eof"]);
        expect(await events.get()).toEqual(["lost", null]);
        expect(transport.isClosing()).toBe(true);
        expect(() => transport.write("late")).toThrow(
          new RuntimeError("Cannot call write() after writeEof()"),
        );
      }),
    ));

  it("stays open after the other end has ended its part, if the protocol says so", () =>
    run(async () => {
      const rest = new Queue<string>();
      const handler = async (reader: StreamReader, writer: StreamWriter) => {
        writer.writeEof();
        rest.putNowait(String(await reader.read()));
      };
      const server = await startServer(handler, HERE);
      const protocol = new Recorder();
      protocol.keepOpen = true;
      const connecting = getRunningLoop().createConnection(() => protocol, "127.0.0.1", server.port);
      const [transport] = await connecting;
      await protocol.events.get();
      expect(await protocol.events.get()).toEqual(["eof"]);
      transport.write("still here");
      transport.close();
      expect(await rest.get()).toBe("still here");
      expect(await protocol.events.get()).toEqual(["lost", null]);
      server.close();
    }));

  it("sends what was written before it closes, and drops what is written then", () =>
    run(async () => {
      const received = new Queue<number>();
      const handler = async (reader: StreamReader) => received.putNowait((await reader.read()).length);
      await connected(handler, async (transport, { events }) => {
        transport.write(Buffer.alloc(1_000_000));
        transport.close();
        transport.close();
        transport.write("too late");
        expect(await received.get()).toBe(1_000_000);
        while ((await events.get())[0] !== "lost");
      });
    }));

  it("pauses the writing protocol within the write that fills the buffer, and resumes it", () =>
    run(async () => {
      const read = new Event();
      const handler = async (reader: StreamReader) => {
        await read.wait();
        await reader.read();
      };
      await connected(handler, async (transport, { events }) => {
        expect(transport.getWriteBufferLimits()).toEqual({ high: 65_536, low: 16_384 });
        transport.setWriteBufferLimits({ high: 1000 });
        transport.write(Buffer.alloc(16_000_000));
        expect(events.getNowait()).toEqual(["pause"]);
        expect(transport.getWriteBufferSize()).toBeGreaterThan(1000);
        read.set();
        expect(await events.get()).toEqual(["resume"]);
        expect(transport.getWriteBufferSize()).toBeLessThanOrEqual(250);
      });
    }));

  it("tells nothing while reading is paused, also of what waits for its turn", () =>
    run(() =>
      connected(silent, async (transport, { events }) => {
        transport.getExtraInfo("socket")?.emit("data", Buffer.from("one"));
        transport.getExtraInfo("socket")?.emit("data", Buffer.from("two"));
        transport.pauseReading();
        await sleep(0);
        expect([events.empty(), transport.isReading()]).toEqual([true, false]);
        transport.resumeReading();
        expect([await events.get(), await events.get()]).toEqual([
          ["data", "one"],
          ["data", "two"],
        ]);
        expect(transport.isReading()).toBe(true);
      }),
    ));

  it("gives bytes also of a socket to which somebody has given an encoding", () =>
    run(() =>
      connected(echo, async (transport, { events }) => {
        transport.getExtraInfo("socket")?.setEncoding("utf8");
        transport.write("gr\u00fcn\n");
        expect(await events.get()).toEqual(["data", "gr\u00fcn\n"]);
        transport.close();
      }),
    ));

  it("breaks the connection by what dataReceived throws, and says so", () =>
    run(async () => {
      const loop = getRunningLoop();
      const reported = reportsOf(loop);
      const server = await startServer((_reader, writer) => writer.write("x"), HERE);
      const lost = new Queue<Error | null>();
      const exception = new Error("no");
      const protocol = {
        dataReceived: () => {
          throw exception;
        },
        connectionLost: (error: Error | null) => lost.putNowait(error),
      };
      const [transport] = await loop.createConnection(() => protocol, "127.0.0.1", server.port);
      expect(await lost.get()).toBe(exception);
      const message = "Fatal error: protocol.dataReceived() call failed.";
      expect(reported).toMatchObject([{ message, exception, transport, protocol }]);
      server.close();
    }));

  it("tells what broke the connection", () =>
    run(() =>
      connected(silent, async (transport, { events }) => {
        const error = new Error("cable");
        transport.getExtraInfo("socket")?.destroy(error);
        expect(await events.get()).toEqual(["lost", error]);
      }),
    ));

  it("speaks TLS", () =>
    run(async () => {
      const tls = { key: fixture("key.pem"), cert: fixture("cert.pem") };
      const server = await startServer(echo, { ...HERE, tls });
      const connect = (options: object) =>
        getRunningLoop().createConnection(() => new Recorder(), "127.0.0.1", server.port, options);
      const [transport, { events }] = await connect({ tls: { rejectUnauthorized: false } });
      await events.get();
      transport.write("secret\n");
      expect(await events.get()).toEqual(["data", "secret\n"]);
      expect(() => transport.writeEof()).toThrow(RuntimeError);
      transport.close();
      expect(await events.get()).toEqual(["lost", null]);
      expect(await failureOf(connect({ tls: true }))).toHaveProperty("code");
      server.close();
    }));

  it.skipIf(process.platform === "win32")("connects to a Unix socket", async () => {
    const folder = await mkdtemp(join(tmpdir(), "threadloop-"));
    await run(async () => {
      const path = join(folder, "socket");
      const server = await startServer(echo, { path });
      const [transport, { events }] = await getRunningLoop().createUnixConnection(() => new Recorder(), path);
      await events.get();
      transport.write("hello\n");
      expect(await events.get()).toEqual(["data", "hello\n"]);
      expect(transport.getExtraInfo("peername", null)).toBeNull();
      transport.close();
      server.close();
    });
    await rm(folder, { recursive: true });
  });

  it("throws Node's error when nobody listens, and what the factory throws", () =>
    run(async () => {
      const loop = getRunningLoop();
      const server = await startServer(silent, HERE);
      const { port } = server.address() as AddressInfo;
      const error = new Error("no protocol");
      const fail = () => {
        throw error;
      };
      expect(await failureOf(loop.createConnection(fail, "127.0.0.1", port))).toBe(error);
      server.close();
      expect(await failureOf(loop.createConnection(() => ({}), "127.0.0.1", port))).toMatchObject({
        code: "ECONNREFUSED",
      });
    }));

  it("gives up connecting when it is cancelled", () =>
    run(async () => {
      const server = await startServer(silent, HERE);
      const { port } = server;
      const made: Recorder[] = [];
      const factory = () => made[made.push(new Recorder()) - 1] as Recorder;
      const task = createTask(() => getRunningLoop().createConnection(factory, "127.0.0.1", port));
      await sleep(0);
      task.cancel();
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
      expect(made).toEqual([]);
      server.close();
    }));

  it("is closed with the loop", async () => {
    const socket = await run(async () => {
      const server = await startServer(silent, HERE);
      const [transport] = await getRunningLoop().createConnection(() => ({}), "127.0.0.1", server.port);
      return transport.getExtraInfo("socket");
    });
    while (!socket?.destroyed) await new Promise((resolve) => setImmediate(resolve));
  });

  it("refuses what it cannot use, by name", () =>
    run(async () => {
      const loop = getRunningLoop();
      const make = () => ({});
      expect(await failureOf(loop.createConnection(null as never, "127.0.0.1", 1))).toEqual(
        new TypeError("Expected `protocolFactory` to be a function that makes a protocol, got `null` (null)"),
      );
      expect(await failureOf(loop.createConnection(make, 5 as never, 1))).toEqual(
        new TypeError("Expected `host` to be the name or address of a host, got `5` (number)"),
      );
      expect(await failureOf(loop.createConnection(make, "127.0.0.1", 0))).toEqual(
        new RangeError("Expected `port` to be a port number from 1 to 65535, got `0` (number)"),
      );
      expect(await failureOf(loop.createUnixConnection(make, 5 as never))).toEqual(
        new TypeError("Expected `path` to be the path of a socket, got `5` (number)"),
      );
      await connected(silent, async (transport) => {
        expect(() => transport.write(5 as never)).toThrow(
          new TypeError("Expected `data` to be a string or a Uint8Array, got `5` (number)"),
        );
        expect(() => transport.setWriteBufferLimits({ high: 1, low: 2 })).toThrow(
          new RangeError("Expected `high` >= `low` >= 0, got `1` (number) and `2` (number)"),
        );
      });
    }));
});
