import { inspect } from "node:util";
import {
  CancelledError,
  createTask,
  currentTask,
  DeadlockError,
  gather,
  getRunningLoop,
  IncompleteReadError,
  LimitOverrunError,
  moveOnAfter,
  RuntimeError,
  run,
  StreamReader,
  sleep,
  TimeoutError,
  timeout,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, it } from "vitest";
import { virtual } from "../../support/virtual.ts";

const LINES = "line1\nline2\nline3\n";

/** What stands for a step that threw; a cancel is thrown on. */
function failedStep(error: unknown): IteratorResult<string> {
  if (error instanceof CancelledError) throw error;
  return { done: false, value: (error as Error).name };
}

/** A reader that was fed these pieces, and the end of the stream when the last is null. */
function fed(pieces: (string | null)[], limit?: number): StreamReader {
  const reader = new StreamReader(limit === undefined ? {} : { limit });
  for (const piece of pieces) {
    if (piece === null) reader.feedEof();
    else reader.feedData(Buffer.from(piece));
  }
  return reader;
}

/** Runs under a clock that says so when nothing can go on, instead of hanging. */
const inVirtualTime = <T>(main: () => Promise<T>) => run(main, { clock: new VirtualClock() });

const rest = async (reader: StreamReader) => {
  reader.feedEof();
  return String(await reader.read());
};

const failure = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
};

describe("StreamReader", () => {
  describe("read", () => {
    it("gives nothing for a count of 0, without waiting", () =>
      inVirtualTime(async () => {
        const reader = fed([LINES]);
        expect((await reader.read(0)).length).toBe(0);
        expect(await rest(reader)).toBe(LINES);
      }));

    it("waits for the first bytes and gives what there is then", () =>
      inVirtualTime(async () => {
        const reader = new StreamReader();
        const reading = createTask(() => reader.read(30));
        await sleep(0);
        reader.feedData(Buffer.from("line1"));
        reader.feedData(Buffer.from("line2"));
        expect(String(await reading)).toBe("line1line2");
      }));

    it("gives no more than asked for and keeps the rest", () =>
      inVirtualTime(async () => {
        const reader = fed(["line1", "line2"]);
        expect(String(await reader.read(5))).toBe("line1");
        expect(String(await reader.read(2))).toBe("li");
        expect(await rest(reader)).toBe("ne2");
      }));

    it("gives an empty Buffer at the end of the stream", () =>
      inVirtualTime(async () => {
        const reader = new StreamReader();
        const reading = createTask(() => reader.read(1024));
        await sleep(0);
        reader.feedEof();
        expect((await reading).length).toBe(0);
      }));

    it("reads to the end without a count, and with -1", () =>
      inVirtualTime(async () => {
        const reader = new StreamReader();
        const reading = createTask(() => reader.read());
        await sleep(0);
        reader.feedData(Buffer.from("chunk1\n"));
        await sleep(0);
        reader.feedData(Buffer.from("chunk2"));
        reader.feedEof();
        expect(String(await reading)).toBe("chunk1\nchunk2");
        expect((await reader.read(-1)).length).toBe(0);
      }));

    it("is not bounded by the limit", () =>
      inVirtualTime(async () => {
        expect(String(await fed(["chunk"], 3).read(5))).toBe("chunk");
      }));

    it("throws the error that broke the stream", () =>
      inVirtualTime(async () => {
        const reader = fed(["line\n"]);
        expect(String(await reader.read(2))).toBe("li");
        const error = new RangeError("broken");
        reader.setException(error);
        expect(reader.exception()).toBe(error);
        expect(await failure(reader.read(2))).toBe(error);
      }));

    it("names a count that is no count", () =>
      inVirtualTime(async () => {
        expect(await failure(new StreamReader().read(1.5))).toMatchObject({
          name: "RangeError",
          message: "Expected `count` to be an integer >= -1, got `1.5` (number)",
        });
        expect(await failure(new StreamReader().read("5" as unknown as number))).toBeInstanceOf(TypeError);
      }));
  });

  describe("readLine", () => {
    it("gives one line with its newline and keeps the rest", () =>
      inVirtualTime(async () => {
        const reader = fed(["line1\n", "line2\nline3\n"]);
        expect(String(await reader.readLine())).toBe("line1\n");
        expect(String(await reader.read(7))).toBe("line2\nl");
        expect(await rest(reader)).toBe("ine3\n");
      }));

    it("joins a line that comes in pieces", () =>
      inVirtualTime(async () => {
        const reader = fed(["chunk1 "]);
        const reading = createTask(() => reader.readLine());
        await sleep(0);
        for (const piece of ["chunk2 ", "chunk3 ", "\n chunk4"]) {
          reader.feedData(Buffer.from(piece));
          await sleep(0);
        }
        expect(String(await reading)).toBe("chunk1 chunk2 chunk3 \n");
        expect(await rest(reader)).toBe(" chunk4");
      }));

    it("gives the last line without newline, then empty Buffers", () =>
      inVirtualTime(async () => {
        const reader = fed(["some data", null]);
        expect(String(await reader.readLine())).toBe("some data");
        expect((await reader.readLine()).length).toBe(0);
        expect((await reader.readLine()).length).toBe(0);
      }));

    it("drops the line that is longer than the limit, and no more", () =>
      inVirtualTime(async () => {
        const reader = fed(["li", "ne1\nline2\n"], 3);
        expect(await failure(reader.readLine())).toMatchObject({
          name: "RangeError",
          message: "Separator is found, but chunk is longer than limit",
        });
        expect(await rest(reader)).toBe("line2\n");
      }));

    it("drops all there is when the line is longer than the limit and goes on", () =>
      inVirtualTime(async () => {
        const reader = fed(["li", "ne1", "li"], 3);
        expect(await failure(reader.readLine())).toMatchObject({
          name: "RangeError",
          message: "Separator is not found, and chunk exceed the limit",
        });
        expect(await rest(reader)).toBe("");
      }));

    it("applies the limit to lines that come while it waits", () =>
      inVirtualTime(async () => {
        const reader = new StreamReader({ limit: 7 });
        const reading = createTask(() => reader.readLine());
        await sleep(0);
        for (const piece of ["chunk1", "chunk2\n", "chunk3\n"]) reader.feedData(Buffer.from(piece));
        expect(await failure(reading.toPromise())).toBeInstanceOf(RangeError);
        expect(String(await reader.readLine())).toBe("chunk3\n");
      }));

    it("takes a line of exactly the limit, without its newline", () =>
      inVirtualTime(async () => {
        const reader = fed(["1234567\n"], 7);
        expect(String(await reader.readLine())).toBe("1234567\n");
        reader.feedData(Buffer.from("12345678\n"));
        expect(await failure(reader.readLine())).toBeInstanceOf(RangeError);
        reader.feedData(Buffer.from("12345678"));
        expect(await failure(reader.readLine())).toBeInstanceOf(RangeError);
        expect(await rest(reader)).toBe("");
      }));

    it("throws the error that breaks the stream while it waits", () =>
      inVirtualTime(async () => {
        const reader = new StreamReader();
        const reading = createTask(() => reader.readLine());
        await sleep(0);
        const error = new Error("reset");
        reader.setException(error);
        expect(await failure(reading.toPromise())).toBe(error);
      }));
  });

  describe("readUntil", () => {
    it("refuses a separator that is empty, or none", () =>
      inVirtualTime(async () => {
        const reader = new StreamReader();
        expect(await failure(reader.readUntil(""))).toMatchObject({
          name: "RangeError",
          message: expect.stringMatching("Separator should be"),
        });
        expect(await failure(reader.readUntil([""]))).toMatchObject({
          message: expect.stringMatching("Separator should be"),
        });
        expect(await failure(reader.readUntil([]))).toMatchObject({
          message: expect.stringMatching("Separator should contain"),
        });
      }));

    it.each([
      [["lineAAA"], "lineAAA", ""],
      [["lineAAAxxx"], "lineAAA", "xxx"],
      [["QWEAA", "XYAA", "A"], "QWEAAXYAAA", ""],
      [["QWEAA", "XYA", "AA"], "QWEAAXYAAA", ""],
      [["AAA"], "AAA", ""],
      [["XXX", "A", "A", "A"], "XXXAAA", ""],
      [["A", "A", "BA", "AAB"], "AABAAA", "B"],
    ])("finds a separator of several bytes in pieces %j", (pieces, found, left) =>
      inVirtualTime(async () => {
        const reader = fed(pieces);
        expect(String(await reader.readUntil("AAA"))).toBe(found);
        expect(await rest(reader)).toBe(left);
      }),
    );

    it("finds a separator whichever way the bytes are cut", () =>
      inVirtualTime(async () => {
        const text = "xABABAABABCxyABC";
        for (let first = 0; first <= text.length; first++) {
          for (let second = first; second <= text.length; second++) {
            const reader = new StreamReader();
            const reading = createTask(() => reader.readUntil("ABC"));
            await sleep(0);
            for (const piece of [text.slice(0, first), text.slice(first, second), text.slice(second)]) {
              reader.feedData(Buffer.from(piece));
              await sleep(0);
            }
            expect(String(await reading)).toBe("xABABAABABC");
            expect(String(await reader.readUntil(Buffer.from("ABC")))).toBe("xyABC");
          }
        }
      }));

    it("takes the separator that ends first, even if it is the longer one", () =>
      inVirtualTime(async () => {
        const reader = fed(["line 1\nline 2\r", "ABC", "DEFG"]);
        expect(String(await reader.readUntil(["\r", "\n"]))).toBe("line 1\n");
        expect(String(await reader.readUntil(["\r", "\n"]))).toBe("line 2\r");
        expect(String(await reader.readUntil(["DEF", "BCDE"]))).toBe("ABCDE");
        expect(await rest(reader)).toBe("FG");
      }));

    it("counts the shortest separator that matched against the limit", () =>
      inVirtualTime(async () => {
        const reader = fed(["some dataA"], 3);
        const error = await failure(reader.readUntil(["A", "ome dataA"]));
        expect(error).toBeInstanceOf(LimitOverrunError);
        expect(error).toMatchObject({ message: expect.stringMatching("is found"), consumed: 9 });
        expect(await rest(reader)).toBe("some dataA");
      }));

    it("finds the shorter of two separators while the longer could still come", () =>
      inVirtualTime(async () => {
        const reader = fed(["data"]);
        const reading = createTask(() => reader.readUntil(["A", "long sep"]));
        await sleep(0);
        reader.feedData(Buffer.from("Z"));
        await sleep(0);
        reader.feedData(Buffer.from("Aaaa"));
        expect(String(await reading)).toBe("dataZA");
        expect(await rest(reader)).toBe("aaa");
      }));

    it("throws IncompleteReadError with what came at the end of the stream", () =>
      inVirtualTime(async () => {
        const reader = fed(["some dataAA", null]);
        const error = await failure(reader.readUntil("AAA"));
        expect(error).toBeInstanceOf(IncompleteReadError);
        expect(error).toMatchObject({
          expected: null,
          partial: Buffer.from("some dataAA"),
          message: "11 bytes read on a total of undefined expected bytes",
        });
        expect(reader.atEof()).toBe(true);
      }));

    it("leaves in the stream what is over the limit", () =>
      inVirtualTime(async () => {
        const reader = fed(["some dataAA"], 3);
        expect(await failure(reader.readUntil("AAA"))).toMatchObject({
          name: "LimitOverrunError",
          message: expect.stringMatching("not found"),
          consumed: 9,
        });
        reader.feedData(Buffer.from("A"));
        expect(await failure(reader.readUntil("AAA"))).toMatchObject({
          name: "LimitOverrunError",
          message: expect.stringMatching("is found"),
        });
        expect(await rest(reader)).toBe("some dataAAA");
      }));
  });

  describe("readExactly", () => {
    it("gives nothing for 0 and refuses less", () =>
      inVirtualTime(async () => {
        const reader = fed([LINES]);
        expect((await reader.readExactly(0)).length).toBe(0);
        expect(await failure(reader.readExactly(-1))).toBeInstanceOf(RangeError);
        expect(await rest(reader)).toBe(LINES);
      }));

    it("waits for all and keeps the rest", () =>
      inVirtualTime(async () => {
        const reader = new StreamReader();
        const reading = createTask(() => reader.readExactly(2 * LINES.length));
        await sleep(0);
        for (let i = 0; i < 3; i++) reader.feedData(Buffer.from(LINES));
        expect(String(await reading)).toBe(LINES + LINES);
        expect(await rest(reader)).toBe(LINES);
      }));

    it("is not bounded by the limit", () =>
      inVirtualTime(async () => {
        expect(String(await fed(["chunk"], 3).readExactly(5))).toBe("chunk");
      }));

    it("throws IncompleteReadError with what came at the end of the stream", () =>
      inVirtualTime(async () => {
        const reader = new StreamReader();
        const reading = createTask(() => reader.readExactly(36));
        await sleep(0);
        reader.feedData(Buffer.from(LINES));
        reader.feedEof();
        expect(await failure(reading.toPromise())).toMatchObject({
          name: "IncompleteReadError",
          partial: Buffer.from(LINES),
          expected: 36,
          message: "18 bytes read on a total of 36 expected bytes",
        });
        expect(reader.atEof()).toBe(true);
      }));

    it("throws the error that broke the stream", () =>
      inVirtualTime(async () => {
        const reader = fed(["line\n"]);
        expect(String(await reader.readExactly(2))).toBe("li");
        reader.setException(new SyntaxError("broken"));
        expect(await failure(reader.readExactly(2))).toBeInstanceOf(SyntaxError);
      }));
  });

  describe("cancellation", () => {
    it.each([
      ["read", (reader: StreamReader) => reader.read()],
      ["readLine", (reader: StreamReader) => reader.readLine()],
      ["readExactly", (reader: StreamReader) => reader.readExactly(100)],
      ["readUntil", (reader: StreamReader) => reader.readUntil("END")],
    ])("loses nothing of what came while %s waited", (_name, read) =>
      inVirtualTime(async () => {
        const reader = fed(["one "]);
        const reading = createTask(() => read(reader));
        await sleep(0);
        reader.feedData(Buffer.from("two "));
        await sleep(0);
        reader.feedData(Buffer.from("three"));
        reading.cancel();
        expect(await failure(reading.toPromise())).toBeInstanceOf(CancelledError);
        expect(await rest(reader)).toBe("one two three");
      }),
    );

    it("loses nothing when the bytes come at the moment of the cancel", () =>
      inVirtualTime(async () => {
        const reader = new StreamReader();
        const reading = createTask(() => reader.read(5));
        await sleep(0);
        reader.feedData(Buffer.from("bytes"));
        reading.cancel();
        expect(await failure(reading.toPromise())).toBeInstanceOf(CancelledError);
        expect(await rest(reader)).toBe("bytes");
      }));

    it("ends at a deadline and can be tried again", () =>
      inVirtualTime(async () => {
        const reader = fed(["half a li"]);
        const late = timeout(1000, () => reader.readLine());
        expect(await failure(late)).toBeInstanceOf(TimeoutError);
        reader.feedData(Buffer.from("ne\n"));
        expect(String(await reader.readLine())).toBe("half a line\n");
      }));

    it("is not disturbed by an error that comes after it", () =>
      inVirtualTime(async () => {
        const reader = new StreamReader();
        const reading = createTask(() => reader.readLine());
        await sleep(0);
        reading.cancel();
        await sleep(0);
        reader.setException(new Error("too late"));
        expect(reading.cancelled()).toBe(true);
      }));
  });

  it("lets one task read at a time", () =>
    inVirtualTime(async () => {
      const reader = new StreamReader();
      const first = createTask(() => reader.readLine());
      await sleep(0);
      expect(await failure(reader.readExactly(1))).toMatchObject({
        name: "RuntimeError",
        message: expect.stringMatching(
          /^readExactly\(\) called while another task is already waiting for incoming data/,
        ),
      });
      reader.feedData(Buffer.from("for the first\n"));
      expect(String(await first)).toBe("for the first\n");
    }));

  it("does not let a second task take what the first was woken for", () =>
    inVirtualTime(async () => {
      const reader = new StreamReader();
      const first = createTask(() => reader.read(5));
      await sleep(0);
      const thief = createTask(() => reader.read(5));
      reader.feedData(Buffer.from("mine"));
      const [mine, error] = await gather([first, thief], { returnExceptions: true });
      expect([String(mine), error]).toEqual(["mine", expect.any(RuntimeError)]);
    }));

  it("knows its end only when all is read", () =>
    inVirtualTime(async () => {
      const reader = fed(["some data\n"]);
      expect(reader.atEof()).toBe(false);
      await reader.readLine();
      expect(reader.atEof()).toBe(false);
      reader.feedData(Buffer.from("some data\n"));
      reader.feedEof();
      expect(reader.atEof()).toBe(false);
      await reader.readLine();
      expect(reader.atEof()).toBe(true);
    }));

  it("takes no bytes after the end", () => {
    const reader = fed([null]);
    expect(() => reader.feedData(Buffer.from("late"))).toThrow(RuntimeError);
  });

  it("refuses a limit that is none", () => {
    expect(() => new StreamReader({ limit: 0 })).toThrow(
      "Expected `limit` to be a number of bytes > 0, got `0` (number)",
    );
    expect(() => new StreamReader({ limit: -1 })).toThrow(RangeError);
  });

  it.each([
    ["lines()", (reader: StreamReader) => reader.lines()],
    ["iterating", (reader: StreamReader) => reader[Symbol.asyncIterator]()],
  ])("goes on with %s after a step that timed out, was cancelled or threw", (_, linesOf) =>
    virtual(async () => {
      const reader = fed([], 16);
      const lines: AsyncIterableIterator<string | Buffer> = linesOf(reader);
      getRunningLoop().callLater(15, () => reader.feedData(Buffer.from("first\nsec")));
      getRunningLoop().callLater(22, () => reader.feedData(Buffer.from(`ond\n${"x".repeat(40)}\nlast\n`)));
      getRunningLoop().callLater(45, () => reader.feedEof());
      const seen: string[] = [];
      let idle = 0;
      for (;;) {
        const next = await moveOnAfter(10, () => lines.next().catch((error) => failedStep(error)));
        if (next === undefined) idle++;
        else if (next.done) break;
        else seen.push(String(next.value).trim());
      }
      expect([seen, idle]).toEqual([["first", "second", "RangeError", "last"], 3]);
      expect(await lines.next()).toEqual({ done: true, value: undefined });
    }),
  );

  it("gives lines as Buffers when it is iterated, as strings through lines()", () =>
    inVirtualTime(async () => {
      const buffers: Buffer[] = [];
      for await (const line of fed(["a\r\nb\n", "\nlast", null])) buffers.push(line);
      expect(buffers.map(String)).toEqual(["a\r\n", "b\n", "\n", "last"]);

      const strings: string[] = [];
      for await (const line of fed(["a\r\nb\n", "\nl\u00e4st", null]).lines()) strings.push(line);
      expect(strings).toEqual(["a", "b", "", "l\u00e4st"]);
    }));

  it("keeps what comes after the line at which iterating stopped", () =>
    inVirtualTime(async () => {
      const reader = fed(["head\n", "body"]);
      for await (const line of reader.lines()) {
        expect(line).toBe("head");
        break;
      }
      expect(await rest(reader)).toBe("body");
    }));

  it("pauses its source above twice the limit and resumes it at the limit", () =>
    inVirtualTime(async () => {
      const calls: string[] = [];
      const reader = new StreamReader({ limit: 4 });
      reader._setSource({
        pauseReading: () => calls.push("pause"),
        resumeReading: () => calls.push("resume"),
      });
      reader.feedData(Buffer.from("12345678"));
      expect(calls).toEqual([]);
      reader.feedData(Buffer.from("9"));
      expect(calls).toEqual(["pause"]);
      await reader.read(4);
      expect(calls).toEqual(["pause"]);
      await reader.read(1);
      expect(calls).toEqual(["pause", "resume"]);
    }));

  it("does not pause its source below what a read waits for", () =>
    inVirtualTime(async () => {
      const calls: string[] = [];
      const reader = new StreamReader({ limit: 4 });
      reader._setSource({
        pauseReading: () => calls.push("pause"),
        resumeReading: () => calls.push("resume"),
      });
      reader.feedData(Buffer.alloc(9));
      const reading = createTask(() => reader.readExactly(30));
      await sleep(0);
      reader.feedData(Buffer.alloc(15));
      reader.feedData(Buffer.alloc(6));
      expect((await reading).length).toBe(30);
      expect(calls).toEqual(["pause", "resume"]);
    }));

  it("is found out by the virtual clock when nobody feeds it", async () => {
    const stuck = inVirtualTime(async () => {
      (currentTask() as { name: string }).name = "hungry";
      await new StreamReader().readLine();
    });
    await expect(stuck).rejects.toThrow(DeadlockError);
    await expect(stuck).rejects.toThrow(/hungry/);
  });

  it("shows its state", () =>
    inVirtualTime(async () => {
      expect(inspect(new StreamReader())).toBe("<StreamReader>");
      expect(inspect(fed(["data", null], 123))).toBe("<StreamReader 4 bytes, eof, limit=123>");
    }));
});
