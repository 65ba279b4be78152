import { MessageChannel } from "node:worker_threads";
import { createTask, openConnection, run, sleep, startServer } from "threadloop";
import { describe, expect, it } from "vitest";

/** Works without a pause for so many milliseconds. */
function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** How many steps of work pass until something has happened. */
async function stepsUntil(happened: () => boolean, milliseconds: number): Promise<number> {
  let steps = 0;
  for (; !happened(); steps++) {
    work(milliseconds);
    await sleep(0);
  }
  return steps;
}

describe.each([5, 20])("beside a coroutine whose steps take %i ms", (step) => {
  it("a client is answered within as many steps as libuv needs turns", () =>
    run(async () => {
      const server = await startServer(async (reader, writer) => writer.write(await reader.readLine()), {
        host: "127.0.0.1",
        port: 0,
      });
      let answered = false;
      createTask(async () => {
        const { reader, writer } = await openConnection({ host: "127.0.0.1", port: server.port });
        writer.write("x\n");
        await reader.readLine();
        writer.close();
        answered = true;
      });
      expect(await stepsUntil(() => answered, step)).toBeLessThanOrEqual(10);
      server.close();
      server.closeClients();
    }));

  it("an immediate, a timer of Node's and a message come after each step", () =>
    run(async () => {
      const { port1, port2 } = new MessageChannel();
      const seen: string[] = [];
      setImmediate(() => seen.push("immediate"));
      setTimeout(() => seen.push("timer"), 1);
      port2.on("message", () => seen.push("message"));
      port1.postMessage(1);
      expect(await stepsUntil(() => seen.length === 3, step)).toBeLessThanOrEqual(4);
      port1.close();
    }));
});
