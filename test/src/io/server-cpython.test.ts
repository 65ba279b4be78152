// These tests are what CPython's own test_server, test_transports, test_protocols, test_sendfile and the servers,
// connections, datagrams and pipes of test_events and test_unix_events ask, with the names they have there.
import { existsSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { inspect } from "node:util";
import {
  CancelledError,
  createTask,
  type DatagramAddress,
  type DatagramTransport,
  Event,
  type EventLoop,
  getRunningLoop,
  newEventLoop,
  type OpenConnectionOptions,
  openConnection,
  Queue,
  RuntimeError,
  run,
  type Server,
  type StreamReader,
  type StreamWriter,
  sleep,
  startServer,
  type Transport,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { connected, HERE } from "../../support/connected.ts";
import { Recorder, reportsOf } from "../../support/recorder.ts";
import { failureOf, turns } from "../../support/virtual.ts";

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));
const key = fixture("key.pem");
const cert = fixture("cert.pem");
const trust = { ca: cert, servername: "localhost" };
const LOST = expect.stringMatching(/^(ECONNRESET|ECONNABORTED|EPIPE)$/);
const silent = () => {};

const dial = (server: Server, options: object = {}) =>
  openConnection({ ...HERE, port: server.port, ...options });

/** Reads to the end and closes. */
async function untilEnd(reader: StreamReader, writer: StreamWriter) {
  try {
    await reader.read();
  } finally {
    writer.close();
    await writer.waitClosed();
  }
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "threadloop-"));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Serves until a client's handler cancels that; gives the server as it is afterwards. */
async function servedUntilCancelled(place: typeof HERE | { path: string }): Promise<Server> {
  const server: Server = await startServer(
    async (reader, writer) => {
      await reader.readLine();
      main.cancel();
      writer.write("1");
      writer.close();
      await writer.waitClosed();
    },
    { ...place, startServing: false },
  );
  expect([server.isServing(), server.sockets]).toEqual([false, []]);
  const main = createTask(() => server.serveForever());
  while (!server.isServing()) await turns(1);
  const { reader, writer } = await ("path" in place ? openConnection(place) : dial(server));
  writer.write(`${"1".repeat(5 * 1024)}\n`);
  expect(String(await reader.readExactly(1))).toBe("1");
  writer.close();
  expect(await failureOf(main)).toBeInstanceOf(CancelledError);
  return server;
}

describe("A server, as CPython tests it", () => {
  it("test_start_server_1, test_start_unix_server_1: it serves until it is cancelled, and never again", () =>
    run(() =>
      withFolder(async (folder) => {
        for (const place of [HERE, { path: join(folder, "socket") }]) {
          const server = await servedUntilCancelled(place);
          expect([server.sockets, server.isServing()]).toEqual([[], false]);
          const error = await failureOf(() => server.serveForever());
          expect([error, String(error)]).toEqual([
            expect.any(RuntimeError),
            expect.stringMatching(/is closed/),
          ]);
        }
      }),
    ));

  it("a Unix server says that it serves when its file is there, and not before", () =>
    run(() =>
      withFolder(async (folder) => {
        const path = join(folder, "socket");
        const server = await startServer(silent, { path, startServing: false });
        const starting = createTask(() => server.startServing());
        while (!starting.done()) {
          expect(server.isServing()).toBe(existsSync(path));
          await turns(1);
        }
        expect([server.isServing(), server.address()]).toEqual([true, path]);
        server.close();
        expect([server.isServing(), existsSync(path)]).toEqual([false, false]);
      }),
    ));

  it("test_wait_closed_basic: until it is closed and the last client has gone, for all who wait", () =>
    run(async () => {
      const server = await startServer(untilEnd, HERE);
      const first = createTask(() => server.waitClosed());
      await turns(1);
      const { writer } = await dial(server);
      const second = createTask(() => server.waitClosed());
      await turns(2);
      server.close();
      const third = createTask(() => server.waitClosed());
      await turns(2);
      expect([first.done(), second.done(), third.done()]).toEqual([false, false, false]);
      writer.close();
      await writer.waitClosed();
      for (const wait of [first, second, third]) await wait;
      await server.waitClosed();
    }));

  it("test_wait_closed_race: the server and its last client are closed in one iteration", () =>
    run(async () => {
      const server = await startServer(untilEnd, HERE);
      const { writer } = await dial(server);
      const loop = getRunningLoop();
      loop.callSoon(() => server.close());
      loop.callSoon(() => writer.close());
      await server.waitClosed();
      await writer.waitClosed();
    }));

  it("test_close_clients, test_abort_clients: it is over although no client leaves by itself", () =>
    run(async () => {
      for (const end of ["closeClients", "abortClients"] as const) {
        const handled = new Event();
        const server = await startServer(async (_reader, writer) => {
          if (end === "abortClients") for (let i = 0; i < 40; i++) writer.write("a".repeat(2 ** 20));
          handled.set();
          await writer.waitClosed().catch(() => {});
        }, HERE);
        const { writer } = await dial(server, { limit: 4096 });
        await handled.wait();
        const closed = createTask(() => server.waitClosed());
        await turns(1);
        expect(closed.done()).toBe(false);
        server.close();
        server[end]();
        await closed;
        writer.transport.destroy();
      }
    }));

  it("test_close_race: it is closed while a connection is on its way to it", () =>
    run(async () => {
      const reported = reportsOf(getRunningLoop());
      for (let rounds = 0; rounds < 5; rounds++) {
        const server = await startServer(silent, HERE);
        const dialling = createTask(() => dial(server));
        await turns(rounds);
        server.close();
        server.closeClients();
        const connection = await dialling.catch(() => null);
        connection?.writer.close();
        server.closeClients();
        await server.waitClosed();
      }
      expect(reported).toEqual([]);
    }));

  it("test_unix_server_addr_cleanup, test_unix_server_cleanup_gone", () =>
    run(() =>
      withFolder(async (folder) => {
        const path = join(folder, "socket");
        for (const gone of [false, true]) {
          const server = await startServer(silent, { path });
          expect(existsSync(path)).toBe(true);
          if (gone) unlinkSync(path);
          server.close();
          expect(existsSync(path)).toBe(false);
        }
      }),
    ));

  it("test_create_unix_server_existing_path_nonsock, test_create_unix_server_bind_error: the path is named", () =>
    run(() =>
      withFolder(async (folder) => {
        const path = join(folder, "file");
        writeFileSync(path, "mine");
        const loop = getRunningLoop();
        const taken = await failureOf(() => loop.createUnixServer(() => new Recorder(), path));
        expect(taken).toMatchObject({ code: "EADDRINUSE", message: expect.stringContaining(path) });
        expect(readFileSync(path, "utf8")).toBe("mine");
        const nowhere = join(folder, "no", "folder");
        const missing = await failureOf(() => loop.createUnixServer(() => new Recorder(), nowhere));
        expect(missing).toMatchObject({ code: expect.stringMatching(/^(ENOENT|EACCES)$/) });
        expect(String(missing)).toContain(nowhere);
      }),
    ));

  /** Connects to a server and sends; gives what its protocol is told, the transport first. */
  async function serveOne(server: Server, clients: Queue<Recorder>, target: OpenConnectionOptions) {
    expect(server.sockets.length).toBe(1);
    const { writer } = await openConnection(target);
    writer.write("xxx");
    const { events } = await clients.get();
    const [what, transport] = (await events.get()) as [string, Transport];
    expect([what, await events.get()]).toEqual(["made", ["data", "xxx"]]);
    transport.close();
    expect(await events.get()).toEqual(["lost", null]);
    writer.close();
    await writer.waitClosed().catch(() => {});
    server.close();
    await server.waitClosed();
    return transport;
  }

  /** Makes protocols that come into a queue. */
  function recorders() {
    const clients = new Queue<Recorder>();
    const factory = () => {
      const protocol = new Recorder();
      clients.putNowait(protocol);
      return protocol;
    };
    return { clients, factory };
  }
  const kinds = [
    { server: {}, client: {} },
    { server: { tls: { key, cert } }, client: { tls: trust } },
  ];

  it("test_create_server, test_create_server_ssl: a client's protocol is told all, and knows both addresses", () =>
    run(async () => {
      for (const kind of kinds) {
        const { clients, factory } = recorders();
        const server = await getRunningLoop().createServer(factory, { ...HERE, ...kind.server });
        const { port } = server;
        const transport = await serveOne(server, clients, { ...HERE, port, ...kind.client });
        expect(transport.getExtraInfo("peername")?.address).toBe(HERE.host);
        expect(transport.getExtraInfo("sockname")?.port).toBe(port);
      }
    }));

  it("test_create_unix_server, test_create_unix_server_ssl", () =>
    run(() =>
      withFolder(async (folder) => {
        const path = join(folder, "socket");
        for (const kind of kinds) {
          const { clients, factory } = recorders();
          const server = await getRunningLoop().createUnixServer(factory, path, kind.server);
          const transport = await serveOne(server, clients, { path, ...kind.client });
          expect(transport.getExtraInfo("peername", null)).toBeNull();
        }
      }),
    ));

  it("test_create_server_addr_in_use, test_create_server_reuse_port", () =>
    run(async () => {
      const loop = getRunningLoop();
      const server = await loop.createServer(() => new Recorder(), HERE);
      const again = { host: HERE.host, port: server.port };
      expect(await failureOf(() => loop.createServer(() => new Recorder(), again))).toMatchObject({
        code: "EADDRINUSE",
      });
      server.close();
      await server.waitClosed();
      const successor = await loop.createServer(() => new Recorder(), again);
      successor.close();
    }));

  it("test_create_server_multiple_hosts_ipv4: one socket for each", () =>
    run(async () => {
      const loop = getRunningLoop();
      const server = await loop.createServer(() => new Recorder(), {
        host: ["127.0.0.1", "127.0.0.2"],
        port: 0,
      });
      const hosts = server.sockets.map((socket) => (socket.address() as AddressInfo).address);
      expect(hosts.sort()).toEqual(["127.0.0.1", "127.0.0.2"]);
      server.close();
    }));

  it("test_create_server_ssl_verify_failed, test_create_server_ssl_match_failed, ..._verified", () =>
    run(async () => {
      const loop = getRunningLoop();
      const server = await loop.createServer(() => new Recorder(), { ...HERE, tls: { key, cert } });
      const connect = (tls: object) =>
        loop.createConnection(() => new Recorder(), HERE.host, server.port, { tls });
      expect(await failureOf(() => connect({ servername: "localhost" }))).toMatchObject({
        code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY/),
      });
      expect(await failureOf(() => connect({ ca: cert, servername: "other.example" }))).toMatchObject({
        code: "ERR_TLS_CERT_ALTNAME_INVALID",
      });
      const [transport, { events }] = await connect(trust);
      expect(await events.get()).toEqual(["made", transport]);
      transport.close();
      expect(await events.get()).toEqual(["lost", null]);
      server.close();
      await server.waitClosed();
    }));

  it("test_server_close: nobody can connect any more", () =>
    run(async () => {
      const server = await startServer(silent, HERE);
      const { writer } = await dial(server);
      writer.write("xxx");
      const { port } = server;
      server.close();
      expect(await failureOf(() => openConnection({ ...HERE, port }))).toMatchObject({
        code: "ECONNREFUSED",
      });
      writer.close();
      server.closeClients();
      await server.waitClosed();
    }));

  it("test_get_loop, test_close, test_wait_closed of an abstract server: the same, and twice is fine", () =>
    run(async () => {
      const loop = getRunningLoop();
      const server = await loop.createServer(() => new Recorder(), HERE);
      expect(server.getLoop()).toBe(loop);
      server.close();
      server.close();
      await server.waitClosed();
      await server.waitClosed();
    }));
});

describe("A connection, as CPython tests it", () => {
  it("test_create_connection: the protocol gets what comes and the end", () =>
    run(() =>
      connected(
        async (reader, writer) => {
          await reader.readLine();
          writer.write("HTTP/1.0 200 OK\r\n");
        },
        async (transport, { events }) => {
          transport.write("GET /\n");
          expect(await events.get()).toEqual(["data", "HTTP/1.0 200 OK\r\n"]);
          expect(await events.get()).toEqual(["eof"]);
          expect(await events.get()).toEqual(["lost", null]);
          expect(events.empty()).toBe(true);
        },
      ),
    ));

  it("test_create_connection_local_addr, test_create_connection_local_addr_in_use", () =>
    run(() =>
      connected(silent, async (_transport, _protocol, server) => {
        const loop = getRunningLoop();
        const from = (options: object) =>
          loop.createConnection(() => new Recorder(), HERE.host, server.port, options);
        const [transport] = await from({ localAddress: "127.0.0.2" });
        expect(transport.getExtraInfo("sockname")?.address).toBe("127.0.0.2");
        transport.close();
        const mine = { localAddress: HERE.host, localPort: server.port };
        expect(await failureOf(() => from(mine))).toMatchObject({ code: "EADDRINUSE" });
      }),
    ));

  it("test_connect_accepted_socket: a socket that came from elsewhere gets a protocol, which answers", () =>
    run(async () => {
      const loop = getRunningLoop();
      const listening = new Event();
      const accepted = loop.createFuture<Socket>();
      const server = createServer({ pauseOnConnect: true }, (socket) => accepted.setResult(socket));
      server.listen(0, HERE.host, () => listening.set());
      await listening.wait();
      const { reader, writer } = await openConnection({
        ...HERE,
        port: (server.address() as AddressInfo).port,
      });
      writer.write("hello");
      const [transport, { events }] = await loop.connectAcceptedSocket(() => new Recorder(), await accepted);
      expect(await events.get()).toEqual(["made", transport]);
      expect(await events.get()).toEqual(["data", "hello"]);
      transport.write("bye");
      transport.close();
      expect(String(await reader.read())).toBe("bye");
      expect(await events.get()).toEqual(["lost", null]);
      writer.close();
      server.close();
    }));

  it("test_prompt_cancellation: a read and a connect end at once, and the socket is left as it was", () =>
    run(async () => {
      const server = await startServer(async (reader, writer) => {
        writer.write(await reader.readLine());
      }, HERE);
      const { reader, writer } = await dial(server);
      const read = createTask(() => reader.read(1));
      getRunningLoop().callSoon(() => read.cancel());
      expect(await failureOf(read)).toBeInstanceOf(CancelledError);
      writer.write("still\n");
      expect(String(await reader.readLine())).toBe("still\n");
      const connecting = createTask(() => dial(server));
      getRunningLoop().callSoon(() => connecting.cancel());
      expect(await failureOf(connecting)).toBeInstanceOf(CancelledError);
      writer.close();
      server.close();
      server.closeClients();
      await server.waitClosed();
    }));

  it("test_ctor_extra_is_none, test_get_extra_info, test_can_write_eof", () =>
    run(() =>
      connected(silent, async (transport) => {
        const getAny = transport.getExtraInfo.bind(transport) as (
          name: string,
          otherwise?: unknown,
        ) => unknown;
        expect([getAny("unknown"), getAny("unknown", 1), getAny("toString")]).toEqual([
          undefined,
          1,
          undefined,
        ]);
        expect(transport.canWriteEof()).toBe(true);
      }),
    ));

  it("test_writelines, test_write_no_data, test_write_close, test_write_eof, test_close_already_closing", () =>
    run(() =>
      connected(
        async (reader, writer) => {
          writer.write(await reader.read());
        },
        async (transport, protocol) => {
          protocol.keepOpen = true;
          transport.writeLines([Buffer.from("line1"), new Uint8Array(), "line2", Uint8Array.of(51)]);
          transport.write("");
          transport.writeEof();
          transport.writeEof();
          expect(await failureOf(() => transport.write("x"))).toBeInstanceOf(RuntimeError);
          expect(await protocol.events.get()).toEqual(["data", "line1line23"]);
          transport.close();
          transport.close();
          transport.abort();
          await protocol.events.get();
        },
      ),
    ));

  it("test_pause_reading, test_resume_reading, ..._on_paused_pipe, ..._on_closed_pipe: twice is fine", () =>
    run(() =>
      connected(
        async (reader, writer) => {
          writer.write(await reader.readLine());
        },
        async (transport, { events }) => {
          transport.pauseReading();
          transport.pauseReading();
          expect(transport.isReading()).toBe(false);
          transport.write("x\n");
          transport.resumeReading();
          transport.resumeReading();
          expect(transport.isReading()).toBe(true);
          expect(await events.get()).toEqual(["data", "x\n"]);
          transport.close();
          transport.pauseReading();
          transport.resumeReading();
          expect(transport.isReading()).toBe(false);
        },
      ),
    ));

  it("test_flowcontrol_mixin_set_write_limits", () =>
    run(() =>
      connected(silent, async (transport, { events }) => {
        expect(await failureOf(() => transport.setWriteBufferLimits({ high: 0, low: 1 }))).toBeInstanceOf(
          RangeError,
        );
        transport.setWriteBufferLimits({ high: 1024, low: 128 });
        expect(transport.getWriteBufferLimits()).toEqual({ high: 1024, low: 128 });
        const socket = transport.getExtraInfo("socket");
        socket?.cork();
        transport.write("x".repeat(512));
        expect([transport.getWriteBufferSize(), events.empty()]).toEqual([512, true]);
        transport.setWriteBufferLimits({ high: 256, low: 128 });
        expect(await events.get()).toEqual(["pause"]);
        socket?.uncork();
        expect(await events.get()).toEqual(["resume"]);
      }),
    ));

  it("test_base_protocol, test_protocol, test_subprocess_protocol, test_datagram_protocol: no method is needed", () =>
    run(async () => {
      const loop = getRunningLoop();
      const reported = reportsOf(loop);
      const server = await loop.createServer(() => ({}), HERE);
      const [transport, protocol] = await loop.createConnection(() => ({}), HERE.host, server.port);
      transport.write("x".repeat(200_000));
      transport.writeEof();
      const [endpoint] = await loop.createDatagramEndpoint(() => ({}), {
        localAddress: { address: HERE.host, port: 0 },
      });
      endpoint.close();
      const [program] = await loop.subprocessShell(() => ({}), "echo x; exit 3");
      while (program.getReturncode() === null) await sleep(1);
      expect([protocol, program.getReturncode(), reported]).toEqual([{}, 3, []]);
      transport.abort();
      server.close();
      server.abortClients();
      await server.waitClosed();
    }));

  it("test_close_running_event_loop, test_close: a loop that runs is not closed, one that is closed opens nothing", async () => {
    const loop = newEventLoop();
    const close = async () => loop.close();
    expect(await failureOf(loop.runUntilComplete(close))).toBeInstanceOf(RuntimeError);
    loop.close();
    const opens: ((loop: EventLoop) => unknown)[] = [
      (it) => it.createConnection(() => ({}), HERE.host, 1),
      (it) => it.createServer(() => ({}), HERE),
      (it) => it.createDatagramEndpoint(() => ({}), {}),
      (it) => it.subprocessShell(() => ({}), "exit 0"),
      (it) => it.connectReadPipe(() => ({}), new PassThrough()),
      (it) => it.connectWritePipe(() => ({}), new PassThrough()),
      (it) => it.runInExecutor(null, silent),
      (it) => it.addSignalHandler("SIGTERM", silent),
      (it) => it.callSoonThreadsafe(silent),
    ];
    for (const open of opens) expect(await failureOf(async () => open(loop))).toBeInstanceOf(RuntimeError);
  });
});

describe("A datagram endpoint, as CPython tests it", () => {
  /** Answers each datagram. */
  class Answering {
    #transport: DatagramTransport | null = null;
    connectionMade(transport: DatagramTransport) {
      this.#transport = transport;
    }
    datagramReceived(data: Buffer, from: DatagramAddress) {
      this.#transport?.sendTo(`resp:${data}`, from);
    }
  }

  it.each(["127.0.0.1", "::1"])("test_create_datagram_endpoint, ..._ipv6: is answered, at %s", (address) =>
    run(async () => {
      const loop = getRunningLoop();
      const localAddress = { address, port: 0 };
      const [serving] = await loop.createDatagramEndpoint(() => new Answering(), { localAddress });
      const { port } = serving.getExtraInfo("sockname") as AddressInfo;
      const answers = new Queue<string>();
      const lost = new Event();
      const client = {
        datagramReceived: (data: Buffer) => answers.putNowait(String(data)),
        connectionLost: () => lost.set(),
      };
      const remoteAddress = { address, port };
      const [transport, protocol] = await loop.createDatagramEndpoint(() => client, { remoteAddress });
      expect(protocol).toBe(client);
      transport.sendTo("xxx");
      expect(await answers.get()).toBe("resp:xxx");
      expect(transport.getExtraInfo("peername")).toMatchObject(remoteAddress);
      expect(
        (transport.getExtraInfo as (name: string) => unknown).call(transport, "valueOf"),
      ).toBeUndefined();
      transport.close();
      await lost.wait();
      serving.abort();
    }),
  );
});

describe("A pipe, as CPython tests it", () => {
  it("test_read_pipe, test_write_pipe: bytes and the end, in order", () =>
    run(async () => {
      const loop = getRunningLoop();
      const pipe = new PassThrough();
      const [reading, { events }] = await loop.connectReadPipe(() => new Recorder(), pipe);
      const [writing, writer] = await loop.connectWritePipe(() => new Recorder(), pipe);
      expect(await events.get()).toEqual(["made", reading]);
      expect(await writer.events.get()).toEqual(["made", writing]);
      for (const data of ["1", "2345"]) {
        writing.write(data);
        expect(await events.get()).toEqual(["data", data]);
      }
      expect(reading.getExtraInfo("pipe")).toBe(pipe);
      writing.close();
      expect(await events.get()).toEqual(["eof"]);
      expect(await events.get()).toEqual(["lost", null]);
      expect(await writer.events.get()).toEqual(["lost", null]);
    }));

  it("test_write_pipe_disconnect_on_close: the writer's protocol learns that the reader has gone", () =>
    run(async () => {
      const loop = getRunningLoop();
      const pipe = new PassThrough();
      const [, { events }] = await loop.connectWritePipe(() => new Recorder(), pipe);
      expect((await events.get())[0]).toBe("made");
      pipe.destroy();
      expect(await events.get()).toEqual(["lost", expect.toSatisfy((error) => error === null || error.code)]);
    }));

  it("test_unclosed_pipe_transport: it can be shown after its loop is closed", async () => {
    const loop = newEventLoop();
    const pipe = new PassThrough();
    const transports = await loop.runUntilComplete(async () => {
      const [reading] = await loop.connectReadPipe(() => ({}), pipe);
      const [writing] = await loop.connectWritePipe(() => ({}), pipe);
      return [reading, writing];
    });
    loop.close();
    expect(transports.map((transport) => inspect(transport))).toEqual([
      "<ReadPipeTransport>",
      "<WritePipeTransport>",
    ]);
    for (const transport of transports) transport.close();
  });
});

describe("loop.sendfile, as CPython tests it", () => {
  /** Sends over a connection, bare and secure; `receive` handles what comes. */
  async function sending(
    receive: (reader: StreamReader, writer: StreamWriter) => unknown,
    body: (transport: Transport, file: FileHandle, data: Buffer) => Promise<void>,
  ) {
    await withFolder(async (folder) => {
      const data = Buffer.alloc(160 * 1024, "12345abcde");
      writeFileSync(join(folder, "file"), data);
      for (const tls of [undefined, { key, cert }]) {
        const loop = getRunningLoop();
        const file = await open(join(folder, "file"));
        const server = await startServer(receive, { ...HERE, ...(tls ? { tls } : {}) });
        const how = tls ? { tls: trust } : {};
        const [transport] = await loop.createConnection(() => new Recorder(), HERE.host, server.port, how);
        await body(transport, file, data);
        transport.abort();
        server.close();
        server.abortClients();
        await server.waitClosed();
        await file.close();
      }
    });
  }

  /** A handler that gives all that comes, of one connection after the other. */
  function receiver() {
    const all: Buffer[] = [];
    const over = new Event();
    const handler = async (reader: StreamReader) => {
      all.push(await reader.read());
      over.set();
    };
    const received = async () => {
      await over.wait();
      over.clear();
      return all.pop() as Buffer;
    };
    return { handler, received };
  }

  it("test_sendfile, test_sendfile_ssl, ..._pre_and_post_data, ..._partial: in order with what is written", () =>
    run(async () => {
      const { handler, received } = receiver();
      await sending(handler, async (transport, file, data) => {
        const loop = getRunningLoop();
        const prefix = Buffer.alloc(8192, "PREFIX__");
        transport.write(prefix);
        expect(await loop.sendfile(transport, file)).toBe(data.length);
        transport.write("--SUFFIX");
        expect(await loop.sendfile(transport, file, { offset: 1000, count: 100 })).toBe(100);
        transport.close();
        const expected = [prefix, data, Buffer.from("--SUFFIX"), data.subarray(1000, 1100)];
        expect((await received()).equals(Buffer.concat(expected))).toBe(true);
      });
    }));

  it("test_sendfile_close_peer_after_receiving", () =>
    run(async () => {
      const over = new Event();
      const receive = async (reader: StreamReader) => {
        await reader.readExactly(160 * 1024);
        over.set();
      };
      await sending(receive, async (transport, file, data) => {
        expect(await getRunningLoop().sendfile(transport, file)).toBe(data.length);
        await over.wait();
        over.clear();
      });
    }));

  it("test_sendfile_close_peer_in_the_middle_of_receiving", () =>
    run(async () => {
      const receive = async (reader: StreamReader, writer: StreamWriter) => {
        await reader.readExactly(1024);
        writer.transport.destroy();
      };
      await sending(receive, async (transport, file) => {
        const loop = getRunningLoop();
        const error = await failureOf(async () => {
          for (;;) await loop.sendfile(transport, file);
        });
        expect(error).toSatisfy(
          (it: { code?: unknown }) => it instanceof RuntimeError || LOST.asymmetricMatch(it.code),
        );
        while (!transport.isClosing()) await sleep(1);
      });
    }));

  it("test_sendfile_for_closing_transp", () =>
    run(async () => {
      const { handler, received } = receiver();
      await sending(handler, async (transport, file) => {
        transport.close();
        const error = await failureOf(() => getRunningLoop().sendfile(transport, file));
        expect([error, String(error)]).toEqual([
          expect.any(RuntimeError),
          expect.stringContaining("is closing"),
        ]);
        expect((await received()).length).toBe(0);
      });
    }));
});
