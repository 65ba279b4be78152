// This is what must infer. Nothing here runs: `npm run typecheck` is the test.
import { EventEmitter } from "node:events";
import { createServer, type Socket } from "node:net";
import {
  any,
  asCompleted,
  asTask,
  ContextVar,
  type Coroutine,
  coroutine,
  createTask,
  currentTask,
  type EventLoop,
  type ExceptionGroup,
  ensureFuture,
  Future,
  gather,
  LifoQueue,
  Lock,
  moveOnAfter,
  PriorityQueue,
  Queue,
  Runner,
  race,
  run,
  runInExecutor,
  Semaphore,
  type Startable,
  shield,
  sleep,
  type Task,
  TaskGroup,
  Timeout,
  taskGroup,
  timeout,
  wait,
  waitFor,
  wrapPromise,
} from "threadloop";
import { WorkerPool } from "threadloop/workers";
import { expectTypeOf } from "vitest";

declare const loop: EventLoop;
const number = async () => 1;
const text = async () => "text";
const plain = () => true;
const pair = coroutine(async (a: number, b: string): Promise<[number, string]> => [a, b]);

// A task gives what its coroutine gives.
expectTypeOf(createTask(number)).toEqualTypeOf<Task<number>>();
expectTypeOf(createTask(plain)).toEqualTypeOf<Task<boolean>>();
expectTypeOf(createTask(() => sleep(1, "result"))).toEqualTypeOf<Task<string>>();
expectTypeOf(createTask(pair(1, "a"))).toEqualTypeOf<Task<[number, string]>>();
expectTypeOf(createTask(async () => {})).toEqualTypeOf<Task<void>>();
expectTypeOf(loop.createTask(number, { name: "named" })).toEqualTypeOf<Task<number>>();
expectTypeOf(await createTask(number)).toEqualTypeOf<number>();
expectTypeOf(createTask(number).result()).toEqualTypeOf<number>();
expectTypeOf(currentTask()).toEqualTypeOf<Task | null>();

// Generics go through it.
const later = <T>(value: T) => createTask(async () => value);
expectTypeOf(later("text")).toEqualTypeOf<Task<string>>();
const started = <T>(startable: Startable<T>) => createTask(startable);
expectTypeOf(started(number)).toEqualTypeOf<Task<number>>();
expectTypeOf(started(pair(1, "a"))).toEqualTypeOf<Task<[number, string]>>();

// coroutine(fn) keeps the parameters.
expectTypeOf(pair).toEqualTypeOf<(a: number, b: string) => Coroutine<[number, string]>>();
expectTypeOf(await pair(1, "a")).toEqualTypeOf<[number, string]>();

// run and Runner give what main gives.
expectTypeOf(run(number)).toEqualTypeOf<Promise<number>>();
expectTypeOf(run(pair(1, "a"))).toEqualTypeOf<Promise<[number, string]>>();
expectTypeOf(new Runner().run(text)).toEqualTypeOf<Promise<string>>();
expectTypeOf(loop.runUntilComplete(number)).toEqualTypeOf<Promise<number>>();

// A tuple goes through gather, whatever its members are.
expectTypeOf(await gather(number, text)).toEqualTypeOf<[number, string]>();
expectTypeOf(await gather([number, text])).toEqualTypeOf<[number, string]>();
expectTypeOf(await gather(createTask(number), Promise.resolve("a"), pair(1, "a"), plain)).toEqualTypeOf<
  [number, string, [number, string], boolean]
>();
expectTypeOf(await gather([number, text], { returnExceptions: true })).toEqualTypeOf<
  [number | Error, string | Error]
>();
const many: (() => Promise<number>)[] = [];
expectTypeOf(await gather(many)).toEqualTypeOf<number[]>();
expectTypeOf(await gather(...many)).toEqualTypeOf<number[]>();
expectTypeOf(gather(number)).toEqualTypeOf<Future<[number]>>();

// What waits for one thing gives that.
expectTypeOf(await waitFor(number, 5)).toEqualTypeOf<number>();
expectTypeOf(await waitFor(createTask(text), null)).toEqualTypeOf<string>();
expectTypeOf(await waitFor(Promise.resolve(true), 5)).toEqualTypeOf<boolean>();
expectTypeOf(shield(number)).toEqualTypeOf<Future<number>>();
expectTypeOf(ensureFuture(text)).toEqualTypeOf<Future<string>>();
expectTypeOf(wrapPromise(Promise.resolve(1))).toEqualTypeOf<Future<number>>();
expectTypeOf(await timeout(5, number)).toEqualTypeOf<number>();
expectTypeOf(await timeout(5, (scope) => scope.when())).toEqualTypeOf<number | null>();
expectTypeOf(await new Timeout(null).run(text)).toEqualTypeOf<string>();
expectTypeOf(await moveOnAfter(5, number)).toEqualTypeOf<number | undefined>();
expectTypeOf(await sleep(1)).toEqualTypeOf<void>();
expectTypeOf(await race([number, text])).toEqualTypeOf<number | string>();
expectTypeOf(await any([number, createTask(text)])).toEqualTypeOf<number | string>();

// wait and asCompleted give back the very futures.
expectTypeOf(await wait([createTask(number)])).toEqualTypeOf<{
  done: Set<Task<number>>;
  pending: Set<Task<number>>;
}>();
for await (const { future } of asCompleted([createTask(number), createTask(number)])) {
  expectTypeOf(future).toEqualTypeOf<Task<number>>();
}
for await (const { future } of asCompleted([number, text])) {
  expectTypeOf(future.result()).toEqualTypeOf<number | string>();
}

// Groups.
expectTypeOf(await taskGroup(async (group) => group.createTask(number).name)).toEqualTypeOf<string>();
expectTypeOf(new TaskGroup().createTask(pair(1, "a"))).toEqualTypeOf<Task<[number, string]>>();
expectTypeOf(await new TaskGroup().start(text)).toEqualTypeOf<{ task: Task<string> }>();
declare const exceptions: ExceptionGroup;
expectTypeOf(exceptions).toExtend<AggregateError>();

// asTask takes the types of what takes it, and gives on this, the arguments and the result.
createServer(
  asTask(async (socket) => {
    expectTypeOf(socket).toEqualTypeOf<Socket>();
  }),
);
new EventEmitter().on(
  "job",
  asTask(async (name: string) => name),
);
expectTypeOf(asTask(pairOf)).toEqualTypeOf<(this: Date, a: number, b: string) => Task<[number, string]>>();
async function pairOf(this: Date, a: number, b: string): Promise<[number, string]> {
  return [a, b];
}

// Locks and queues.
const lock = new Lock();
expectTypeOf(await lock.acquire()).toEqualTypeOf<Lock>();
expectTypeOf(await lock.with(number)).toEqualTypeOf<number>();
expectTypeOf(await new Semaphore(2).with(() => "text")).toEqualTypeOf<string>();
const queue = new Queue<{ id: number }>();
expectTypeOf(await queue.get()).toEqualTypeOf<{ id: number }>();
for await (const item of queue) expectTypeOf(item).toEqualTypeOf<{ id: number }>();
expectTypeOf(new LifoQueue<string>().getNowait()).toEqualTypeOf<string>();
expectTypeOf(
  new PriorityQueue(0, (a: string, b: string) => a.length - b.length).getNowait(),
).toEqualTypeOf<string>();

// Callbacks.
expectTypeOf(loop.callSoon((a: number, b: string) => [a, b], 1, "a").cancelled()).toEqualTypeOf<boolean>();
new Future<number>().addDoneCallback((future) => expectTypeOf(future.result()).toEqualTypeOf<number>());
createTask(text).addDoneCallback((task) => expectTypeOf(task).toExtend<Future<string>>());
expectTypeOf(new Future<number>().then(String)).toExtend<PromiseLike<string>>();
expectTypeOf(new Future<number>().toPromise()).toEqualTypeOf<Promise<number>>();
expectTypeOf(new ContextVar("variable", { default: 1 }).get()).toEqualTypeOf<number>();

// A call in another thread gives what the function gives, awaited, and takes its arguments.
const fib = (n: number) => n;
const render = async (page: string, scale: number) => page.repeat(scale);
expectTypeOf(runInExecutor(fib, 40)).toEqualTypeOf<Future<number>>();
expectTypeOf(await runInExecutor(render, "page", 2)).toEqualTypeOf<string>();
expectTypeOf(await loop.runInExecutor(null, render, "page", 2)).toEqualTypeOf<string>();
// A wrapper of one's own, generic in what the function returns. (A check of the result's type would refuse these.)
const offload = <T>(fn: () => T): Future<Awaited<T>> => runInExecutor(fn);
expectTypeOf(offload(() => fib(1))).toEqualTypeOf<Future<number>>();
const offloadWith = <A extends unknown[], T>(fn: (...args: A) => Promise<T>, ...args: A) =>
  new WorkerPool().submit(fn, ...args);
expectTypeOf(await offloadWith(async (n: number) => `${n}`, 1)).toEqualTypeOf<string>();
expectTypeOf(await loop.runInExecutor(new WorkerPool(), fib, 40)).toEqualTypeOf<number>();
expectTypeOf(await new WorkerPool().submit(render, "page", 2)).toEqualTypeOf<string>();
// A callback returns a promise there, or nothing; here it may return at once.
const asking = async (ask: (n: number) => number | Promise<number>, tell: (n: number) => void) => {
  tell(await ask(1));
  return 1;
};
expectTypeOf(
  await runInExecutor(
    asking,
    (n) => n + 1,
    (n) => [n].push(n),
  ),
).toEqualTypeOf<number>();
expectTypeOf(await new WorkerPool().submit((n) => n * 2, 21)).toEqualTypeOf<number>();
