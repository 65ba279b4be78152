import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CancelledError,
  ContextVar,
  createTask,
  Event,
  type EventLoop,
  Future,
  getRunningLoop,
  newEventLoop,
  openConnection,
  Queue,
  RuntimeError,
  run,
  Server,
  sleep,
  type Transport,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { Recorder, reportsOf } from "../../support/recorder.ts";
import { failureOf } from "../../support/virtual.ts";

const HERE = { host: "127.0.0.1", port: 0 };
const fixture = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));

/** Serves while `body` runs; each client's protocol is in the queue. */
async function serving(
  body: (server: Server<EventLoop>, clients: Queue<Recorder>) => Promise<void>,
  options: object = {},
): Promise<void> {
  const clients = new Queue<Recorder>();
  const factory = () => {
    const protocol = new Recorder();
    clients.putNowait(protocol);
    return protocol;
  };
  const server = await getRunningLoop().createServer(factory, { ...HERE, ...options });
  await body(server, clients);
  server.close();
  server.abortClients();
  await server.waitClosed();
}

const dial = (server: Server, options: object = {}) =>
  openConnection({ host: "127.0.0.1", port: server.port, ...options });

describe("loop.createServer", () => {
  it("makes a protocol for each client and tells it what comes, and the end, in order", () =>
    run(() =>
      serving(async (server, clients) => {
        expect(server).toBeInstanceOf(Server);
        expect(server.getLoop()).toBe(getRunningLoop());
        expect(server.isServing()).toBe(true);
        const { reader, writer } = await dial(server);
        const first = await clients.get();
        const [made, transport] = (await first.events.get()) as ["made", Transport];
        expect(made).toBe("made");
        expect(transport.getExtraInfo("sockname")).toMatchObject({ port: server.port });
        writer.write("hello");
        expect(await first.events.get()).toEqual(["data", "hello"]);
        transport.write("welcome\n");
        expect(String(await reader.readLine())).toBe("welcome\n");

        await dial(server);
        expect(await clients.get()).not.toBe(first);

        writer.close();
        expect(await first.events.get()).toEqual(["eof"]);
        expect(await first.events.get()).toEqual(["lost", null]);
      }),
    ));

  it("calls the factory as a callback of the loop, in the context of the caller", () =>
    run(async () => {
      const name = new ContextVar<string>("name");
      name.set("maker");
      const seen = new Future<string | undefined>();
      const factory = () => {
        seen.setResult(name.get());
        return {};
      };
      const server = await getRunningLoop().createServer(factory, HERE);
      name.set("changed");
      await dial(server);
      expect(await seen).toBe("maker");
      server.close();
    }));

  it("reports what the factory throws, closes that connection, and serves on", () =>
    run(async () => {
      const loop = getRunningLoop();
      const reported = reportsOf(loop);
      const exception = new Error("no protocol");
      const answers: (() => object)[] = [
        () => {
          throw exception;
        },
        () => 5 as never,
        () => ({ connectionMade: (transport: Transport) => transport.write("third") }),
      ];
      const server = await loop.createServer(() => answers.shift()?.() as object, HERE);
      for (let i = 0; i < 2; i++) expect(await readAll(server)).toBe("");
      const { reader } = await dial(server);
      expect(String(await reader.readExactly(5))).toBe("third");
      const message = "Error on transport creation for incoming connection";
      const wrong = new TypeError("Expected `protocolFactory` to return a protocol, got `5` (number)");
      expect(reported).toEqual([
        { message, exception, server },
        { message, exception: wrong, server },
      ]);
      server.close();
    }));

  it("is closed when no client is left, and closeClients lets each have what was written", () =>
    run(() =>
      serving(async (server, clients) => {
        const { reader } = await dial(server);
        const { events } = await clients.get();
        const [, transport] = (await events.get()) as [string, Transport];
        transport.write("the end");
        server.close();
        const closed = createTask(() => server.waitClosed());
        await sleep(0);
        expect([server.isServing(), server.sockets, closed.done()]).toEqual([false, [], false]);
        server.closeClients();
        expect(String(await reader.read())).toBe("the end");
        await closed;
        expect(await events.get()).toEqual(["lost", null]);
        server.close();
      }),
    ));

  it("listens at several hosts, and only when it is told to", () =>
    run(() =>
      serving(
        async (server, clients) => {
          expect(server.isServing()).toBe(false);
          const serve = createTask(() => server.serveForever());
          while (!server.isServing()) await sleep(0);
          expect(server.sockets).toHaveLength(2);
          await dial(server);
          await clients.get();
          server.closeClients();
          serve.cancel();
          expect(await failureOf(serve)).toBeInstanceOf(CancelledError);
        },
        { host: ["127.0.0.1", "localhost"], startServing: false },
      ),
    ));

  it("speaks TLS", () =>
    run(() =>
      serving(
        async (server, clients) => {
          const { writer } = await dial(server, {
            tls: { ca: fixture("cert.pem"), servername: "localhost" },
          });
          const { events } = await clients.get();
          await events.get();
          writer.write("secret");
          expect(await events.get()).toEqual(["data", "secret"]);
        },
        { tls: { key: fixture("key.pem"), cert: fixture("cert.pem") } },
      ),
    ));

  it("throws Node's error when the port is taken, and listens nowhere when it is cancelled", () =>
    run(() =>
      serving(async (server) => {
        const loop = getRunningLoop();
        const { port } = server;
        expect(await failureOf(loop.createServer(() => ({}), { ...HERE, port }))).toMatchObject({
          code: "EADDRINUSE",
        });
        const open = loop._atClose.size;
        const task = createTask(() => loop.createServer(() => ({}), HERE), { eagerStart: true });
        await task.started; // it has asked to listen, and libuv has not had its turn
        task.cancel();
        expect(await failureOf(task)).toBeInstanceOf(CancelledError);
        expect(loop._atClose.size).toBe(open);
      }),
    ));

  it("closes its clients with the loop", async () => {
    const socket = await run(async () => {
      const made = new Future<Transport>();
      const factory = () => ({ connectionMade: (transport: Transport) => made.setResult(transport) });
      const server = await getRunningLoop().createServer(factory, HERE);
      await dial(server);
      return (await made).getExtraInfo("socket");
    });
    while (!socket?.destroyed) await new Promise((resolve) => setImmediate(resolve));
  });

  it("ends a client that waits for its protocol when the clients are aborted", () =>
    run(async () => {
      const loop = getRunningLoop();
      const made: object[] = [];
      const factory = () => made[made.push({}) - 1] as object;
      const server = await loop.createServer(factory, HERE);
      const accepted = new Event();
      server.sockets[0]?.once("connection", () => {
        server.close();
        server.abortClients(); // before the loop has had its turn
        accepted.set();
      });
      const { reader, writer } = await dial(server);
      await accepted.wait();
      await server.waitClosed();
      expect(String(await reader.read().catch(() => ""))).toBe("");
      expect(made).toEqual([]);
      writer.close();
    }));

  it("refuses what it cannot use, by name", () =>
    run(async () => {
      const loop = getRunningLoop();
      const make = () => ({});
      expect(await failureOf(loop.createServer({} as never, HERE))).toEqual(
        new TypeError("Expected `protocolFactory` to be a function that makes a protocol, got `{}` (object)"),
      );
      expect(await failureOf(loop.createServer(make, undefined as never))).toEqual(
        new TypeError(
          "Expected `options` to be an object with a port or a path, got `undefined` (undefined)",
        ),
      );
      expect(await failureOf(loop.createServer(make, { port: -1 }))).toEqual(
        new RangeError("Expected `port` to be a port number from 0 to 65535, got `-1` (number)"),
      );
      expect(await failureOf(loop.createServer(make, { host: 5 as never, port: 0 }))).toEqual(
        new TypeError("Expected `host` to be the name or address of a host, got `5` (number)"),
      );
      expect(await failureOf(loop.createUnixServer(make, ""))).toEqual(
        new TypeError("Expected `path` to be the path of a socket, got `''` (string)"),
      );
      const other = newEventLoop();
      expect(await failureOf(other.createServer(make, HERE))).toBeInstanceOf(RuntimeError);
      other.close();
      expect(await failureOf(other.createServer(make, HERE))).toBeInstanceOf(RuntimeError);
    }));
});

describe("loop.createUnixServer", () => {
  it.skipIf(process.platform === "win32")("serves protocols of createUnixConnection", async () => {
    const folder = await mkdtemp(join(tmpdir(), "threadloop-"));
    await run(async () => {
      const loop = getRunningLoop();
      const path = join(folder, "socket");
      const tls = { key: fixture("key.pem"), cert: fixture("cert.pem") };
      for (const options of [{}, { tls }]) {
        const server = await loop.createUnixServer(
          () => ({ connectionMade: (transport: Transport) => transport.write("welcome") }),
          path,
          options,
        );
        expect(server.address()).toBe(path);
        const trust = "tls" in options ? { tls: { ca: tls.cert, servername: "localhost" } } : {};
        const [transport, { events }] = await loop.createUnixConnection(() => new Recorder(), path, trust);
        expect(await events.get()).toEqual(["made", transport]);
        expect(await events.get()).toEqual(["data", "welcome"]);
        transport.close();
        expect(await events.get()).toEqual(["lost", null]);
        server.close();
        await server.waitClosed();
      }
    });
    await rm(folder, { recursive: true });
  });
});

async function readAll(server: Server): Promise<string> {
  const { reader, writer } = await dial(server);
  const text = String(await reader.read().catch(() => ""));
  writer.close();
  return text;
}
