// These are the plain statements that wait (LANGUAGE.md §5, first table). What a statement returns is its result, once
// awaited.
import {
  Barrier,
  Condition,
  Event,
  type Future,
  gather,
  Lock,
  Queue,
  Semaphore,
  shield,
  sleep,
  wait,
  waitFor,
} from "threadloop";
import type { ReturnWhen, WaitingArguments } from "../scenario.ts";
import type { Stage, Statements } from "../stage.ts";
import { Counter, thing } from "../things.ts";

export const WAITING: Statements<WaitingArguments> = {
  sleep: (_, delay) => sleep(delay),
  await: ({ run }, name) => run.future(name) ?? "absent",
  shield: ({ run }, name) => ifPresent(run.future(name), (future) => shield(future)),
  wait_for_it: ({ run }, name, delay) => ifPresent(run.future(name), (future) => waitFor(future, delay)),
  gather: ({ run }, names, returnExceptions) => gather(run.futures(names), { returnExceptions }),
  wait: waitNamed,
  async acquire({ run }, name) {
    const lock = thing(run.things, name, Lock, Condition, Semaphore);
    return (await lock.acquire()) === lock; // Python's True; ours is the lock itself, for `using`
  },
  wait_event: ({ run }, name) => thing(run.things, name, Event).wait(),
  wait_condition: ({ run }, name) => thing(run.things, name, Condition).wait(),
  wait_condition_for({ run }, name, counter, value) {
    const counted = thing(run.things, counter, Counter);
    return thing(run.things, name, Condition).waitFor(() => counted.value >= value);
  },
  barrier_wait: ({ run }, name) => thing(run.things, name, Barrier).wait(),
  barrier_reset: ({ run }, name) => thing(run.things, name, Barrier).reset(),
  barrier_abort: ({ run }, name) => thing(run.things, name, Barrier).abort(),
  put: ({ run }, name, item) => thing(run.things, name, Queue).put(item),
  get: ({ run }, name) => thing(run.things, name, Queue).get(),
  join: ({ run }, name) => thing(run.things, name, Queue).join(),
};

function ifPresent<R>(future: Future | null, fn: (future: Future) => R): R | "absent" {
  return future === null ? "absent" : fn(future);
}

async function waitNamed(
  { run }: Stage,
  names: string[],
  returnWhen: ReturnWhen,
  timeout: number | null,
): Promise<unknown> {
  const listed = run.distinct(names);
  if (listed.size === 0) return "absent";
  const { done, pending } = await wait([...listed.keys()], { timeout, returnWhen });
  return [done, pending].map((futures) =>
    [...listed].filter(([future]) => futures.has(future)).map(([, name]) => name),
  );
}
