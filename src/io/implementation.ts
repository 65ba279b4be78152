/**
 * What the loop's methods of connections and processes call. It comes with the functions that give programs a loop
 * (`loops`): a thread whose code imports none of them is the sooner there without it, and a bundle the smaller.
 */
import { RuntimeError } from "../errors/errors.ts";
import type { connect, connectAccepted } from "./connections.ts";
import type { connectPipe } from "./connectpipe.ts";
import type { openDatagramEndpoint } from "./datagramendpoint.ts";
import type { openSubprocess } from "./opensubprocess.ts";
import type { checkSource, ReadPipeTransport } from "./pipes.ts";
import type { checkPath, serveProtocols } from "./protocolserver.ts";
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

/** Loops can be had in other ways too: of a task, a runner, the class itself. Bundlers cannot see that. */
function refuse(): never {
  throw new RuntimeError(
    "This bundle was made without the loop's connections and processes, as nothing in it imports what gives a loop: " +
      'take the loop from getRunningLoop, getEventLoop or newEventLoop of "threadloop"',
  );
}

export const network: Implementation = Object.create(/* @__PURE__ */ new Proxy({}, { get: refuse }));
