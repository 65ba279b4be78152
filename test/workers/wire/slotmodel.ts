// This is a small model of two hosts and their threads that runs the real slot operations, and a search through every
// order in which its steps can happen. Between any two atomic operations of one side the other may take any number of
// steps.
import {
  cancelRequested,
  claim,
  FREE,
  isRunning,
  QUEUED,
  RUNNING,
  reclaim,
  requestCancel,
} from "../../../dist/workers/core.js";

const FIRST = 6;

/** What the model is let loose with. */
export interface Limits {
  readonly hosts: number;
  readonly jobs: number;
  readonly moves: number;
  readonly cancels: number;
  readonly deaths: number;
  /** So many of the jobs cannot be sent, which shows when the host flushes, a while after it has posted them. */
  readonly unsendable?: number;
  /** So many of the jobs have details beside their arguments, in their records. */
  readonly detailed?: number;
  /** The thread holds its replies back, and the host may fetch them. */
  readonly holds?: boolean;
  /** Each job gives an item before it ends, which is sent at once: it lies in the port when the host fetches the end. */
  readonly gives?: boolean;
  /** A seeded fault, of which the search must hear. */
  readonly fault?:
    | "a slot that was taken back is used again before the thread has skipped it"
    | "the thread claims without looking"
    | "a job is moved without looking"
    | "a session flushes after its end"
    | "the slot of a job that was taken back and cannot be sent is not freed"
    | "a reply is fetched without a look at its slot"
    | "a reply is fetched before what lies in the port is read"
    | "details go ahead of their record, and wait in the thread by slot";
}

interface Message {
  readonly slot: number;
  readonly job: number;
  readonly cancel: boolean;
  /** Whose details are in the record, -1 for none. */
  readonly details: number;
}

interface Reply {
  readonly slot: number;
  readonly kind: "done" | "cancelled" | "skipped" | "item";
  /** Of an item: whose it is. */
  readonly job?: number;
}

interface HostState {
  words: number[];
  /** The job of each slot, -1 for none. */
  table: number[];
  free: number[];
  /** Posted and not flushed. */
  unsent: Message[];
  down: Message[];
  up: Reply[];
  /** The thread: the jobs it runs, by slot, and whether it lives. */
  running: { slot: number; job: number }[];
  /** Replies that the thread holds where the host can fetch them; `posted` when they are on their way as well. */
  held: Reply[];
  posted: boolean;
  /** Slots whose reply was fetched, and has not come by message. */
  fetched: number[];
  /** Whose details the thread keeps for each slot: only with a fault does it keep any. */
  kept: number[];
  alive: boolean;
}

interface JobState {
  /** Queued at the pool, at a host, or settled. */
  at: "queue" | number | "settled";
  slot: number;
  settled: string[];
  starts: number;
  cancelAsked: boolean;
}

interface State {
  hosts: HostState[];
  jobs: JobState[];
  /** What sessions that have ended had not flushed. */
  stale: { readonly at: number; readonly message: Message }[];
  moves: number;
  cancels: number;
  deaths: number;
}

type Step = { readonly name: string; readonly apply: (state: State) => void };

/** Searches every interleaving; returns how many states there are, or throws with the steps to a wrong one. */
export function explore(limits: Limits): number {
  const first = JSON.stringify(initial(limits));
  const seen = new Set([first]);
  const open: { key: string; path: string[] }[] = [{ key: first, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { key, path } = next;
    const steps = stepsOf(JSON.parse(key), limits);
    if (steps.length === 0) checkEnd(JSON.parse(key), path);
    for (const { name, apply } of steps) {
      const after: State = JSON.parse(key);
      const steps = [...path, name];
      apply(after);
      check(after, steps);
      const reached = JSON.stringify(after);
      if (!seen.has(reached)) open.push({ key: reached, path: steps });
      seen.add(reached);
    }
  }
  return seen.size;
}

function initial({ hosts, jobs, moves, cancels, deaths }: Limits): State {
  return {
    hosts: Array.from({ length: hosts }, newHost),
    jobs: Array.from({ length: jobs }, () => ({
      at: "queue",
      slot: 0,
      settled: [],
      starts: 0,
      cancelAsked: false,
    })),
    stale: [],
    moves,
    cancels,
    deaths,
  };
}

function newHost(): HostState {
  return {
    words: new Array(FIRST + 2).fill(0),
    table: new Array(FIRST + 2).fill(-1),
    free: [FIRST, FIRST + 1],
    unsent: [],
    down: [],
    up: [],
    running: [],
    held: [],
    posted: false,
    fetched: [],
    kept: new Array(FIRST + 2).fill(-1),
    alive: true,
  };
}

function stepsOf(state: State, limits: Limits): Step[] {
  return [
    ...state.jobs.flatMap((_, id) => stepsWithJob(state, id, limits)),
    ...state.hosts.flatMap((_, at) => stepsAtHost(state, at, limits)),
    ...(state.stale.length > 0 ? [flushStale(limits)] : []),
  ];
}

function stepsWithJob({ hosts, jobs, moves, cancels }: State, id: number, limits: Limits): Step[] {
  const job = jobs[id] as JobState;
  const steps: Step[] = [];
  for (const [at, host] of hosts.entries())
    if (job.at === "queue" && host.free.length > 0) steps.push(post(id, at, limits));
  if (typeof job.at === "number" && moves > 0) steps.push(move(id, limits));
  if (job.at !== "settled" && cancels > 0 && !job.cancelAsked) steps.push(cancel(id));
  return steps;
}

function stepsAtHost(state: State, at: number, limits: Limits): Step[] {
  const host = state.hosts[at] as HostState;
  const steps: Step[] = [];
  if (host.up.length > 0) steps.push(read(at));
  if (host.held.length > 0) steps.push(fetch(at, limits));
  if (host.unsent.length > 0) steps.push(flush(at, limits));
  if (!host.alive) return host.up.length > 0 ? steps : [...steps, bury(at, limits)];
  if (host.posted) return [...steps, clear(at)];
  if (host.held.length > 0) steps.push(send(at));
  if (host.down.length > 0) steps.push(receive(at, limits));
  for (const { slot } of host.running) steps.push(finish(at, slot, limits));
  if (state.deaths > 0) steps.push(die(at));
  return steps;
}

/** Runs an operation on the words as the shared memory they stand for. */
function withWords<T>(host: HostState, operate: (words: Int32Array) => T): T {
  const words = new Int32Array(host.words);
  const result = operate(words);
  host.words = [...words];
  return result;
}

function post(id: number, at: number, { unsendable, detailed = 0, fault }: Limits): Step {
  const details = id < detailed ? id : -1;
  const isAhead = fault === "details go ahead of their record, and wait in the thread by slot";
  return {
    name: `post ${id} to ${at}`,
    apply: ({ hosts, jobs }) => {
      const [host, job] = [hosts[at] as HostState, jobs[id] as JobState];
      const slot = host.free.shift() as number;
      withWords(host, (words) => {
        words[slot] = QUEUED;
      });
      host.table[slot] = id;
      if (isAhead && details >= 0) host.kept[slot] = details;
      const message = { slot, job: id, cancel: false, details: isAhead ? -1 : details };
      (unsendable === undefined ? host.down : host.unsent).push(message);
      job.at = at;
      job.slot = slot;
    },
  };
}

function flush(at: number, limits: Limits): Step {
  return {
    name: `host ${at} flushes`,
    apply: (state) => {
      const host = state.hosts[at] as HostState;
      for (const message of host.unsent.splice(0)) {
        if (message.job < (limits.unsendable ?? 0)) refuse(state, at, message, limits);
        else if (host.alive) host.down.push(message);
      }
    },
  };
}

function flushStale(limits: Limits): Step {
  return {
    name: "a session that has ended flushes",
    apply: (state) => {
      for (const { at, message } of state.stale.splice(0))
        if (message.job < (limits.unsendable ?? 0)) refuse(state, at, message, limits);
    },
  };
}

/** The host hears that what it posted in a slot cannot be sent. */
function refuse({ hosts, jobs }: State, at: number, { slot, job }: Message, { fault }: Limits): void {
  const host = hosts[at] as HostState;
  const id = host.table[slot] as number;
  if (id < 0 && fault === "the slot of a job that was taken back and cannot be sent is not freed") return;
  if (id >= 0 && id !== job) throw new Error(`job ${id} is refused in place of job ${job}`);
  withWords(host, (words) => {
    words[slot] = FREE;
  });
  host.table[slot] = -1;
  host.free.push(slot);
  if (id >= 0) settle(jobs[id] as JobState, "refused");
}

function takeBack(host: HostState, job: JobState): boolean {
  if (!withWords(host, (words) => reclaim(words, job.slot))) return false;
  host.table[job.slot] = -1;
  return true;
}

function move(id: number, { fault }: Limits): Step {
  return {
    name: `move ${id}`,
    apply: (state) => {
      const job = state.jobs[id] as JobState;
      const host = state.hosts[job.at as number] as HostState;
      state.moves--;
      const isTaken = takeBack(host, job);
      if (!isTaken && fault !== "a job is moved without looking") return;
      if (fault === "a slot that was taken back is used again before the thread has skipped it")
        host.free.push(job.slot);
      job.at = "queue";
    },
  };
}

function cancel(id: number): Step {
  return {
    name: `cancel ${id}`,
    apply: (state) => {
      const job = state.jobs[id] as JobState;
      state.cancels--;
      job.cancelAsked = true;
      if (job.at === "queue") return settle(job, "cancelled");
      const host = state.hosts[job.at as number] as HostState;
      if (takeBack(host, job)) return settle(job, "cancelled");
      withWords(host, (words) => requestCancel(words, job.slot));
      host.down.push({ slot: job.slot, job: id, cancel: true, details: -1 });
    },
  };
}

function settle(job: JobState, how: string): void {
  job.settled.push(how);
  job.at = "settled";
}

function receive(at: number, limits: Limits): Step {
  return {
    name: `thread ${at} reads`,
    apply: (state) => {
      const host = state.hosts[at] as HostState;
      const message = host.down.shift() as Message;
      if (message.cancel) receiveCancel(host, message);
      else receiveJob(state, host, message, limits);
    },
  };
}

function receiveCancel(host: HostState, { slot, job }: Message): void {
  const running = host.running.find((each) => each.slot === slot);
  if (running === undefined) return;
  if (running.job !== job) throw new Error(`a cancel for job ${job} reaches job ${running.job}`);
  end(host, slot, "cancelled");
}

function receiveJob({ jobs }: State, host: HostState, message: Message, limits: Limits): void {
  const { slot, job } = message;
  const { fault, detailed = 0 } = limits;
  const details = host.kept[slot] === -1 ? message.details : (host.kept[slot] as number);
  host.kept[slot] = -1;
  const claiming = fault === "the thread claims without looking" ? blindly(slot) : claims(slot);
  if (!withWords(host, claiming)) {
    host.up.push({ slot, kind: "skipped" });
    return;
  }
  if (host.table[slot] !== job) throw new Error(`job ${job} runs under the claim of job ${host.table[slot]}`);
  if (details !== (job < detailed ? job : -1))
    throw new Error(`job ${job} runs with the details of ${details}`);
  host.running.push({ slot, job });
  (jobs[job] as JobState).starts++;
}

const claims =
  (slot: number) =>
  (words: Int32Array): boolean =>
    claim(words, slot);

const blindly =
  (slot: number) =>
  (words: Int32Array): boolean => {
    words[slot] = RUNNING;
    return true;
  };

/** The job's code ends: as cancelled, when it looks at its cancel bit and that is set. */
function finish(at: number, slot: number, { holds = false, gives = false }: Limits): Step {
  return {
    name: `thread ${at} finishes slot ${slot}`,
    apply: ({ hosts }) => {
      const host = hosts[at] as HostState;
      const job = host.running.find((each) => each.slot === slot)?.job;
      if (gives && job !== undefined) host.up.push({ slot, kind: "item", job });
      end(host, slot, withWords(host, (words) => cancelRequested(words, slot)) ? "cancelled" : "done", holds);
    },
  };
}

function end(host: HostState, slot: number, kind: "done" | "cancelled", holds = false): void {
  host.running = host.running.filter((each) => each.slot !== slot);
  (holds ? host.held : host.up).push({ slot, kind });
}

function send(at: number): Step {
  return {
    name: `thread ${at} posts what it holds`,
    apply: ({ hosts }) => {
      const host = hosts[at] as HostState;
      host.up.push(...host.held);
      host.posted = true;
    },
  };
}

function clear(at: number): Step {
  return {
    name: `thread ${at} holds nothing any more`,
    apply: ({ hosts }) => {
      const host = hosts[at] as HostState;
      host.held = [];
      host.posted = false;
    },
  };
}

function fetch(at: number, limits: Limits): Step {
  return { name: `host ${at} fetches`, apply: (state) => fetchAll(state, at, limits) };
}

function fetchAll(state: State, at: number, { fault, gives = false }: Limits): void {
  const { hosts, jobs } = state;
  const host = hosts[at] as HostState;
  if (gives && fault !== "a reply is fetched before what lies in the port is read")
    while (host.up.length > 0) readNext(state, at);
  const isBlind = fault === "a reply is fetched without a look at its slot";
  for (const { slot, kind } of host.held) {
    const id = host.table[slot] as number;
    if (id < 0 || !(isBlind || withWords(host, (words) => isRunning(words, slot)))) continue;
    host.table[slot] = -1;
    host.fetched.push(slot);
    settle(jobs[id] as JobState, kind);
  }
}

function read(at: number): Step {
  return { name: `host ${at} reads`, apply: (state) => readNext(state, at) };
}

function readNext({ hosts, jobs }: State, at: number): void {
  const host = hosts[at] as HostState;
  const { slot, kind, job } = host.up.shift() as Reply;
  const id = host.table[slot] as number;
  if (kind === "item") {
    if (id !== job) throw new Error(`an item of job ${job} comes after its end`);
    return;
  }
  const isDue = id < 0 && host.fetched.includes(slot);
  host.fetched = host.fetched.filter((each) => each !== slot);
  if (!isDue && (kind === "skipped") !== id < 0)
    throw new Error(`a reply (${kind}) reaches the slot of job ${id}`);
  withWords(host, (words) => {
    words[slot] = FREE;
  });
  host.table[slot] = -1;
  if (!host.free.includes(slot)) host.free.push(slot);
  if (!isDue && kind !== "skipped") settle(jobs[id] as JobState, kind);
}

function die(at: number): Step {
  return {
    name: `thread ${at} dies`,
    apply: (state) => {
      const host = state.hosts[at] as HostState;
      state.deaths--;
      host.alive = false;
      host.down = [];
      host.running = [];
    },
  };
}

/** The host learns of the death, after it has read what the thread still said: unstarted jobs go back, others fail. */
function bury(at: number, limits: Limits): Step {
  const { fault } = limits;
  return {
    name: `host ${at} learns that its thread died`,
    apply: (state) => {
      const host = state.hosts[at] as HostState;
      fetchAll(state, at, limits);
      for (const id of host.table.filter((each) => each >= 0)) {
        const job = state.jobs[id] as JobState;
        if (takeBack(host, job)) job.at = "queue";
        else settle(job, "terminated");
      }
      if (fault === "a session flushes after its end")
        state.stale.push(...host.unsent.map((message) => ({ at, message })));
      state.hosts[at] = newHost();
    },
  };
}

function check(state: State, path: readonly string[]): void {
  state.jobs.forEach((job, id) => {
    if (job.settled.length > 1) throw wrong(`job ${id} settled as ${job.settled.join(" and ")}`, path);
    if (job.starts > 1) throw wrong(`job ${id} started ${job.starts} times`, path);
  });
}

function checkEnd(state: State, path: readonly string[]): void {
  state.jobs.forEach((job, id) => {
    if (job.settled.length !== 1) throw wrong(`job ${id} was never settled`, path);
  });
  for (const host of state.hosts) if (host.free.length !== 2) throw wrong("a slot was lost", path);
}

function wrong(what: string, path: readonly string[]): Error {
  return new Error(`${what}, after: ${path.join("; ")}`);
}
