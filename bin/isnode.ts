// This tells whether a process runs Node. That it handles SIGUSR1 is not enough: an interactive shell does too, and ends.

import { closeSync, openSync, readlinkSync, readSync } from "node:fs";
import { basename } from "node:path";

/** What stands in every program that Node is built into, whatever its name. */
const MARK = "NODE_OPTIONS";
const CHUNK = 1 << 20;

/** By /proc; true where that cannot be known, as of the processes of other users, who are not to be signalled. */
export function runsNode(pid: number): boolean {
  try {
    const name = basename(readlinkSync(`/proc/${pid}/exe`));
    return /^node(js)?$/.test(name) || contains(`/proc/${pid}/exe`, MARK);
  } catch {
    return true;
  }
}

function contains(file: string, text: string): boolean {
  const handle = openSync(file, "r");
  try {
    const chunk = Buffer.alloc(CHUNK + text.length);
    let kept = 0;
    for (;;) {
      const read = readSync(handle, chunk, kept, CHUNK, null);
      if (read === 0) return false;
      const end = kept + read;
      if (chunk.subarray(0, end).includes(text)) return true;
      kept = Math.min(end, text.length - 1); // the text may lie across two chunks
      chunk.copyWithin(0, end - kept, end);
    }
  } finally {
    closeSync(handle);
  }
}
