import { createSocket, Socket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import {
  CancelledError,
  ContextVar,
  createTask,
  type DatagramEndpointOptions,
  type DatagramTransport,
  type ExceptionContext,
  getRunningLoop,
  newEventLoop,
  Queue,
  RuntimeError,
  run,
  sleep,
  wrapPromise,
} from "threadloop";
import { describe, expect, it, vi } from "vitest";
import { failureOf } from "../../support/virtual.ts";

const HERE = { address: "127.0.0.1", port: 0 };

/** A protocol that notes what it is told. */
class Recorder {
  readonly events = new Queue<[what: string, ...details: unknown[]]>();
  transport: DatagramTransport | null = null;

  connectionMade(transport: DatagramTransport) {
    this.transport = transport;
    this.#note("made");
  }
  datagramReceived(data: Buffer, address: AddressInfo) {
    this.#note("received", String(data), address);
  }
  errorReceived(error: Error) {
    this.#note("error", error);
  }
  connectionLost(error: Error | null) {
    this.#note("lost", error);
  }

  #note(what: string, ...details: unknown[]) {
    this.events.putNowait([what, ...details]);
  }
}

const open = async (options: DatagramEndpointOptions = { localAddress: HERE }) => {
  const [transport, protocol] = await getRunningLoop().createDatagramEndpoint(() => new Recorder(), options);
  expect(protocol.transport).toBe(transport);
  expect(await protocol.events.get()).toEqual(["made"]);
  return { transport, protocol, address: transport.getExtraInfo("sockname") as AddressInfo };
};

describe("loop.createDatagramEndpoint", () => {
  it("sends from anywhere to anywhere, and says from where something came", () =>
    run(async () => {
      const a = await open();
      const b = await open();
      a.transport.sendTo("question", b.address);
      expect(await b.protocol.events.get()).toEqual(["received", "question", a.address]);
      b.transport.sendTo(Buffer.from("answer"), a.address);
      b.transport.sendTo("", { address: "localhost", port: a.address.port });
      expect(await a.protocol.events.get()).toEqual(["received", "answer", b.address]);
      expect(await a.protocol.events.get()).toEqual(["received", "", b.address]);
      a.transport.close();
      expect(await a.protocol.events.get()).toEqual(["lost", null]);
      b.transport.close();
    }));

  it("sends to its remote address, and nowhere else", () =>
    run(async () => {
      const server = await open();
      const client = await open({ remoteAddress: server.address, localAddress: HERE });
      expect(client.transport.getExtraInfo("peername")).toEqual(server.address);
      client.transport.sendTo("one");
      client.transport.sendTo("two", server.address);
      expect(await server.protocol.events.get()).toEqual(["received", "one", client.address]);
      expect(await server.protocol.events.get()).toEqual(["received", "two", client.address]);
      expect(() => client.transport.sendTo("three", client.address)).toThrow(
        /^Expected `address` to be null or the remote address, got `\{ address: '127.0.0.1'/,
      );
    }));

  it("works with IPv6, by the family of its addresses or as asked", () =>
    run(async () => {
      const server = await open({ localAddress: { address: "::1", port: 0 } });
      expect(server.address).toMatchObject({ address: "::1", family: "IPv6" });
      const client = await open({ family: 6 });
      client.transport.sendTo("hello", server.address);
      expect(await server.protocol.events.get()).toMatchObject(["received", "hello", { family: "IPv6" }]);
    }));

  it("keeps what comes before the protocol is there", () =>
    run(async () => {
      const from = { address: "127.0.0.1", family: "IPv4", port: 9 } as const;
      const bind = vi.spyOn(Socket.prototype, "bind").mockImplementation(function (this: Socket, ...where) {
        bind.mockRestore();
        this.once("listening", () => this.emit("message", Buffer.from("early"), { ...from, size: 5 }));
        return this.bind(...where);
      });
      const { protocol } = await open();
      expect(await protocol.events.get()).toEqual(["received", "early", from]);
    }));

  it("tells the protocol of what could not be sent, and stays open", () =>
    run(async () => {
      const { transport, protocol, address } = await open();
      transport.sendTo(Buffer.alloc(70_000), address);
      expect(await protocol.events.get()).toMatchObject(["error", { code: "EMSGSIZE" }]);
      transport.sendTo("still there", address);
      expect(await protocol.events.get()).toEqual(["received", "still there", address]);
    }));

  it.skipIf(process.platform === "win32")("tells the protocol that nobody is there", () =>
    run(async () => {
      const gone = await open();
      gone.transport.close();
      await gone.protocol.events.get();
      const { transport, protocol } = await open({ remoteAddress: gone.address });
      transport.sendTo("anybody?");
      expect(await protocol.events.get()).toMatchObject(["error", { code: "ECONNREFUSED" }]);
      expect(transport.isClosing()).toBe(false);
    }),
  );

  it("sends what it was given before it closes, and tells of the end once", () =>
    run(async () => {
      const server = await open();
      const { transport, protocol } = await open();
      for (let i = 0; i < 10; i++) transport.sendTo(String(i), server.address);
      transport.close();
      transport.close();
      expect(transport.isClosing()).toBe(true);
      transport.sendTo("too late", server.address);
      for (let i = 0; i < 10; i++) expect((await server.protocol.events.get())[1]).toBe(String(i));
      expect(await protocol.events.get()).toEqual(["lost", null]);
      transport.abort();
      await sleep(1);
      expect(protocol.events.empty()).toBe(true);
      expect(server.protocol.events.empty()).toBe(true);
    }));

  it("drops what comes once it is closed, also what waits for its turn", () =>
    run(async () => {
      const { transport, protocol, address } = await open();
      const socket = transport.getExtraInfo("socket");
      socket?.emit("message", Buffer.from("dropped"), { ...address, size: 7 });
      transport.abort();
      expect(await protocol.events.get()).toEqual(["lost", null]);
    }));

  it("runs the protocol's methods in the loop, in the context of who opened it", () =>
    run(async () => {
      const user = new ContextVar("user", { default: "nobody" });
      const seen = new Queue<unknown>();
      user.set("ada");
      const note = () => seen.putNowait(user.get());
      const protocol = { connectionMade: note, datagramReceived: note, connectionLost: note };
      const [transport, same] = await getRunningLoop().createDatagramEndpoint(() => protocol, {
        localAddress: HERE,
      });
      expect(same).toBe(protocol);
      user.set("bob");
      transport.sendTo("x", transport.getExtraInfo("sockname"));
      expect([await seen.get(), await seen.get()]).toEqual(["ada", "ada"]);
      transport.close();
      expect(await seen.get()).toBe("ada");
    }));

  it("tells the exception handler of what the protocol throws, and goes on", () =>
    run(async () => {
      const loop = getRunningLoop();
      const reported = new Queue<ExceptionContext>();
      loop.setExceptionHandler((_loop, context) => reported.putNowait(context));
      const error = new Error("no");
      const fail = () => {
        throw error;
      };
      const [transport] = await loop.createDatagramEndpoint(
        () => ({ connectionMade: fail, datagramReceived: fail }),
        { localAddress: HERE },
      );
      transport.sendTo("x", transport.getExtraInfo("sockname"));
      for (let i = 0; i < 2; i++)
        expect(await reported.get()).toMatchObject({ message: "Exception in callback", exception: error });
      transport.close();
    }));

  it("needs no method of the protocol", () =>
    run(async () => {
      const [transport] = await getRunningLoop().createDatagramEndpoint(() => ({}), { family: 4 });
      const { port } = transport.getExtraInfo("sockname") as AddressInfo;
      transport.sendTo("x", { address: "127.0.0.1", port });
      transport.close();
      expect(transport.getExtraInfo("peername")).toBeUndefined();
      expect(transport.getExtraInfo("peername", null)).toBeNull();
      expect(inspect(transport)).toBe(`<DatagramTransport at 0.0.0.0:${port}, closing>`);
    }));

  it("throws Node's error when it cannot be opened", () =>
    run(async () => {
      const { address } = await open();
      expect(await failureOf(open({ localAddress: address }))).toMatchObject({ code: "EADDRINUSE" });
      const nowhere = { address: "192.0.2.1", port: 0 };
      expect(await failureOf(open({ localAddress: nowhere }))).toMatchObject({ code: "EADDRNOTAVAIL" });
      expect(await failureOf(open({ remoteAddress: { address: "not a name", port: 1 } }))).toMatchObject({
        syscall: "getaddrinfo",
      });
    }));

  it("leaves nothing open when its factory throws or it is cancelled", () =>
    run(async () => {
      const loop = getRunningLoop();
      const probe = await open();
      const localAddress = probe.address;
      probe.transport.abort();
      await probe.protocol.events.get();
      const error = new Error("no protocol");
      const failing = loop.createDatagramEndpoint(
        () => {
          throw error;
        },
        { localAddress },
      );
      expect(await failureOf(failing)).toBe(error);
      for (let steps = 0; steps < 4; steps++) {
        const opening = createTask(() => open({ localAddress }));
        for (let i = 0; i <= steps; i++) await sleep(0);
        if (!opening.cancel()) (await opening).transport.abort();
        else expect(await failureOf(opening)).toBeInstanceOf(CancelledError);
        await wrapPromise(new Promise((resolve) => setImmediate(resolve)));
      }
      const again = createSocket("udp4").bind(localAddress.port, "127.0.0.1");
      await wrapPromise(once(again, "listening"));
      again.close();
    }));

  it("is closed with the loop", async () => {
    const socket = await run(async () => (await open()).transport.getExtraInfo("socket"));
    expect(() => socket?.address()).toThrow();
  });

  it("refuses what it cannot use, by name", () =>
    run(async () => {
      const loop = getRunningLoop();
      const refused = (options: object) => failureOf(loop.createDatagramEndpoint(() => ({}), options));
      expect(
        await failureOf(loop.createDatagramEndpoint(new Recorder() as never, { family: 4 })),
      ).toMatchObject({
        name: "TypeError",
        message: expect.stringMatching(
          /^Expected `protocolFactory` to be a function that makes a protocol, got/,
        ),
      });
      expect(await failureOf(loop.createDatagramEndpoint(() => 5 as never, { family: 4 }))).toEqual(
        new TypeError("Expected `protocolFactory` to return a protocol, got `5` (number)"),
      );
      expect(await refused({})).toEqual(
        new RangeError("Expected `localAddress`, `remoteAddress` or `family` to be given, got none of them"),
      );
      expect(await refused({ localAddress: "127.0.0.1" })).toEqual(
        new TypeError(
          "Expected `localAddress` to be an object with an address and a port, got `'127.0.0.1'` (string)",
        ),
      );
      expect(await refused({ localAddress: { address: "127.0.0.1", port: -1 } })).toEqual(
        new RangeError("Expected `localAddress.port` to be a port number from 0 to 65535, got `-1` (number)"),
      );
      expect(await refused({ remoteAddress: HERE })).toEqual(
        new RangeError("Expected `remoteAddress.port` to be a port number from 1 to 65535, got `0` (number)"),
      );
      expect(await refused({ localAddress: HERE, remoteAddress: { address: "::1", port: 1 } })).toEqual(
        new RangeError(
          "Expected `localAddress` and `remoteAddress` to be of one family, got `'127.0.0.1'` (string) and `'::1'` (string)",
        ),
      );
      expect(await refused({ family: 5 })).toBeInstanceOf(RangeError);
      const { transport } = await open();
      expect(() => transport.sendTo(5 as never, HERE)).toThrow(
        new TypeError("Expected `data` to be a string or a Uint8Array, got `5` (number)"),
      );
      expect(() => transport.sendTo("x")).toThrow(
        new TypeError("Expected `address` to be an object with an address and a port, got `null` (null)"),
      );
      expect(() => transport.sendTo("x", HERE)).toThrow(
        new RangeError("Expected `address.port` to be a port number from 1 to 65535, got `0` (number)"),
      );
    }));

  it("needs its loop to run", async () => {
    const loop = newEventLoop();
    expect(await failureOf(loop.createDatagramEndpoint(() => ({}), { family: 4 }))).toBeInstanceOf(
      RuntimeError,
    );
    await run(async () => {
      expect(await failureOf(loop.createDatagramEndpoint(() => ({}), { family: 4 }))).toEqual(
        new RuntimeError(
          "Expected <EventLoop stopped, 0 tasks> to run, but another loop of this thread does",
        ),
      );
    });
    loop.close();
  });
});
