/** TLS over the connection of a reader and a writer. */
import type { Socket } from "node:net";
import { secure, type TlsUpgradeOptions } from "../io/tls.ts";
import { isCancelled } from "../task/scope.ts";
import type { Transport } from "./protocol.ts";

/** Does the handshake and gives the transport the secure stream in place of the bare one. */
export async function upgrade(
  transport: Transport,
  serverSide: boolean,
  options: TlsUpgradeOptions,
): Promise<void> {
  const bare = transport.stream as Socket;
  transport.detach();
  const early = transport.reader?._takeAll() ?? Buffer.alloc(0);
  try {
    transport.attach(await secure(bare, early, serverSide, options));
  } catch (error) {
    transport.abort(isCancelled(error) ? null : (error as Error));
    transport.attach(bare);
    throw error;
  }
}
