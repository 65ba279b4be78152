/**
 * These are async generators that a loop closes at its end. JavaScript tells nobody when a generator is made, so the
 * loop knows only those that were given to it.
 */
import { type AbstractEventLoop, type ExceptionContext, runningLoop } from "../scheduling/events.ts";

/** What closing needs of a loop. */
interface ShutdownLoop extends AbstractEventLoop {
  _closeGenerators: (() => Promise<void>) | null;
  createTask(fn: () => Promise<void>): PromiseLike<void>;
  callExceptionHandler(context: ExceptionContext): void;
}

/**
 * Has the running loop close an async generator at its end, if it is still open then: its `finally` blocks run.
 * Returns the generator.
 *
 * @example
 * ```ts
 * import { run, trackAsyncGenerator } from "threadloop";
 *
 * async function* numbers() {
 *   try {
 *     for (let i = 0; ; i++) yield i;
 *   } finally {
 *     console.log("closed");
 *   }
 * }
 *
 * await run(async () => {
 *   const source = trackAsyncGenerator(numbers());
 *   console.log((await source.next()).value); // 0, closed
 * });
 * ```
 */
export function trackAsyncGenerator<G extends AsyncGenerator>(generator: G): G {
  const loop = runningLoop() as ShutdownLoop;
  const known = generatorsOf(loop).add(generator);
  for (const method of ["next", "return", "throw"] as const) forgetAtEnd(generator, method, known);
  return generator;
}

/**
 * The open generators of each loop. They are held: CPython's are not, but one that is collected there is closed, while
 * here its cleanup would be lost.
 */
const generators = new WeakMap<object, Set<AsyncGenerator>>();

function generatorsOf(loop: ShutdownLoop): Set<AsyncGenerator> {
  const known = generators.get(loop) ?? new Set();
  generators.set(loop, known);
  loop._closeGenerators ??= () => closeAsyncGenerators(loop);
  return known;
}

/** Has a method of the generator take it out of the known ones when it ends by it. */
function forgetAtEnd(
  generator: AsyncGenerator,
  method: "next" | "return" | "throw",
  known: Set<AsyncGenerator>,
): void {
  const original = generator[method] as (...args: unknown[]) => Promise<IteratorResult<unknown>>;
  const forget = () => void known.delete(generator);
  const watched = (...args: unknown[]) => {
    const result = original.apply(generator, args);
    result.then(({ done }) => done && forget(), forget);
    return result;
  };
  Object.defineProperty(generator, method, { value: watched, configurable: true, writable: true });
}

/** Closes the generators of a loop at the same time; their errors go to its exception handler. */
async function closeAsyncGenerators(loop: ShutdownLoop): Promise<void> {
  const known = generators.get(loop);
  if (known === undefined) return;
  generators.delete(loop);
  const open = [...known];
  const tasks = open.map((generator) =>
    loop.createTask(async () => void (await generator.return(undefined))),
  );
  for (const [i, task] of tasks.entries()) {
    try {
      await task;
    } catch (exception) {
      const message = "an error occurred during closing of an asynchronous generator";
      loop.callExceptionHandler({ message, exception, asyncgen: open[i] });
    }
  }
}
