/** These tests say of servers at Unix paths whose file it is, and who removes it. */
import { existsSync, lstatSync, readdirSync, symlinkSync, unlinkSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getRunningLoop, openConnection, run, type Server, startServer } from "threadloop";
import { describe, expect, it } from "vitest";
import { Program } from "../../support/processes.ts";
import { failureOf } from "../../support/virtual.ts";

async function withFolder<T>(body: (folder: string, path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "threadloop-"));
  try {
    return await run(() => body(folder, join(folder, "socket")));
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Options {
  path: string;
  cleanupSocket?: boolean;
  startServing?: boolean;
}

/** Each tells its name to its clients. */
const kinds: [string, (options: Options, name?: string) => Promise<Server>][] = [
  [
    "startServer",
    (options, name = "") =>
      startServer(async (_, writer) => {
        writer.write(name);
        await writer.drain();
        writer.close();
      }, options),
  ],
  [
    "loop.createUnixServer",
    ({ path, ...options }, name = "") =>
      getRunningLoop().createUnixServer(
        () => ({
          connectionMade: (transport) => {
            transport.write(name);
            transport.close();
          },
        }),
        path,
        options,
      ),
  ],
];

async function ask(path: string): Promise<string> {
  const { reader, writer } = await openConnection({ path });
  const answer = String(await reader.read());
  writer.close();
  return answer;
}

describe.each(kinds)("a Unix server: %s", (_, serve) => {
  it("test_unix_server_cleanup_replaced: leaves its successor's file alone", () =>
    withFolder(async (folder, path) => {
      const old = await serve({ path }, "old");
      expect(await ask(path)).toBe("old");
      unlinkSync(path);
      const next = await serve({ path }, "next");
      old.close();
      expect([next.isServing(), await ask(path)]).toEqual([true, "next"]);
      next.close();
      expect(readdirSync(folder)).toEqual([]);
    }));

  it("test_unix_server_cleanup_prevented: leaves its file there when it is told to", () =>
    withFolder(async (_, path) => {
      const server = await serve({ path, cleanupSocket: false });
      server.close();
      expect(lstatSync(path).isSocket()).toBe(true);
      expect(await failureOf(ask(path))).toMatchObject({ code: "ECONNREFUSED" });
    }));

  it("test_unix_server_cleanup_gone: does not mind that its file is gone, or is another", () =>
    withFolder(async (_, path) => {
      const server = await serve({ path });
      unlinkSync(path);
      server.close();
      const other = await serve({ path });
      unlinkSync(path);
      await writeFile(path, "a file");
      other.close();
      expect(lstatSync(path).isFile()).toBe(true);
    }));

  it("refuses a path at which something is, and leaves nothing", () =>
    withFolder(async (folder, path) => {
      const first = await serve({ path }, "first");
      const link = join(folder, "link");
      symlinkSync(join(folder, "nowhere"), link);
      for (const taken of [path, link]) {
        const error = await failureOf(serve({ path: taken }));
        expect(error).toMatchObject({
          code: "EADDRINUSE",
          syscall: "listen",
          address: taken,
          message: `listen EADDRINUSE: address already in use ${taken}`,
        });
      }
      const late = await serve({ path, startServing: false });
      await expect(late.startServing()).rejects.toMatchObject({ code: "EADDRINUSE" });
      expect([readdirSync(folder).sort(), await ask(path)]).toEqual([["link", "socket"], "first"]);
      first.close();
      await late.startServing();
      late.close();
      expect(readdirSync(folder)).toEqual(["link"]);
    }));

  it("says where it listens, and names the path in its errors", () =>
    withFolder(async (folder, path) => {
      const server = await serve({ path });
      expect([server.address(), server.sockets[0]?.address(), readdirSync(folder)]).toEqual([
        path,
        path,
        ["socket"],
      ]);
      server.close();
      const missing = join(folder, "missing", "socket");
      const error = (await failureOf(serve({ path: missing }))) as Error;
      expect(error).toMatchObject({ address: missing });
      expect(error.message).toContain(missing);
    }));
});

it("A server that is open at the end of the process has its file removed", () =>
  withFolder(async (_, path) => {
    const program = new Program([
      "--input-type=module",
      "-e",
      `import { newEventLoop, startServer } from "threadloop";
      const loop = newEventLoop();
      await loop.runUntilComplete(() => startServer(() => {}, { path: ${JSON.stringify(path)} }));
      process.exit(3);`,
    ]);
    while (program.child.exitCode === null)
      await new Promise((resolve) => program.child.once("close", resolve));
    expect([program.child.exitCode, program.errors, existsSync(path)]).toEqual([3, "", false]);
  }));
