import {
  getRunningLoop,
  type Server,
  type StreamReader,
  type StreamWriter,
  startServer,
  type Transport,
} from "threadloop";
import { expect } from "vitest";
import { Recorder } from "./recorder.ts";

export const HERE = { host: "127.0.0.1", port: 0 };

/** Connects a protocol, which has been told so, to a server with this handler while `body` runs. */
export async function connected(
  handler: (reader: StreamReader, writer: StreamWriter) => unknown,
  body: (transport: Transport, protocol: Recorder, server: Server) => Promise<void>,
): Promise<void> {
  const server = await startServer(handler, HERE);
  const loop = getRunningLoop();
  const [transport, protocol] = await loop.createConnection(() => new Recorder(), HERE.host, server.port);
  expect(await protocol.events.get()).toEqual(["made", transport]);
  await body(transport, protocol, server);
  transport.abort();
  server.close();
  server.abortClients();
  await server.waitClosed();
}
