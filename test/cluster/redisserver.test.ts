import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { type RedisServer, startRedis } from "../support/redisserver.ts";

async function ask(server: RedisServer, command: string): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  socket.write(`${command}\r\n`);
  const [answer] = await once(socket, "data");
  socket.destroy();
  return String(answer).trim();
}

describe("the Redis of a test", () => {
  it("comes back at the same port without what it had", async () => {
    await using redis = await startRedis();
    expect(await ask(redis, "SET name value")).toBe("+OK");
    await redis.restart("SIGKILL");
    expect(await ask(redis, "GET name")).toBe("$-1");
  });

  it("keeps its data where it is persistent, even when it is killed", async () => {
    await using redis = await startRedis({ persistent: true });
    expect(await ask(redis, "SET name value")).toBe("+OK");
    await redis.restart("SIGKILL");
    expect(await ask(redis, "GET name")).toContain("value");
  });

  it("refuses what its users may not", async () => {
    const users = ["user default off", "user ada on >secret ~mine:* +@read +@connection"];
    await using redis = await startRedis({ users });
    expect(await ask(redis, "GET mine:1")).toMatch(/^-NOAUTH/);
  });
});
