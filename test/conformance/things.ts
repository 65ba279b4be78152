// These are the declared objects of a scenario, and a look-up of named things by their class.
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  ContextVar,
  Event,
  type EventLoop,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  Semaphore,
} from "threadloop";
import { AttributeError } from "./encode.ts";
import type { ObjectSpec, Value } from "./scenario.ts";

export class Counter {
  value = 0;
}

/** Everything a scenario has a name for, but its tasks. */
export type Things = Map<string, object>;

export function makeThing(loop: EventLoop, spec: ObjectSpec, things: Things): object {
  switch (spec.kind) {
    case "lock":
      return new Lock();
    case "event":
      return new Event();
    case "condition":
      return new Condition(spec.lock === undefined ? undefined : thing(things, spec.lock, Lock));
    case "semaphore":
      return new Semaphore(spec.value);
    case "bounded_semaphore":
      return new BoundedSemaphore(spec.value);
    case "barrier":
      return new Barrier(spec.parties);
    case "future":
      return loop.createFuture();
    case "counter":
      return new Counter();
    case "contextvar":
      return new ContextVar<Value>("contextvar", { default: null });
    default:
      return makeQueue(spec.kind, spec.maxsize);
  }
}

function makeQueue(kind: "queue" | "lifo_queue" | "priority_queue", maxsize: number): Queue<number> {
  if (kind === "lifo_queue") return new LifoQueue(maxsize);
  return kind === "priority_queue" ? new PriorityQueue(maxsize) : new Queue(maxsize);
}

type Kind = abstract new (...args: never[]) => object;

/** The thing of that name; one of another class lacks the method asked for, as Python would say. */
export function thing<Kinds extends readonly Kind[]>(
  things: Things,
  name: string,
  ...kinds: Kinds
): InstanceType<Kinds[number]> {
  const found = things.get(name);
  if (kinds.some((kind) => found instanceof kind)) return found as InstanceType<Kinds[number]>;
  throw new AttributeError(`${name} is not a ${kinds.map((kind) => kind.name).join(" or ")}`);
}
