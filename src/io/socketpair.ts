/** Two sockets that are connected to each other; Node has no call for that. */
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inRootContext } from "../scheduling/events.ts";
import { fs, net } from "./builtins.ts";
import { once } from "./once.ts";

/** Two sockets, of which `far` has not been read from, so that it can be given away. */
export interface SocketPair {
  near: Socket;
  far: Socket;
}

/** Connects two sockets through a path in a folder that only this user can enter. */
export async function socketPair(): Promise<SocketPair> {
  const folder = fs().mkdtempSync(join(tmpdir(), "threadloop-"));
  const path = process.platform === "win32" ? join("\\\\.\\pipe", folder) : join(folder, "socket");
  const accepted: Socket[] = [];
  const server = inRootContext(() =>
    net().createServer({ pauseOnConnect: true }, (far) => accepted.push(far)),
  );
  let near: Socket | null = null;
  try {
    inRootContext(() => server.listen(path));
    await once(server, "listening");
    near = inRootContext(() => net().connect(path));
    await once(server, "connection");
    return { near, far: accepted[0] as Socket };
  } catch (error) {
    for (const socket of [near, ...accepted]) socket?.destroy();
    throw error;
  } finally {
    server.close(() => fs().rmdirSync(folder));
  }
}
