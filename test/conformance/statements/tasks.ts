// These are the statements about tasks and futures that are over at once (LANGUAGE.md §5, second table).
import { Future, gather, shield, Task, TaskGroup } from "threadloop";
import { AttributeError, Boom, encodeState } from "../encode.ts";
import type { TaskArguments } from "../scenario.ts";
import type { Stage, Statements } from "../stage.ts";
import { thing } from "../things.ts";

export const TASK_STATEMENTS: Statements<TaskArguments> = {
  spawn: (stage, name) => spawn(stage, name, stage.run.scenario.eager === true),
  spawn_eager: (stage, name) => spawn(stage, name, true),
  spawn_in: spawnIn,
  group_cancel({ run }, name) {
    return run.things.has(name) ? thing(run.things, name, TaskGroup).cancel() : "absent";
  },
  cancel: ({ run }, name, message) => run.future(name)?.cancel(message) ?? "absent",
  uncancel: ({ run }, name) => asTask(run.future(name))?.uncancel() ?? "absent",
  cancelling: ({ run }, name) => asTask(run.future(name))?.cancelling() ?? "absent",
  state({ run }, name) {
    const future = run.future(name);
    return future === null ? "absent" : encodeState(future);
  },
  all_tasks: ({ run }) => run.unfinishedNames(),
  on_done: onDone,
  off_done({ run }, name, label) {
    const callback = run.doneCallbacks.get(callbackKey(name, label));
    return (callback && run.future(name)?.removeDoneCallback(callback)) ?? "absent";
  },
  gather_as({ run }, name, names, returnExceptions) {
    run.things.set(name, gather(run.futures(names), { returnExceptions }));
  },
  shield_as({ run }, name, inner) {
    const future = run.future(inner);
    if (future === null) return "absent";
    run.things.set(name, shield(future));
    return null;
  },
  set_result: ({ run }, name, value) => thing(run.things, name, Future).setResult(value),
  set_exception: ({ run }, name, label) => thing(run.things, name, Future).setException(new Boom(label)),
};

function asTask(future: Future | null): Task | null {
  if (future === null || future instanceof Task) return future;
  throw new AttributeError("the future is not a task");
}

// An eager task has a first step that JavaScript cannot run inside the call: `started` is when it is over, and
// only then the creation has returned.
function spawn({ run, coroutine }: Stage, name: string, eagerStart: boolean): unknown {
  if (run.tasks.has(name)) return "skip";
  const task = run.loop.createTask(coroutine(name), { name, eagerStart });
  if (eagerStart) return task.started.then(() => void run.tasks.set(name, task));
  run.tasks.set(name, task);
  return null;
}

function spawnIn({ run, coroutine }: Stage, name: string, groupName: string): unknown {
  if (run.tasks.has(name)) return "skip";
  if (!run.things.has(groupName)) return "absent";
  const group = thing(run.things, groupName, TaskGroup);
  if (run.scenario.eager)
    return group.start(coroutine(name), { name }).then(({ task }) => void run.tasks.set(name, task));
  run.tasks.set(name, group.createTask(coroutine(name), { name }));
  return null;
}

function onDone({ run }: Stage, name: string, label: string): unknown {
  const future = run.future(name);
  if (future === null) return "absent";
  const callback = (done: Future) => run.emit("loop", "done_callback", label, encodeState(done));
  run.doneCallbacks.set(callbackKey(name, label), callback);
  future.addDoneCallback(callback);
  return null;
}

const callbackKey = (name: string, label: string) => JSON.stringify([name, label]);
