/**
 * Calls the methods of a protocol as callbacks of the loop: one after the other, in the order of the events, with the
 * context variables of who made it. What one throws goes to the loop's exception handler, and the next one is called.
 */
import { AsyncResource } from "node:async_hooks";
import { inspect } from "node:util";
import { got, RuntimeError } from "../errors/errors.ts";
import { copyContext } from "../scheduling/context.ts";
import { type AbstractEventLoop, runningLoop } from "../scheduling/events.ts";
import { type Callback, Handle } from "../scheduling/handle.ts";
import { Future } from "../task/future.ts";

export class ProtocolCalls {
  readonly #loop: AbstractEventLoop;
  readonly #context = copyContext();
  readonly #resource = new AsyncResource("Protocol");

  constructor(loop: AbstractEventLoop) {
    this.#loop = loop;
  }

  /** Has the loop call a function after all that is ready. */
  soon(callback: () => unknown): void {
    this.#resource.runInAsyncScope(schedule, undefined, this.#loop, callback, this.#context);
  }
}

/** Waits until what is ready has run: the protocol has been told that the connection is made. */
export async function afterWhatIsReady(loop: AbstractEventLoop): Promise<void> {
  const turn = new Future<void>(loop);
  loop._push(new Handle(loop, () => turn.done() || turn.setResult(), []));
  await turn;
}

/** The same for a transport that is closed when the wait is cancelled, as nobody has it then. */
export async function untilMade(loop: AbstractEventLoop, transport: { close(): void }): Promise<void> {
  try {
    await afterWhatIsReady(loop);
  } catch (error) {
    transport.close();
    throw error;
  }
}

/** Throws unless it is the loop that runs here. */
export function checkRuns(loop: AbstractEventLoop): void {
  if (runningLoop() !== loop)
    throw new RuntimeError(`Expected ${inspect(loop)} to run, but another loop of this thread does`);
}

/** Makes a protocol; throws unless the factory is one and gives one. */
export function makeProtocol<P extends object>(factory: () => P): P {
  checkProtocolFactory(factory);
  const protocol = factory();
  checkProtocol(protocol);
  return protocol;
}

/** Throws unless it can make protocols. */
export function checkProtocolFactory(factory: unknown): void {
  if (typeof factory !== "function")
    throw new TypeError(
      `Expected \`protocolFactory\` to be a function that makes a protocol, got ${got(factory)}`,
    );
}

/** Throws unless it can be a protocol; by default it is what a factory made. */
export function checkProtocol(protocol: unknown, expected = "`protocolFactory` to return a protocol"): void {
  if (typeof protocol !== "object" || protocol === null)
    throw new TypeError(`Expected ${expected}, got ${got(protocol)}`);
}

function schedule(
  loop: AbstractEventLoop,
  callback: Callback,
  context: ReturnType<typeof copyContext>,
): void {
  loop._push(new Handle(loop, callback, [], context));
}
