import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import {
  createTask,
  IncompleteReadError,
  LimitOverrunError,
  run,
  StreamReader,
  sleep,
  type Task,
} from "threadloop";
import { describe, expect, it } from "vitest";

type Operation =
  | ["feedData", string]
  | ["feedEof" | "readLine" | "cancel"]
  | ["read" | "readExactly", number]
  | ["readUntil", string | string[]];

interface Recording {
  limit: number;
  operations: Operation[];
  /** The number of the operation after which a read was over, and how it ended. */
  outcomes: unknown[][];
}

const file = new URL("../../fixtures/streams/reader-cpython-3.13.jsonl.gz", import.meta.url);
const lines = gunzipSync(readFileSync(file)).toString().trim().split("\n");
const recordings = lines.map((line) => JSON.parse(line) as Recording);

function begin(reader: StreamReader, operation: Operation): Promise<Buffer> {
  switch (operation[0]) {
    case "read":
      return reader.read(operation[1]);
    case "readExactly":
      return reader.readExactly(operation[1]);
    case "readUntil":
      return reader.readUntil(operation[1]);
    default:
      return reader.readLine();
  }
}

function outcome(task: Task<Buffer>): unknown[] {
  if (task.cancelled()) return ["cancelled"];
  const error = task.exception() as Error | null;
  if (error === null) return ["result", String(task.result())];
  const facts: unknown[] = [error.name, error.message];
  if (error instanceof IncompleteReadError) facts.push(String(error.partial), error.expected);
  if (error instanceof LimitOverrunError) facts.push(error.consumed);
  return facts;
}

async function replay({ limit, operations }: Recording): Promise<unknown[][]> {
  const reader = new StreamReader({ limit });
  const outcomes: unknown[][] = [];
  let task: Task<Buffer> | null = null;
  for (const [i, operation] of operations.entries()) {
    if (operation[0] === "feedData") reader.feedData(Buffer.from(operation[1]));
    else if (operation[0] === "feedEof") reader.feedEof();
    else if (operation[0] === "cancel") task?.cancel();
    else task = createTask(() => begin(reader, operation));
    for (let round = 0; round < 4; round++) await sleep(0);
    if (task === null || !task.done()) continue;
    outcomes.push([i, ...outcome(task)]);
    task = null;
  }
  task?.cancel();
  return outcomes;
}

describe("StreamReader beside CPython's", () => {
  it("gives and throws the same in recorded random reads", () =>
    run(async () => {
      for (const recording of recordings) expect(await replay(recording)).toEqual(recording.outcomes);
      expect(recordings.flatMap(({ outcomes }) => outcomes).length).toBeGreaterThan(7_000);
    }));
});
