// This is the stack of another thread of this process, also while it is in an endless loop: the inspector interrupts
// it. Only Runtime.evaluate is used, so no code is deoptimised.

import type { Session } from "node:inspector";
import { setTimeout as wait } from "node:timers/promises";
import { isOwn } from "../../src/core.ts";

/** How long the thread may take, at each of some tries: it cannot be interrupted in native code, and an interrupt can be lost. */
const PATIENCE = 1500;
const TRIES = 3;

/** The frames of a worker thread, innermost first; none where the platform does not tell. */
export async function stackOf(threadId: number): Promise<string[]> {
  for (let i = 0; i < TRIES; i++) {
    const frames = await tryStackOf(threadId);
    if (frames.length > 0) return frames;
  }
  return [];
}

async function tryStackOf(threadId: number): Promise<string[]> {
  let session: Session | undefined;
  try {
    const inspector = process.getBuiltinModule("node:inspector"); // when it is needed: few programs ask
    session = new inspector.Session();
    session.connect();
    const stack = await Promise.race([ask(session, threadId), wait(PATIENCE, "", { ref: false })]);
    return framesOf(stack);
  } catch {
    return []; // forbidden by --permission, or built without an inspector
  } finally {
    session?.disconnect();
  }
}

function ask(session: Session, threadId: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const message = JSON.stringify({
      id: 1,
      method: "Runtime.evaluate",
      params: { expression: "new Error().stack", returnByValue: true },
    });
    session.on("NodeWorker.attachedToWorker", ({ params: { sessionId, workerInfo } }) => {
      if (workerInfo.title.startsWith(`[worker ${threadId}]`))
        session.post("NodeWorker.sendMessageToWorker", { sessionId, message });
    });
    session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      const answer = JSON.parse(params.message) as { id?: number; result?: { result: { value: string } } };
      if (answer.id === 1) resolve(answer.result?.result.value ?? "");
    });
    session.post("NodeWorker.enable", { waitForDebuggerOnStart: false }, (error) => {
      if (error !== null) reject(error);
    });
  });
}

function framesOf(stack: string): string[] {
  const frames = stack.split("\n").map((line) => line.trim());
  const foreign = ["(node:", " node:"];
  return frames.filter(
    (line) =>
      line.startsWith("at ") &&
      !/<anonymous>:\d+:\d+\)?$/.test(line) &&
      !isOwn(line) &&
      !foreign.some((part) => line.includes(part)),
  );
}
