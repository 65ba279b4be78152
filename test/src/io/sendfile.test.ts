import { type FileHandle, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CancelledError,
  createTask,
  Event,
  Future,
  getRunningLoop,
  RuntimeError,
  run,
  SendfileNotAvailableError,
  type StreamReader,
  type StreamWriter,
  sleep,
  type Transport,
} from "threadloop";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connected } from "../../support/connected.ts";
import { failureOf } from "../../support/virtual.ts";

const SIZE = 300_000;
const content = Buffer.alloc(SIZE, "0123456789");
/** More than the buffers of a socket take. */
const LARGE = 50_000_000;
let folder: string;
let file: FileHandle;
let large: FileHandle;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "threadloop-"));
  await writeFile(join(folder, "file"), content);
  await writeFile(join(folder, "large"), Buffer.alloc(LARGE));
  file = await open(join(folder, "file"));
  large = await open(join(folder, "large"));
});
afterAll(async () => {
  await file.close();
  await large.close();
  await rm(folder, { recursive: true });
});

/** A handler that reads all, once it may, and what it read. */
function collector(mayRead = Promise.resolve() as PromiseLike<unknown>) {
  const all = new Future<Buffer>();
  const handler = async (reader: StreamReader) => {
    await mayRead;
    all.setResult(await reader.read());
  };
  return { all, handler };
}
const silent = () => {};

/** Sends the large file, of which the system takes no more at present. */
async function sendingLarge(transport: Transport) {
  const sending = createTask(() => getRunningLoop().sendfile(transport, large));
  while (transport.getWriteBufferSize() === 0) await sleep(0);
  return { sending };
}

describe("loop.sendfile", () => {
  it("sends the file after what was written, and returns how many bytes it sent", () =>
    run(async () => {
      const { all, handler } = collector();
      await connected(handler, async (transport) => {
        transport.write("head ");
        expect(await getRunningLoop().sendfile(transport, file)).toBe(SIZE);
        transport.write(" tail");
        transport.close();
        expect((await all).equals(Buffer.concat([Buffer.from("head "), content, Buffer.from(" tail")]))).toBe(
          true,
        );
      });
    }));

  it("test_sendfile_prevents_bare_write: refuses all else that would lie in the middle of the file", () =>
    run(async () => {
      const mayRead = new Event();
      const { all, handler } = collector(mayRead.wait());
      await connected(handler, async (transport) => {
        const { sending } = await sendingLarge(transport);
        const refused = "sendfile is in progress";
        expect(() => transport.write("INTRUDER")).toThrow(RuntimeError);
        expect(() => transport.write("INTRUDER")).toThrow(refused);
        expect(() => transport.writeLines(["INTRUDER"])).toThrow(refused);
        expect(() => transport.writeEof()).toThrow(refused);
        await expect(getRunningLoop().sendfile(transport, file)).rejects.toThrow(refused);
        mayRead.set();
        expect(await sending).toBe(LARGE);
        transport.write("tail");
        expect(await getRunningLoop().sendfile(transport, file)).toBe(SIZE);
        transport.close();
        const received = await all;
        expect([received.length, String(received.subarray(LARGE, LARGE + 4))]).toEqual([
          LARGE + 4 + SIZE,
          "tail",
        ]);
        expect(received.includes("INTRUDER")).toBe(false);
      });
    }));

  it("lets others write again when it was cancelled or has failed", () =>
    run(async () => {
      const mayRead = new Event();
      const { handler } = collector(mayRead.wait());
      await connected(handler, async (transport) => {
        const loop = getRunningLoop();
        await failureOf(loop.sendfile(transport, file, { offset: -1 }));
        transport.write("a");
        const { sending } = await sendingLarge(transport);
        sending.cancel();
        await failureOf(sending);
        transport.write("b");
        mayRead.set();
        transport.abort();
      });
    }));

  it("sends a part of the file, up to its end", () =>
    run(async () => {
      const { all, handler } = collector();
      await connected(handler, async (transport) => {
        const loop = getRunningLoop();
        expect(await loop.sendfile(transport, file, { offset: 5, count: 3 })).toBe(3);
        expect(await loop.sendfile(transport, file, { offset: SIZE - 2, count: 10 })).toBe(2);
        expect(await loop.sendfile(transport, file, { offset: SIZE })).toBe(0);
        expect(await loop.sendfile(transport, file, { offset: 1, count: 100_000 })).toBe(100_000);
        transport.close();
        expect(String(await all)).toBe(`56789${content.subarray(1, 100_001)}`);
      });
    }));

  it("waits for a slow receiver, and tells the protocol of nothing meanwhile", () =>
    run(async () => {
      const mayRead = new Event();
      const read = new Future<number>();
      const handler = async (reader: StreamReader, writer: StreamWriter) => {
        await reader.readExactly(1); // it has begun
        writer.write("are you there?");
        await mayRead.wait();
        read.setResult((await reader.readExactly(LARGE - 1)).length);
      };
      await connected(handler, async (transport, { events }) => {
        const sending = createTask(() => getRunningLoop().sendfile(transport, large));
        while (transport.getWriteBufferSize() === 0) await sleep(0); // the system takes no more
        expect([transport.isReading(), events.empty(), sending.done()]).toEqual([false, true, false]);
        mayRead.set();
        expect(await sending).toBe(LARGE);
        expect(await read).toBe(LARGE - 1);
        expect(transport.isReading()).toBe(true);
        expect(await events.get()).toEqual(["data", "are you there?"]);
      });
    }));

  it("lets a protocol that was paused go on", () =>
    run(async () => {
      const { handler } = collector();
      await connected(handler, async (transport, { events }) => {
        transport.write(Buffer.alloc(10_000_000));
        expect(events.getNowait()).toEqual(["pause"]);
        transport.pauseReading();
        await getRunningLoop().sendfile(transport, file);
        expect(await events.get()).toEqual(["resume"]);
        expect(transport.isReading()).toBe(false); // as it was
      });
    }));

  it("throws SendfileNotAvailableError without the fallback, and sends nothing", () =>
    run(async () => {
      const { all, handler } = collector();
      await connected(handler, async (transport) => {
        const error = await failureOf(getRunningLoop().sendfile(transport, file, { fallback: false }));
        expect(error).toBeInstanceOf(SendfileNotAvailableError);
        expect(error).toBeInstanceOf(RuntimeError);
        expect(transport.isReading()).toBe(true);
        transport.close();
        expect(String(await all)).toBe("");
      });
    }));

  it("ends with the connection", () =>
    run(() =>
      connected(silent, async (transport, { events }) => {
        const { sending } = await sendingLarge(transport);
        transport.abort();
        expect(await failureOf(sending)).toMatchObject({ code: "ECONNRESET" });
        expect(await events.get()).toEqual(["lost", null]);
      }),
    ));

  it("sends no more once the transport is closed", () =>
    run(async () => {
      const mayRead = new Event();
      const { all, handler } = collector(mayRead.wait());
      await connected(handler, async (transport) => {
        const { sending } = await sendingLarge(transport);
        transport.close();
        mayRead.set();
        expect(await failureOf(sending)).toMatchObject({ code: "ECONNRESET" });
        expect((await all).length).toBeLessThan(LARGE);
      });
    }));

  it("stops when it is cancelled, and leaves the connection as it was", () =>
    run(async () => {
      const mayRead = new Event();
      const { all, handler } = collector(mayRead.wait());
      await connected(handler, async (transport) => {
        const { sending } = await sendingLarge(transport);
        sending.cancel();
        expect(await failureOf(sending)).toBeInstanceOf(CancelledError);
        expect([transport.isClosing(), transport.isReading()]).toEqual([false, true]);
        transport.write("and now this");
        transport.close();
        mayRead.set();
        expect(String((await all).subarray(-12))).toBe("and now this");
      });
    }));

  it("refuses what it cannot use, by name", () =>
    run(() =>
      connected(silent, async (transport) => {
        const loop = getRunningLoop();
        expect(await failureOf(loop.sendfile(5 as never, file))).toEqual(
          new TypeError("Expected `transport` to be a Transport of a connection, got `5` (number)"),
        );
        expect(await failureOf(loop.sendfile(transport, "LICENSE" as never))).toEqual(
          new TypeError(
            "Expected `file` to be a FileHandle, as `open` of node:fs/promises gives, got `'LICENSE'` (string)",
          ),
        );
        expect(await failureOf(loop.sendfile(transport, file, { offset: -1 }))).toEqual(
          new RangeError("Expected `offset` to be a whole number from 0 on, got `-1` (number)"),
        );
        expect(await failureOf(loop.sendfile(transport, file, { count: 0 }))).toEqual(
          new RangeError("Expected `count` to be a whole number from 1 on, got `0` (number)"),
        );
        expect(await failureOf(loop.sendfile(transport, file, { count: "1" as never }))).toBeInstanceOf(
          TypeError,
        );
        const closed = await open(join(folder, "file"));
        await closed.close();
        expect(await failureOf(loop.sendfile(transport, closed))).toMatchObject({ code: "EBADF" });
        expect(transport.isReading()).toBe(true);
        transport.writeEof();
        expect(await failureOf(loop.sendfile(transport, file))).toEqual(
          new RuntimeError("Cannot call sendfile() after writeEof()"),
        );
        transport.close();
        expect(await failureOf(loop.sendfile(transport, file))).toBeInstanceOf(RuntimeError);
      }),
    ));
});
