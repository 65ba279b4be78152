/**
 * This says how the methods of a protocol are called: as callbacks of the loop, one after the other, in the order of
 * the events, and with the context variables of who made it. What one throws goes to the loop's exception handler,
 * and the next is called.
 */
import { AsyncResource } from "node:async_hooks";
import { inspect } from "node:util";
import { got, RuntimeError } from "../errors/errors.ts";
import { copyContext } from "../scheduling/context.ts";
import { type AbstractEventLoop, runningLoop } from "../scheduling/events.ts";
import { type Callback, Handle } from "../scheduling/handle.ts";
import { Future } from "../task/future.ts";

/** Has a method of a protocol called. */
export type Tell = (callback: () => unknown) => void;

/** Has the loop call them, after all that is ready: those of the protocols of programs. */
export function tellByLoop(loop: AbstractEventLoop): Tell {
  const context = copyContext();
  const resource = new AsyncResource("Protocol");
  return (callback) => resource.runInAsyncScope(schedule, undefined, loop, callback, context);
}

/**
 * Calls them at once. The streams' own protocols can be told so, as they run none of the program's code and never wait:
 * they settle futures, and whoever waits for these goes on in the loop. It saves a turn of the loop for each piece.
 */
export const tellAtOnce: Tell = (callback) => {
  callback();
};

/** Returns what calls a function with the context variables and in the async context of here. */
export function boundHere(): (fn: () => unknown) => void {
  const context = copyContext();
  const resource = new AsyncResource("Protocol");
  return (fn) => resource.runInAsyncScope(() => context.run(fn));
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
