// This is a worker of BullMQ's own, which runs one job a call on its main thread.
import { Worker } from "bullmq";
import { add } from "./jobs.ts";

const url = process.argv[2] as string;
const worker = new Worker<readonly [number, number], number>("peer", async ({ data: [a, b] }) => add(a, b), {
  connection: { url, maxRetriesPerRequest: null },
  concurrency: 64,
});
await worker.waitUntilReady();
console.log("ready");
process.once("SIGTERM", () => void worker.close().then(() => process.exit(0)));
