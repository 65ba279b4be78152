import { once } from "node:events";
import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { inspect } from "node:util";
import { CancelledError, createTask, getRunningLoop, run, sleep } from "threadloop";
import { describe, expect, it } from "vitest";
import { Recorder, reportsOf } from "../../support/recorder.ts";
import { failureOf } from "../../support/virtual.ts";

async function reading(source: Readable) {
  const [transport, { events }] = await getRunningLoop().connectReadPipe(() => new Recorder(), source);
  expect(events.getNowait()).toEqual(["made", transport]);
  return { transport, events };
}

async function writing(target: Writable) {
  const [transport, { events }] = await getRunningLoop().connectWritePipe(() => new Recorder(), target);
  expect(events.getNowait()).toEqual(["made", transport]);
  return { transport, events };
}

/** A stream that takes a piece when it is told to. */
function slowStream() {
  const pending: (() => void)[] = [];
  const stream = new Writable({ write: (_chunk, _encoding, done) => void pending.push(done) });
  return { stream, take: () => pending.shift()?.() };
}

describe("loop.connectReadPipe", () => {
  it("tells the protocol what comes, and the end, in order", () =>
    run(async () => {
      const source = new PassThrough();
      const { transport, events } = await reading(source);
      expect(transport.getExtraInfo("pipe")).toBe(source);
      expect(transport.getExtraInfo("socket", null)).toBeNull();
      source.write("one");
      expect(await events.get()).toEqual(["data", "one"]);
      source.end("two");
      expect(await events.get()).toEqual(["data", "two"]);
      expect(await events.get()).toEqual(["eof"]);
      expect(await events.get()).toEqual(["lost", null]);
      expect([transport.isClosing(), transport.isReading(), source.destroyed]).toEqual([true, false, true]);
      transport.close();
      await sleep(0);
      expect(events.empty()).toBe(true);
      expect(getRunningLoop()._atClose.size).toBe(0);
    }));

  it("gives text as bytes, and closes a stream that stays open at its end", () =>
    run(async () => {
      const source = new Readable({ read() {}, autoDestroy: false, encoding: "utf8" });
      const { events } = await reading(source);
      source.push("gr\u00fcn");
      expect(await events.get()).toEqual(["data", "gr\u00fcn"]);
      source.push(null);
      expect([await events.get(), await events.get()]).toEqual([["eof"], ["lost", null]]);
      expect(source.destroyed).toBe(true);
    }));

  it("tells nothing while reading is paused, not even the end", () =>
    run(async () => {
      const source = new PassThrough();
      const { transport, events } = await reading(source);
      source.emit("data", Buffer.from("one"));
      source.emit("data", Buffer.from("two"));
      transport.pauseReading();
      expect([transport.isReading(), source.isPaused(), inspect(transport)]).toEqual([
        false,
        true,
        "<ReadPipeTransport paused>",
      ]);
      source.destroy();
      while (!source.closed) await sleep(0);
      await sleep(0);
      expect(events.empty()).toBe(true);
      transport.resumeReading();
      transport.resumeReading();
      expect([await events.get(), await events.get(), await events.get()]).toEqual([
        ["data", "one"],
        ["data", "two"],
        ["lost", null],
      ]);
    }));

  it("drops what was not told when it is closed, and tells the loss once", () =>
    run(async () => {
      for (const endFirst of [true, false]) {
        const source = new PassThrough();
        const { transport, events } = await reading(source);
        transport.pauseReading();
        source.emit("data", Buffer.from("untold"));
        if (endFirst) source.destroy();
        while (endFirst && !source.closed) await sleep(0);
        transport.close();
        transport.close();
        transport.pauseReading();
        expect(await events.get()).toEqual(["lost", null]);
        await sleep(0);
        expect([events.empty(), source.destroyed]).toEqual([true, true]);
      }
    }));

  it("tells what broke the stream", () =>
    run(async () => {
      const source = new PassThrough();
      const { events } = await reading(source);
      const error = new Error("no disk");
      source.destroy(error);
      expect(await events.get()).toEqual(["lost", error]);
      const missing = await reading(createReadStream("/no/such/file"));
      expect(await missing.events.get()).toMatchObject(["lost", { code: "ENOENT" }]);
    }));

  it("is at its end at once with a stream that has ended", () =>
    run(async () => {
      const closed = new PassThrough();
      closed.destroy();
      while (!closed.closed) await sleep(0);
      expect(await (await reading(closed)).events.get()).toEqual(["lost", null]);

      const ended = new Readable({ read() {}, autoDestroy: false });
      ended.push(null);
      ended.resume();
      await once(ended, "end");
      const { events } = await reading(ended);
      expect([await events.get(), await events.get()]).toEqual([["eof"], ["lost", null]]);
    }));

  it("reports what dataReceived throws, and goes on", () =>
    run(async () => {
      const loop = getRunningLoop();
      const reported = reportsOf(loop);
      const exception = new Error("no");
      class Failing extends Recorder {
        override dataReceived() {
          throw exception;
        }
      }
      const source = new PassThrough();
      const [, { events }] = await loop.connectReadPipe(() => new Failing(), source);
      source.end("data");
      expect([await events.get(), await events.get(), await events.get()]).toMatchObject([
        ["made", {}],
        ["eof"],
        ["lost", null],
      ]);
      expect(reported).toMatchObject([{ exception }]);
    }));

  it("lets go of the stream when the loop closes", async () => {
    const source = new PassThrough();
    await run(async () => void (await reading(source)));
    expect([source.isPaused(), source.destroyed]).toEqual([true, false]);
    expect(source.listenerCount("data")).toBe(0);
    source.write("for the next one");
    await run(async () => {
      const { events } = await reading(source);
      expect(await events.get()).toEqual(["data", "for the next one"]);
    });
  });

  it("closes the stream when it is cancelled", () =>
    run(async () => {
      const source = new PassThrough();
      const protocol = new Recorder();
      const connecting = createTask(() => getRunningLoop().connectReadPipe(() => protocol, source));
      await sleep(0);
      connecting.cancel();
      expect(await failureOf(connecting)).toBeInstanceOf(CancelledError);
      expect(source.destroyed).toBe(true);
      expect([await protocol.events.get(), await protocol.events.get()]).toMatchObject([
        ["made", {}],
        ["lost", null],
      ]);
      expect(getRunningLoop()._atClose.size).toBe(0);
    }));

  it("refuses what it cannot use, by name", () =>
    run(async () => {
      const loop = getRunningLoop();
      const make = () => ({});
      expect(await failureOf(loop.connectReadPipe(make, "text" as never))).toMatchObject({
        message: expect.stringContaining("Expected `source` to be a readable stream of bytes, got"),
      });
      expect(await failureOf(loop.connectReadPipe(make, Readable.from([1, 2])))).toBeInstanceOf(TypeError);
      expect(await failureOf(loop.connectReadPipe(5 as never, new PassThrough()))).toEqual(
        new TypeError("Expected `protocolFactory` to be a function that makes a protocol, got `5` (number)"),
      );
    }));
});

describe("loop.connectWritePipe", () => {
  it("writes to any stream of Node's, and closes it after what was written", async () => {
    const folder = await mkdtemp(join(tmpdir(), "threadloop-"));
    const path = join(folder, "file");
    await run(async () => {
      const target = createWriteStream(path);
      const { transport, events } = await writing(target);
      expect(transport.getExtraInfo("pipe")).toBe(target);
      expect([transport.canWriteEof(), inspect(transport)]).toEqual([true, "<WritePipeTransport>"]);
      transport.write("one\n");
      transport.writeLines(["", Buffer.from("two\n")]);
      transport.writeEof();
      transport.close();
      transport.write("too late");
      expect(transport.isClosing()).toBe(true);
      expect(await events.get()).toEqual(["lost", null]);
      await sleep(0);
      expect(events.empty()).toBe(true);
    });
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
    await rm(folder, { recursive: true });
  });

  it("pauses the writing protocol within the write that fills the buffer, and resumes it", () =>
    run(async () => {
      const { stream, take } = slowStream();
      const { transport, events } = await writing(stream);
      expect(transport.getWriteBufferLimits()).toEqual({ high: 65_536, low: 16_384 });
      transport.setWriteBufferLimits({ high: 10, low: 4 });
      transport.write("12345678");
      expect(events.empty()).toBe(true);
      transport.write("901");
      expect(events.getNowait()).toEqual(["pause"]);
      expect(transport.getWriteBufferSize()).toBe(11);
      take();
      expect(await events.get()).toEqual(["resume"]);
      expect(transport.getWriteBufferSize()).toBe(3);
      expect(() => transport.setWriteBufferLimits({ high: 1, low: 2 })).toThrow(RangeError);
      transport.abort();
    }));

  it("resumes nobody by a write that fails", () =>
    run(async () => {
      const error = new Error("disk full");
      const { transport, events } = await writing(
        new Writable({ write: (_chunk, _encoding, done) => setImmediate(done, error) }),
      );
      transport.setWriteBufferLimits({ high: 0 });
      transport.write("data");
      expect(events.getNowait()).toEqual(["pause"]);
      expect(await events.get()).toEqual(["lost", error]);
    }));

  it("drops what was not sent when it is aborted", () =>
    run(async () => {
      const { stream } = slowStream();
      const { transport, events } = await writing(stream);
      transport.write("unsent");
      transport.abort();
      transport.abort();
      expect(await events.get()).toEqual(["lost", null]);
      expect(stream.writableFinished).toBe(false);
    }));

  it("tells what broke the stream, also before", () =>
    run(async () => {
      const error = new Error("disk full");
      const stream = new Writable({ write: (_chunk, _encoding, done) => done(error) });
      const { transport, events } = await writing(stream);
      transport.write("data");
      expect(await events.get()).toEqual(["lost", error]);
      expect(await (await writing(stream)).events.get()).toEqual(["lost", error]);
    }));

  it("leaves the stream open when the loop closes", async () => {
    const target = new PassThrough();
    await run(async () => (await writing(target)).transport.write("hello"));
    expect([target.destroyed, target.writableEnded]).toEqual([false, false]);
    const [text] = await once(target, "data");
    expect(String(text)).toBe("hello");
  });

  it("closes the stream when it is cancelled", () =>
    run(async () => {
      const target = new PassThrough().resume();
      const protocol = new Recorder();
      const connecting = createTask(() => getRunningLoop().connectWritePipe(() => protocol, target));
      await sleep(0);
      connecting.cancel();
      expect(await failureOf(connecting)).toBeInstanceOf(CancelledError);
      expect([await protocol.events.get(), await protocol.events.get()]).toMatchObject([
        ["made", {}],
        ["lost", null],
      ]);
      expect(target.destroyed).toBe(true);
    }));

  it("refuses what it cannot use, by name", () =>
    run(async () => {
      const loop = getRunningLoop();
      const make = () => ({});
      expect(await failureOf(loop.connectWritePipe(make, {} as never))).toMatchObject({
        message: expect.stringContaining("Expected `target` to be a writable stream of bytes, got"),
      });
      const objects = new PassThrough({ objectMode: true });
      expect(await failureOf(loop.connectWritePipe(make, objects))).toBeInstanceOf(TypeError);
      const { transport } = await writing(new PassThrough());
      expect(() => transport.write(5 as never)).toThrow(
        new TypeError("Expected `data` to be a string or a Uint8Array, got `5` (number)"),
      );
    }));
});
