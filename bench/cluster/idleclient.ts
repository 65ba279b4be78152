// This is a client that has made a call and does nothing any more: it prints its CPU time, in milliseconds a second.
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ClusterExecutor } from "../../cluster/index.ts";
import { add } from "./jobs.ts";

const [url, seconds] = process.argv.slice(2) as [string, string];
const modules = fileURLToPath(new URL(".", import.meta.url));
const cluster = new ClusterExecutor({ url, modules });
await cluster.submit(add, 1, 1);
await wait(500);
const before = process.cpuUsage();
await wait(Number(seconds) * 1000);
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1000 / Number(seconds));
// It holds no process: this one ends by itself.
