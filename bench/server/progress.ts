// This is one line that is rewritten on a terminal; plain lines, not too many, where nobody looks on.
import { clearLine, cursorTo } from "node:readline";

export interface ProgressLine {
  /** Says what begins. */
  step(text: string): void;
  /** Says how far it has come. */
  detail(text: string): void;
  /** Leaves the line to what is printed next. */
  end(): void;
}

const PLAIN_EVERY = 3000;

/** Shows progress on `stream`. */
export function startProgress(stream: NodeJS.WriteStream): ProgressLine {
  return stream.isTTY ? updatingLine(stream) : plainLines(stream);
}

function updatingLine(stream: NodeJS.WriteStream): ProgressLine {
  const rewrite = (text: string) => {
    clearLine(stream, 0);
    cursorTo(stream, 0);
    stream.write(text.slice(0, (stream.columns || 80) - 1));
  };
  return { step: rewrite, detail: rewrite, end: () => rewrite("") };
}

function plainLines(stream: NodeJS.WriteStream): ProgressLine {
  let last = 0;
  const print = (text: string) => {
    last = performance.now();
    stream.write(`${text}\n`);
  };
  const detail = (text: string) => {
    if (performance.now() - last >= PLAIN_EVERY) print(text);
  };
  return { step: print, detail, end() {} };
}
