/** `once` makes a wait of ours of one event of Node's emitters. */
import type { EventEmitter } from "node:events";
import { OutsideFuture } from "../task/outside.ts";

/**
 * Waits for an event and gives its first argument, or throws the emitter's error, or ECONNRESET when it is closed
 * before. Unlike Node's own it is cancelled at once, and leaves no listener however it ends.
 */
export async function once(emitter: EventEmitter, event: string): Promise<unknown> {
  const future = new OutsideFuture<unknown>();
  const succeed = (value: unknown) => {
    if (!future.done()) future.setResult(value);
  };
  const fail = (error: unknown) => {
    if (!future.done()) future.setException(error);
  };
  const end = () => fail(connectionLost());
  emitter.on(event, succeed).on("error", fail).on("close", end);
  try {
    return await future;
  } finally {
    emitter.off(event, succeed).off("error", fail).off("close", end);
  }
}

/** What asyncio calls ConnectionResetError: the connection has ended under someone who still needs it. */
export function connectionLost(): Error {
  return Object.assign(new Error("Connection lost"), { code: "ECONNRESET" });
}

/** An error listener where the error is looked at elsewhere: by who waits, or when the stream closes. */
export function ignore(): void {}
