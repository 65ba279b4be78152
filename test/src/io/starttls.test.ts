import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import {
  CancelledError,
  createTask,
  getRunningLoop,
  openConnection,
  Queue,
  RuntimeError,
  run,
  type StartTlsOptions,
  type StreamReader,
  type StreamWriter,
  sleep,
  type Transport,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { connected, HERE } from "../../support/connected.ts";
import { Recorder } from "../../support/recorder.ts";
import { failureOf } from "../../support/virtual.ts";

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));
const key = fixture("key.pem");
const cert = fixture("cert.pem");
const trust = { ca: cert, servername: "localhost" };

/** Speaks TLS from the beginning and echoes. */
const secureEcho = async (reader: StreamReader, writer: StreamWriter) => {
  await writer.startTls({ key, cert });
  for await (const line of reader) writer.write(line);
};
const silent = () => {};

describe("loop.startTls", () => {
  it("returns a transport that takes the place of the old one, and does not tell connectionMade again", () =>
    run(() =>
      connected(secureEcho, async (bare, protocol) => {
        const secure = await getRunningLoop().startTls(bare, protocol, trust);
        expect(secure).not.toBe(bare);
        expect([bare.isClosing(), secure.isClosing(), secure.canWriteEof()]).toEqual([true, false, false]);
        bare.write("dropped");
        bare.close();
        secure.write("secret\n");
        expect(await protocol.events.get()).toEqual(["data", "secret\n"]);
        secure.close();
        expect(await protocol.events.get()).toEqual(["lost", null]);
        expect(protocol.events.empty()).toBe(true);
      }),
    ));

  it("can give the connection to another protocol", () =>
    run(() =>
      connected(secureEcho, async (bare, { events }) => {
        const other = new Recorder();
        const secure = await getRunningLoop().startTls(bare, other, trust);
        secure.write("secret\n");
        expect(await other.events.get()).toEqual(["data", "secret\n"]);
        secure.abort();
        expect(await other.events.get()).toEqual(["lost", null]);
        expect(events.empty()).toBe(true);
      }),
    ));

  it("is the server's side where it says so, and its clients stay clients of the server", () =>
    run(async () => {
      const loop = getRunningLoop();
      const upgraded = new Queue<Transport>();
      const factory = () => {
        const protocol = {
          dataReceived: (data: Buffer) => (String(data) === "start\n" ? upgrade() : upgraded.putNowait(bare)),
          connectionMade: (transport: Transport) => {
            bare = transport;
          },
        };
        let bare: Transport;
        const upgrade = async () => {
          bare.write("go\n");
          bare = await loop.startTls(bare, protocol, { serverSide: true, key, cert });
          bare.write("secure\n");
        };
        return protocol;
      };
      const server = await loop.createServer(factory, HERE);
      const { reader, writer } = await openConnection({ host: HERE.host, port: server.port });
      writer.write("start\n");
      expect(String(await reader.readLine())).toBe("go\n");
      await writer.startTls(trust);
      expect(String(await reader.readLine())).toBe("secure\n");
      writer.write("there\n");
      await upgraded.get();
      server.close();
      const closed = createTask(() => server.waitClosed());
      await sleep(0);
      expect(closed.done()).toBe(false);
      server.closeClients();
      expect(String(await reader.read())).toBe("");
      await closed;
    }));

  it("gives the handshake what of it came before the call", () =>
    run(async () => {
      const loop = getRunningLoop();
      const secured = new Queue<Transport>();
      const factory = () => {
        const protocol = {
          connectionMade: (transport: Transport) => {
            transport.pauseReading();
            transport.getExtraInfo("socket")?.once("data", async () => {
              await sleep(0);
              secured.putNowait(await loop.startTls(transport, protocol, { serverSide: true, key, cert }));
            });
            transport.getExtraInfo("socket")?.resume(); // it comes and is not told
          },
        };
        return protocol;
      };
      const server = await loop.createServer(factory, HERE);
      const { reader } = await openConnection({ host: HERE.host, port: server.port, tls: trust });
      (await secured.get()).write("secure\n");
      expect(String(await reader.readLine())).toBe("secure\n");
      server.close();
      server.abortClients();
    }));

  it("sends what was written before it begins", () =>
    run(async () => {
      const size = 16_000_000;
      const handler = async (reader: StreamReader, writer: StreamWriter) => {
        await reader.readExactly(size);
        await secureEcho(reader, writer);
      };
      await connected(handler, async (bare, protocol) => {
        bare.write(Buffer.alloc(size));
        expect(await protocol.events.get()).toEqual(["pause"]);
        const secure = await getRunningLoop().startTls(bare, protocol, trust);
        expect(await protocol.events.get()).toEqual(["resume"]);
        secure.write("secret\n");
        expect(await protocol.events.get()).toEqual(["data", "secret\n"]);
        secure.abort();
      });
    }));

  it("throws the error of the handshake, which the protocol is told once as the end", () =>
    run(() =>
      connected(
        (_reader, writer) => writer.startTls({ key, cert }).catch(() => {}),
        async (bare, protocol) => {
          const failed = getRunningLoop().startTls(bare, protocol, { servername: "localhost" });
          const error = await failureOf(failed);
          expect(error).toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
          expect(await protocol.events.get()).toEqual(["lost", error]);
          await sleep(0);
          expect(protocol.events.empty()).toBe(true);
        },
      ),
    ));

  it("fails when the connection ends before or within the handshake", () =>
    run(async () => {
      const hangUp = async (reader: StreamReader, writer: StreamWriter) => {
        await reader.readLine();
        writer.close();
      };
      await connected(hangUp, async (bare, protocol) => {
        protocol.keepOpen = true;
        bare.write("go\n");
        expect(await protocol.events.get()).toEqual(["eof"]);
        const error = await failureOf(getRunningLoop().startTls(bare, protocol, trust));
        expect(error).toMatchObject({ code: "ECONNRESET" });
        expect(await protocol.events.get()).toEqual(["lost", error]);
      });
      const hangUpLater = async (reader: StreamReader) => void (await reader.read(1));
      await connected(hangUpLater, async (bare, protocol) => {
        const error = await failureOf(getRunningLoop().startTls(bare, protocol, trust));
        expect(error).toMatchObject({ code: "ECONNRESET" });
        expect(await protocol.events.get()).toEqual(["lost", error]);
      });
    }));

  it("loses the connection when it is cancelled", () =>
    run(() =>
      connected(silent, async (bare, protocol) => {
        const socket = bare.getExtraInfo("socket");
        const task = createTask(() => getRunningLoop().startTls(bare, protocol, trust));
        await sleep(0);
        task.cancel();
        expect(await failureOf(task)).toBeInstanceOf(CancelledError);
        expect(await protocol.events.get()).toEqual(["lost", null]);
        expect(socket?.destroyed).toBe(true);
      }),
    ));

  it("is ended within the handshake by the server whose client it is", () =>
    run(async () => {
      const loop = getRunningLoop();
      const protocol = new Recorder();
      const server = await loop.createServer(() => protocol, HERE);
      const { writer } = await openConnection({ host: HERE.host, port: server.port }); // says nothing
      const [, bare] = (await protocol.events.get()) as [string, Transport];
      const upgrading = createTask(() => loop.startTls(bare, protocol, { serverSide: true, key, cert }));
      await sleep(0);
      server.close();
      server.closeClients();
      const error = await failureOf(upgrading);
      expect(error).toMatchObject({ code: "ECONNRESET" });
      await server.waitClosed();
      expect(await protocol.events.get()).toEqual(["lost", error]);
      writer.close();
    }));

  it("refuses what it cannot use, by name", () =>
    run(() =>
      connected(silent, async (bare, protocol) => {
        const loop = getRunningLoop();
        const start = (...args: unknown[]) =>
          failureOf(loop.startTls(...(args as [Transport, Recorder, StartTlsOptions])));
        expect(await start(5, protocol)).toEqual(
          new TypeError("Expected `transport` to be a Transport of a connection, got `5` (number)"),
        );
        expect(await start(bare, null)).toEqual(
          new TypeError("Expected `protocol` to be a protocol, got `null` (null)"),
        );
        bare.close();
        expect(await start(bare, protocol)).toBeInstanceOf(RuntimeError);
      }),
    ));
});

/** A socket that a server of Node's accepted, and the other end of it. */
async function accepted(options: object = {}): Promise<[socket: Socket, far: Socket, close: () => void]> {
  const listener = createServer(options).listen(0, HERE.host);
  await once(listener, "listening");
  const coming = once(listener, "connection");
  const far = connect((listener.address() as AddressInfo).port, HERE.host);
  const [socket] = (await coming) as [Socket];
  return [socket, far, () => listener.close()];
}

describe("loop.connectAcceptedSocket", () => {
  it("gives a protocol to a socket that was accepted elsewhere, paused or not", () =>
    run(async () => {
      for (const pauseOnConnect of [true, false]) {
        const [socket, far, close] = await accepted({ pauseOnConnect });
        far.write("hello");
        const loop = getRunningLoop();
        const [transport, { events }] = await loop.connectAcceptedSocket(() => new Recorder(), socket);
        expect(await events.get()).toEqual(["made", transport]);
        expect(await events.get()).toEqual(["data", "hello"]);
        far.end();
        expect(await events.get()).toEqual(["eof"]);
        expect(await events.get()).toEqual(["lost", null]);
        close();
      }
    }));

  it("speaks TLS as the server", () =>
    run(async () => {
      const listener = createServer({ pauseOnConnect: true }).listen(0, HERE.host);
      await once(listener, "listening");
      const coming = once(listener, "connection");
      const { port } = listener.address() as AddressInfo;
      const dialing = createTask(() => openConnection({ host: HERE.host, port, tls: trust }));
      const [socket] = (await coming) as [Socket];
      const [transport] = await getRunningLoop().connectAcceptedSocket(() => ({}), socket, {
        tls: { key, cert },
      });
      transport.write("secure\n");
      const { reader, writer } = await dialing;
      expect(String(await reader.readLine())).toBe("secure\n");
      writer.close();
      listener.close();
    }));

  it("closes the socket when it is cancelled, and when the factory or the handshake fails", () =>
    run(async () => {
      const loop = getRunningLoop();
      const error = new Error("no protocol");
      const fail = () => {
        throw error;
      };
      const [first, , closeFirst] = await accepted();
      expect(await failureOf(loop.connectAcceptedSocket(fail, first))).toBe(error);
      expect(first.destroyed).toBe(true);
      closeFirst();

      const [second, far, closeSecond] = await accepted({ pauseOnConnect: true });
      far.write("this is no TLS, and never will be\n");
      const options = { tls: { key, cert } };
      const refused = await failureOf(loop.connectAcceptedSocket(() => ({}), second, options));
      expect(refused).toHaveProperty("code");
      expect(second.destroyed).toBe(true);
      closeSecond();

      for (const settings of [{}, options]) {
        const [third, , closeThird] = await accepted({ pauseOnConnect: true });
        const task = createTask(() => loop.connectAcceptedSocket(() => ({}), third, settings));
        await sleep(0);
        task.cancel();
        expect(await failureOf(task)).toBeInstanceOf(CancelledError);
        expect(third.destroyed).toBe(true);
        closeThird();
      }
    }));

  it("refuses what it cannot use, by name", () =>
    run(async () => {
      const loop = getRunningLoop();
      const make = () => ({});
      expect(await failureOf(loop.connectAcceptedSocket(make, 5 as never))).toEqual(
        new TypeError("Expected `socket` to be a connected socket of Node's, got `5` (number)"),
      );
      const [socket, far, close] = await accepted();
      expect(await failureOf(loop.connectAcceptedSocket(5 as never, socket))).toBeInstanceOf(TypeError);
      expect(socket.destroyed).toBe(false);
      socket.destroy();
      expect(await failureOf(loop.connectAcceptedSocket(make, socket))).toEqual(
        new RangeError("Expected `socket` to be a connected socket of Node's, got one that is closed"),
      );
      far.destroy();
      close();
    }));
});
