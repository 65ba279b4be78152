import { once } from "node:events";
import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { connectReadPipe, connectWritePipe, createTask, run, sleep, TimeoutError, timeout } from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../support/virtual.ts";

describe("connectReadPipe", () => {
  it("reads any stream of Node's, as bytes", () =>
    run(async () => {
      const file = new URL("../../../package.json", import.meta.url);
      expect((await connectReadPipe(createReadStream(file)).read()).equals(readFileSync(file))).toBe(true);

      const text = Readable.from(["gr\u00fc", "n\nrot"], { objectMode: false, encoding: "utf8" });
      const lines: string[] = [];
      for await (const line of connectReadPipe(text).lines()) lines.push(line);
      expect(lines).toEqual(["gr\u00fcn", "rot"]);
    }));

  it("holds up a stream that is not read", () =>
    run(async () => {
      const source = new PassThrough();
      const reader = connectReadPipe(source, { limit: 10 });
      source.write("x".repeat(21));
      await sleep(1);
      expect(source.isPaused()).toBe(true);
      await reader.readExactly(11);
      expect(source.isPaused()).toBe(false);
    }));

  it("throws what broke the stream", () =>
    run(async () => {
      const source = new PassThrough();
      const reader = connectReadPipe(source);
      const reading = createTask(() => reader.read());
      await sleep(0);
      const error = new Error("no disk");
      source.destroy(error);
      expect(await failureOf(reading)).toBe(error);
      expect(await failureOf(connectReadPipe(createReadStream("/no/such/file")).read())).toMatchObject({
        code: "ENOENT",
      });
    }));

  it("is at its end at once with a stream that has ended", () =>
    run(async () => {
      const source = new PassThrough();
      source.end().resume();
      while (!source.closed) await sleep(0);
      expect(connectReadPipe(source).atEof()).toBe(true);
      source.destroy();
    }));

  it("lets go of the stream when the loop closes", async () => {
    const source = new PassThrough();
    await run(async () => connectReadPipe(source));
    expect([source.isPaused(), source.destroyed]).toEqual([true, false]);
    expect(source.listenerCount("data") + source.listenerCount("end")).toBe(0);
    source.write("for the next one");
    const next = await run(() => connectReadPipe(source).read(100));
    expect(String(next)).toBe("for the next one");
  });

  it("refuses what is no stream of bytes", () =>
    run(async () => {
      expect(() => connectReadPipe("text" as never)).toThrow(TypeError);
      expect(() => connectReadPipe(Readable.from([1, 2]))).toThrow(
        /Expected `source` to be a readable stream of bytes/,
      );
    }));

  it("does not let a virtual clock jump while it is read", () =>
    run(
      async () => {
        const source = new PassThrough();
        setTimeout(() => source.end("at last"), 5);
        expect(String(await timeout(1, () => connectReadPipe(source).read()))).toBe("at last");
      },
      { clock: new VirtualClock() },
    ));
});

describe("connectWritePipe", () => {
  it("writes to any stream of Node's", async () => {
    const folder = await mkdtemp(join(tmpdir(), "threadloop-"));
    const path = join(folder, "file");
    await run(async () => {
      const writer = connectWritePipe(createWriteStream(path));
      writer.writeLines(["one\n", Buffer.from("two\n")]);
      await writer.drain();
      writer.close();
      await writer.waitClosed();
    });
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
    await rm(folder, { recursive: true });
  });

  it("waits in drain for a stream that is slow", () =>
    run(async () => {
      const pending: (() => void)[] = [];
      const slow = new Writable({ highWaterMark: 4, write: (_chunk, _encoding, done) => pending.push(done) });
      const writer = connectWritePipe(slow);
      writer.write("12345");
      const drain = createTask(() => writer.drain());
      expect(await failureOf(timeout(1, () => writer.drain()))).toBeInstanceOf(TimeoutError);
      expect(drain.done()).toBe(false);
      pending.shift()?.();
      await drain;
    }));

  it("waits in drain for what others have written to the stream", () =>
    run(async () => {
      const pending: (() => void)[] = [];
      const slow = new Writable({ highWaterMark: 4, write: (_chunk, _encoding, done) => pending.push(done) });
      const writer = connectWritePipe(slow);
      slow.write("12345");
      expect(await failureOf(timeout(1, () => writer.drain()))).toBeInstanceOf(TimeoutError);
      while (pending.length > 0) {
        pending.shift()?.();
        await sleep(0);
      }
      await writer.drain();
    }));

  it("goes on after what others have written behind it", () =>
    run(async () => {
      const pending: (() => void)[] = [];
      const slow = new Writable({ highWaterMark: 4, write: (_chunk, _encoding, done) => pending.push(done) });
      const writer = connectWritePipe(slow);
      writer.write("12345");
      slow.write("6");
      const drain = createTask(() => writer.drain());
      await sleep(0);
      pending.shift()?.();
      await sleep(0);
      expect(drain.done()).toBe(false);
      while (pending.length > 0) {
        pending.shift()?.();
        await sleep(0);
      }
      await drain;
    }));

  it("leaves the reading half of a stream that has two", () =>
    run(async () => {
      const duplex = new PassThrough({ allowHalfOpen: true });
      const reader = connectReadPipe(duplex);
      const writer = connectWritePipe(duplex);
      writer.write("hello");
      writer.writeEof();
      expect(() => writer.write("more")).toThrow("Cannot call write() after writeEof()");
      await writer.drain();
      expect(String(await reader.read())).toBe("hello");
    }));

  it("throws what broke the stream", () =>
    run(async () => {
      const error = new Error("disk full");
      const writer = connectWritePipe(new Writable({ write: (_chunk, _encoding, done) => done(error) }));
      writer.write("data");
      expect(await failureOf(writer.waitClosed())).toBe(error);
    }));

  it("leaves the stream open when the loop closes", async () => {
    const target = new PassThrough();
    await run(async () => connectWritePipe(target).write("hello"));
    expect([target.destroyed, target.writableEnded]).toEqual([false, false]);
    const [text] = await once(target, "data");
    expect(String(text)).toBe("hello");
  });

  it("refuses what is no stream of bytes", () =>
    run(async () => {
      expect(() => connectWritePipe({} as never)).toThrow(
        /Expected `target` to be a writable stream of bytes/,
      );
      expect(() => connectWritePipe(new PassThrough({ objectMode: true }))).toThrow(TypeError);
    }));
});
