// These are the statements about handles, timeouts and the declared objects that are over at once (LANGUAGE.md §5,
// second table).
import { Barrier, Condition, ContextVar, Event, Handle, Lock, Queue, Semaphore, Timeout } from "threadloop";
import type { ObjectArguments } from "../scenario.ts";
import type { Statements } from "../stage.ts";
import { Counter, thing } from "../things.ts";

export const OBJECT_STATEMENTS: Statements<ObjectArguments> = {
  log: () => null,

  call_soon({ run, callback }, name, body) {
    run.things.set(name, run.loop.callSoon(callback(name, body)));
  },
  call_later({ run, callback }, name, delay, body) {
    run.things.set(name, run.loop.callLater(delay, callback(name, body)));
  },
  cancel_handle: ({ run }, name) =>
    run.things.has(name) ? thing(run.things, name, Handle).cancel() : "absent",

  reschedule({ run }, name, delay) {
    if (!run.things.has(name)) return "absent";
    thing(run.things, name, Timeout).reschedule(delay === null ? null : run.loop.time() + delay);
    return null;
  },
  expired: ({ run }, name) => (run.things.has(name) ? thing(run.things, name, Timeout).expired() : "absent"),

  release: ({ run }, name) => thing(run.things, name, Lock, Condition, Semaphore).release(),
  locked: ({ run }, name) => thing(run.things, name, Lock, Condition, Semaphore).locked(),

  set: ({ run }, name) => thing(run.things, name, Event).set(),
  clear: ({ run }, name) => thing(run.things, name, Event).clear(),
  is_set: ({ run }, name) => thing(run.things, name, Event).isSet(),

  notify: ({ run }, name, count) => thing(run.things, name, Condition).notify(count),
  notify_all: ({ run }, name) => thing(run.things, name, Condition).notifyAll(),

  add({ run }, name, amount) {
    const counter = thing(run.things, name, Counter);
    counter.value += amount;
    return counter.value;
  },

  barrier_info({ run }, name) {
    const { parties, nWaiting, broken } = thing(run.things, name, Barrier);
    return [parties, nWaiting, broken];
  },

  put_nowait: ({ run }, name, item) => thing(run.things, name, Queue).putNowait(item),
  get_nowait: ({ run }, name) => thing(run.things, name, Queue).getNowait(),
  task_done: ({ run }, name) => thing(run.things, name, Queue).taskDone(),
  qsize: ({ run }, name) => thing(run.things, name, Queue).qsize(),
  shutdown: ({ run }, name, immediate) => thing(run.things, name, Queue).shutdown(immediate),

  context_set({ run }, name, value) {
    thing(run.things, name, ContextVar).set(value);
  },
  context_get: ({ run }, name) => thing(run.things, name, ContextVar).get(),
};
