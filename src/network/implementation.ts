/**
 * What the loop's methods of connections and processes call. It comes with the package's interface (`install`): a thread
 * whose code does not import that has no way to call them, and is the sooner there without them.
 */
import type { connect, connectAccepted } from "./connect.ts";
import type { connectPipe } from "./connectpipe.ts";
import type { openDatagramEndpoint } from "./datagramendpoint.ts";
import type { openSubprocess } from "./opensubprocess.ts";
import type { checkPath, serveProtocols } from "./protocolserver.ts";
import type { checkSource, ReadPipeTransport } from "./readpipe.ts";
import type { sendfile } from "./sendfile.ts";
import type { startTls } from "./starttls.ts";
import type { checkTarget, WritePipeTransport } from "./writepipe.ts";

export interface Implementation {
  readonly checkPath: typeof checkPath;
  readonly checkSource: typeof checkSource;
  readonly checkTarget: typeof checkTarget;
  readonly connect: typeof connect;
  readonly connectAccepted: typeof connectAccepted;
  readonly connectPipe: typeof connectPipe;
  readonly openDatagramEndpoint: typeof openDatagramEndpoint;
  readonly openSubprocess: typeof openSubprocess;
  readonly ReadPipeTransport: typeof ReadPipeTransport;
  readonly sendfile: typeof sendfile;
  readonly serveProtocols: typeof serveProtocols;
  readonly startTls: typeof startTls;
  readonly WritePipeTransport: typeof WritePipeTransport;
}

export const network = {} as Implementation;
