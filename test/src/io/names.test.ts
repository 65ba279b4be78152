import { isIP } from "node:net";
import {
  CancelledError,
  createTask,
  getRunningLoop,
  newEventLoop,
  RuntimeError,
  run,
  sleep,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../support/virtual.ts";

describe("loop.getaddrinfo", () => {
  it("gives the addresses of a host with the port", () =>
    run(async () => {
      const found = await getRunningLoop().getaddrinfo("localhost", 8080);
      expect(found.length).toBeGreaterThan(0);
      for (const { address, family, port } of found) {
        expect(`IPv${isIP(address)}`).toBe(family);
        expect(port).toBe(8080);
      }
    }));

  it("gives those of one family, and an address as it is", () =>
    run(async () => {
      const loop = getRunningLoop();
      expect(await loop.getaddrinfo("localhost", 0, { family: 4 })).toContainEqual({
        address: "127.0.0.1",
        family: "IPv4",
        port: 0,
      });
      expect(await loop.getaddrinfo("::1", 53)).toEqual([{ address: "::1", family: "IPv6", port: 53 }]);
    }));

  it("throws Node's error when there is none", () =>
    run(async () => {
      const error = await failureOf(getRunningLoop().getaddrinfo("not a name", 80));
      expect(error).toMatchObject({ syscall: "getaddrinfo", hostname: "not a name" });
    }));

  it("is left at once when it is cancelled", () =>
    run(async () => {
      const task = createTask(async () => await getRunningLoop().getaddrinfo("localhost", 80));
      await sleep(0);
      task.cancel("never mind");
      const error = await failureOf(task);
      expect(error).toBeInstanceOf(CancelledError);
      expect((error as Error).message).toBe("never mind");
    }));

  it("holds up a virtual clock", () =>
    run(
      async () => {
        await getRunningLoop().getaddrinfo("localhost", 80);
        expect(getRunningLoop().time()).toBe(0);
      },
      { clock: new VirtualClock() },
    ));

  it("refuses what is no host, port or family, by name", () =>
    run(async () => {
      const loop = getRunningLoop();
      const host = "Expected `host` to be the name or address of a host, got";
      const port = "Expected `port` to be a port number from 0 to 65535, got";
      expect(() => loop.getaddrinfo(null as never, 80)).toThrow(new TypeError(`${host} \`null\` (null)`));
      expect(() => loop.getaddrinfo("", 80)).toThrow(new RangeError(`${host} \`''\` (string)`));
      expect(() => loop.getaddrinfo("localhost", "http" as never)).toThrow(
        new TypeError(`${port} \`'http'\` (string)`),
      );
      for (const wrong of [-1, 65_536, 1.5, NaN])
        expect(() => loop.getaddrinfo("localhost", wrong)).toThrow(
          new RangeError(`${port} \`${wrong}\` (number)`),
        );
      expect(() => loop.getaddrinfo("localhost", 80, { family: 5 as never })).toThrow(
        new RangeError("Expected `family` to be 4 or 6, or 0 for both, got `5` (number)"),
      );
    }));

  it("is refused by a loop that is closed", () => {
    const loop = newEventLoop();
    loop.close();
    expect(() => loop.getaddrinfo("localhost", 80)).toThrow(RuntimeError);
    expect(() => loop.getnameinfo("127.0.0.1", 80)).toThrow(RuntimeError);
  });
});

describe("loop.getnameinfo", () => {
  it("gives the names of the host and of the service", () =>
    run(async () => {
      const [host, service] = await getRunningLoop().getnameinfo("127.0.0.1", 65_535);
      expect(host).not.toBe("");
      expect(service).toBe("65535"); // it has no name
    }));

  it("is left at once when it is cancelled", () =>
    run(async () => {
      const task = createTask(async () => await getRunningLoop().getnameinfo("127.0.0.1", 80));
      await sleep(0);
      task.cancel();
      expect(await failureOf(task)).toBeInstanceOf(CancelledError);
    }));

  it("refuses what is no address", () =>
    run(async () => {
      const loop = getRunningLoop();
      expect(() => loop.getnameinfo(4 as never, 80)).toThrow(TypeError);
      expect(() => loop.getnameinfo("localhost", 80)).toThrow(
        new RangeError(
          "Expected `address` to be an IP address, as \"127.0.0.1\", got `'localhost'` (string)",
        ),
      );
      expect(() => loop.getnameinfo("127.0.0.1", 65_536)).toThrow(RangeError);
    }));
});
