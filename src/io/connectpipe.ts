/** Connecting a protocol to a stream of Node's, as asyncio's `loop.connect_read_pipe` and `connect_write_pipe`. */
import type { ClosingLoop } from "./datagrams.ts";
import { checkRuns, makeProtocol, untilMade } from "./protocolcalls.ts";

/** Makes the protocol and its transport, and waits until it was told so. */
export async function connectPipe<P extends object, T extends { close(): void }>(
  loop: ClosingLoop,
  protocolFactory: () => P,
  makeTransport: (protocol: P) => T,
): Promise<[T, P]> {
  checkRuns(loop);
  const protocol = makeProtocol(protocolFactory);
  const transport = makeTransport(protocol);
  await untilMade(loop, transport);
  return [transport, protocol];
}
