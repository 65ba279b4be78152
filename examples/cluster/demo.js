// A Redis, two machines and a caller on this computer: one of the machines is killed, and nothing is lost.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "threadloop";
import { countAll } from "./caller.js";
import { drawPicture } from "./picture.js";

const ROWS = 60;
/** After so many results, when each machine has had one, one of them is killed; after so many in any case. */
const KILL_AFTER = 24;
const KILL_AT_LAST = 48;
const NAMES = ["alpha", "beta"];

const here = fileURLToPath(new URL(".", import.meta.url));
const manifest = fileURLToPath(import.meta.resolve("threadloop/package.json"));
const command = join(dirname(manifest), JSON.parse(readFileSync(manifest, "utf8")).bin.threadloop);
const output = process.argv[2] ?? "cluster.svg";

/** Everything that was started; nothing of it stays. */
const children = new Set();

function start(program, args) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  child.once("close", () => children.delete(child));
  return child;
}

/** Resolves when it has printed this; rejects when it ends before, or cannot be started. */
function said(child, text) {
  return new Promise((resolve, reject) => {
    let all = "";
    child.stdout.setEncoding("utf8").on("data", (part) => {
      all += part;
      if (all.includes(text)) resolve();
    });
    child.once("error", reject);
    child.once("close", () => reject(new Error(`${child.spawnfile} ended early:\n${all}`)));
  });
}

async function end(child, signal) {
  if (!children.has(child)) return;
  const closed = once(child, "close");
  child.kill(signal);
  await closed;
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function startRedis(folder) {
  const port = await freePort();
  const flags = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder, "--appendonly", "yes"];
  for (const program of process.env.REDIS_SERVER
    ? [process.env.REDIS_SERVER]
    : ["redis-server", "valkey-server"]) {
    const server = start(program, [...flags, "--maxmemory-policy", "noeviction"]);
    try {
      await said(server, "Ready to accept connections");
      return { server, url: `redis://127.0.0.1:${port}` };
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
      children.delete(server);
    }
  }
  throw new Error("There is no redis-server or valkey-server: install one, or set REDIS_SERVER to its path");
}

async function startMachine(name, url) {
  // `--lock`: so soon a machine that is not heard of counts as lost. The default, 10 s, is for machines that are far away.
  const flags = ["--url", url, "--name", name, "--threads", "2", "--modules", here, "--lock", "1000"];
  const child = start(process.execPath, [command, "worker", ...flags]);
  await said(child, "ready:");
  console.log(`machine ${name} is process ${child.pid}`);
  return { name, child };
}

async function main(folder) {
  const { server, url } = await startRedis(folder);
  const machines = await Promise.all(NAMES.map((name) => startMachine(name, url)));
  const nameOf = (pid) => machines.find(({ child }) => child.pid === pid)?.name;
  const done = new Map(NAMES.map((name) => [name, 0]));
  const started = Date.now();
  let killed = null;
  let count = 0;
  const { results, moved } = await countAll(url, ROWS, ({ pid }) => {
    const name = nameOf(pid);
    done.set(name, done.get(name) + 1);
    count++;
    const isTime =
      count >= KILL_AFTER && ([...done.values()].every((each) => each > 0) || count >= KILL_AT_LAST);
    if (killed === null && isTime) {
      // The one whose calls are still under way: the other one has just finished this.
      const victim = machines.find((machine) => machine.name !== name);
      killed = { name: victim.name, at: Date.now() };
      victim.child.kill("SIGKILL");
      console.log(`${victim.name} is killed`);
    }
    if (count % 12 === 0)
      console.log(
        `${count} of ${ROWS} done: ${NAMES.map((each) => `${done.get(each)} by ${each}`).join(", ")}`,
      );
  });
  const ran = results.map((result) => ({ ...result, machine: nameOf(result.pid) }));
  writeFileSync(output, drawPicture({ names: NAMES, ran, started, killed, moved }));
  console.log(
    `${results.length} of ${ROWS} calls have a result, ${moved} of them on their second machine: see ${output}`,
  );
  for (const { child } of machines) await end(child, "SIGTERM");
  await end(server, "SIGTERM");
}

await run(async () => {
  const folder = mkdtempSync(join(tmpdir(), "threadloop-cluster-"));
  try {
    await main(folder);
  } finally {
    // Also after Ctrl-C, which cancels what is under way.
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});
