/** Gives the loop's methods of connections and processes what they call. */
import { connect, connectAccepted } from "./connections.ts";
import { connectPipe } from "./connectpipe.ts";
import { openDatagramEndpoint } from "./datagramendpoint.ts";
import { type Implementation, network } from "./implementation.ts";
import { openSubprocess } from "./opensubprocess.ts";
import { checkSource, ReadPipeTransport } from "./pipes.ts";
import { checkPath, serveProtocols } from "./protocolserver.ts";
import { sendfile } from "./sendfile.ts";
import { startTls } from "./starttls.ts";
import { checkTarget, WritePipeTransport } from "./writepipe.ts";

const implementation: Implementation = {
  checkPath,
  checkSource,
  checkTarget,
  connect,
  connectAccepted,
  connectPipe,
  openDatagramEndpoint,
  openSubprocess,
  ReadPipeTransport,
  sendfile,
  serveProtocols,
  startTls,
  WritePipeTransport,
};
Object.assign(network, implementation);
