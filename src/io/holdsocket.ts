/** A socket has to be closed by somebody also while it has no transport: it waits for its protocol, or is in a handshake. */
import type { Socket } from "node:net";
import type { AbstractEventLoop } from "../scheduling/events.ts";

/** A loop that closes what is open when it closes itself. */
export interface ClosingLoop extends AbstractEventLoop {
  readonly _atClose: Set<() => void>;
}

/** One connection of a server's. */
export interface Client {
  close(): void;
  abort(): void;
}

/** The connections of a server, which waits for them and can close them. */
export interface Clients {
  _attach(client: Client): void;
  _detach(client: Client): void;
}

/** Has a socket end with its loop and with the clients of its server; returns what lets it go. */
export function holdSocket(loop: ClosingLoop, socket: Socket, server: Clients | null): () => void {
  const end = () => {
    socket.destroy();
  };
  const client = { close: end, abort: end };
  loop._atClose.add(end);
  server?._attach(client);
  return () => {
    loop._atClose.delete(end);
    server?._detach(client);
  };
}
