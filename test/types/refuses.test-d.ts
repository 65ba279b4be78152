// This is what must not compile. Nothing here runs: `npm run typecheck` is the test, in which an error that does not
// come is one.
import {
  asCompleted,
  asTask,
  ContextVar,
  type Coroutine,
  coroutine,
  createTask,
  currentTask,
  Future,
  gather,
  getRunningLoop,
  LifoQueue,
  Lock,
  Queue,
  run,
  runInExecutor,
  sleep,
  type Task,
  TaskGroup,
  taskGroup,
  timeout,
  wait,
} from "threadloop";
import { WorkerPool } from "threadloop/workers";

const work = async (n: number) => n;
const lazy = coroutine(work);
const promise = work(1);
const loop = getRunningLoop();

// A promise has started already: it cannot be made a task.
// @ts-expect-error
createTask(promise);
// @ts-expect-error
createTask(work(1));
// @ts-expect-error a future has, too
createTask(sleep(1));
// @ts-expect-error
createTask(createTask(() => work(1)));
// @ts-expect-error
new TaskGroup().createTask(promise);
// @ts-expect-error
new TaskGroup().start(promise);
// @ts-expect-error
run(promise);
// @ts-expect-error
run(work(1));
// @ts-expect-error nor is a promise a coroutine, though it has all that is public of one
const notLazy: Coroutine<number> = promise;

// The function itself, when it needs arguments.
// @ts-expect-error
createTask(work);
// @ts-expect-error
createTask(lazy);
// @ts-expect-error
lazy("1");

// Results keep their types.
// @ts-expect-error
const wrong: Task<string> = createTask(() => work(1));
// @ts-expect-error
const swapped: [string, number] = await gather(
  async () => 1,
  async () => "text",
);
// @ts-expect-error
new Future<number>().setResult("text");
// @ts-expect-error there may be none
currentTask().name;

// What cannot be awaited.
// @ts-expect-error
gather(1, 2);
// @ts-expect-error
gather(work);
// @ts-expect-error
timeout(5, promise);
// @ts-expect-error
timeout("5", () => promise);
// @ts-expect-error
taskGroup(promise);
// @ts-expect-error wait takes futures, which somebody owns
wait([() => work(1)]);
// @ts-expect-error
wait([createTask(() => work(1))], { returnWhen: "SOMETIME" });
// @ts-expect-error
asCompleted(createTask(() => work(1)));
// @ts-expect-error
sleep("1");

// Options are spelled right.
// @ts-expect-error
createTask(() => work(1), { nam: "typo" });
// @ts-expect-error
run(() => work(1), { clok: null });

// Callbacks get the arguments that they take.
// @ts-expect-error
loop.callSoon((n: number) => n, "1");
// @ts-expect-error
loop.callLater("1", () => {});
// @ts-expect-error
new Future().addDoneCallback("callback");

// Locks, queues and variables.
// @ts-expect-error
new Lock().with(promise);
// @ts-expect-error
new Queue<number>().putNowait("text");
// @ts-expect-error
new Queue<number>("1");
// @ts-expect-error
new LifoQueue<number>().put("text");
// @ts-expect-error
new ContextVar("variable", { default: 1 }).set("text");

// @ts-expect-error a call is not a function
asTask(work(1));
// @ts-expect-error
asTask(work)("1");
// @ts-expect-error
asTask(work, { group: {} });

// A call in another thread.
// @ts-expect-error
runInExecutor(work, "1");
// @ts-expect-error
runInExecutor(work);
// @ts-expect-error a call is not a function
runInExecutor(work(1));
// @ts-expect-error
new WorkerPool().submit(work, 1, 2);
// @ts-expect-error
loop.runInExecutor({}, work, 1);
const asking = (ask: (n: number) => number) => ask(1) + 1;
const addOne = (n: number) => n + 1;
// @ts-expect-error a callback gives a promise there
new WorkerPool().submit(asking, addOne);
// @ts-expect-error
runInExecutor(asking, addOne);
// @ts-expect-error
new WorkerPool().enqueue(asking, addOne);

export { notLazy, swapped, wrong };
