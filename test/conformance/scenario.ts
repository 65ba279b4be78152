// This is a scenario and its trace, as LANGUAGE.md defines them. Statements come from a file, so their arguments are
// typed here, by statement, and trusted: `StatementArguments` is the language's table of statements.

export type Value = null | boolean | number | string | readonly Value[];

/** `[time, actor, verb, subject, result]` */
export type TraceEvent = readonly [time: number, actor: string, verb: string, subject: Value, result: Value];

export type Statement = readonly [op: string, ...args: unknown[]];
export type Body = readonly Statement[];

export interface Scenario {
  readonly format?: string;
  readonly name?: string;
  readonly features?: readonly string[];
  readonly eager?: boolean;
  readonly objects?: Readonly<Record<string, ObjectSpec>>;
  readonly tasks: Readonly<Record<string, Body>>;
}

export interface Case {
  readonly scenario: Scenario;
  readonly trace: readonly TraceEvent[];
}

export type ObjectSpec =
  | { readonly kind: "lock" | "event" | "future" | "counter" | "contextvar" }
  | { readonly kind: "condition"; readonly lock?: string }
  | { readonly kind: "semaphore" | "bounded_semaphore"; readonly value: number }
  | { readonly kind: "barrier"; readonly parties: number }
  | { readonly kind: "queue" | "lifo_queue" | "priority_queue"; readonly maxsize: number };

export interface Handler {
  readonly catch: "Cancelled" | "Error" | "Any";
  readonly do?: Body;
  readonly then?: string;
  readonly finally?: Body;
}

export type ReturnWhen = "FIRST_COMPLETED" | "FIRST_EXCEPTION" | "ALL_COMPLETED";
type Delay = number | null;

/** §4: statements that hold statements. */
export interface BlockArguments {
  try: [body: Body, handler: Handler];
  repeat: [times: number, body: Body];
  with: [name: string, body: Body];
  timeout: [name: string, delay: Delay, body: Body];
  group: [name: string, body: Body];
  wait_for: [delay: Delay, body: Body];
  as_completed: [names: string[], delay: Delay];
}

/** §5, first table: statements that wait. */
export interface WaitingArguments {
  sleep: [delay: number];
  await: [future: string];
  shield: [future: string];
  wait_for_it: [future: string, delay: Delay];
  gather: [names: string[], returnExceptions: boolean];
  wait: [names: string[], when: ReturnWhen, delay: Delay];
  acquire: [lock: string];
  wait_event: [event: string];
  wait_condition: [condition: string];
  wait_condition_for: [condition: string, counter: string, value: number];
  barrier_wait: [barrier: string];
  barrier_reset: [barrier: string];
  barrier_abort: [barrier: string];
  put: [queue: string, item: number];
  get: [queue: string];
  join: [queue: string];
}

/** §5, second table, as far as tasks and futures are concerned. */
export interface TaskArguments {
  spawn: [task: string];
  spawn_eager: [task: string];
  spawn_in: [task: string, group: string];
  group_cancel: [group: string];
  cancel: [future: string, message?: string];
  uncancel: [task: string];
  cancelling: [task: string];
  state: [future: string];
  all_tasks: [];
  on_done: [future: string, label: string];
  off_done: [future: string, label: string];
  gather_as: [name: string, names: string[], returnExceptions: boolean];
  shield_as: [name: string, future: string];
  set_result: [future: string, value: Value];
  set_exception: [future: string, label: string];
}

/** §5, second table: handles, timeouts and the declared objects. */
export interface ObjectArguments {
  log: [label: Value];
  call_soon: [name: string, body: Body];
  call_later: [name: string, delay: number, body: Body];
  cancel_handle: [name: string];
  reschedule: [timeout: string, delay: Delay];
  expired: [timeout: string];
  release: [lock: string];
  locked: [lock: string];
  set: [event: string];
  clear: [event: string];
  is_set: [event: string];
  notify: [condition: string, count: number];
  notify_all: [condition: string];
  add: [counter: string, amount: number];
  barrier_info: [barrier: string];
  put_nowait: [queue: string, item: number];
  get_nowait: [queue: string];
  task_done: [queue: string];
  qsize: [queue: string];
  shutdown: [queue: string, immediate: boolean];
  context_set: [variable: string, value: Value];
  context_get: [variable: string];
}
