// This is one thread at a moment, as plain data that can cross threads and processes. It is taken synchronously and
// changes nothing, so that it can also be taken in the middle of a step, by an inspector that interrupts the thread.

import { threadId } from "node:worker_threads";
import {
  awaitingTasks,
  type EventLoop,
  monotonicTime,
  reportTasks,
  runningLoopOrNull,
  type Task,
  type TaskReport,
  taskId,
} from "../../src/core.ts";
import { jobOf, type RunningJob } from "../executor/currentjob.ts";
import type { Job } from "../executor/job.ts";
import type { Host } from "../host/host.ts";
import type { ThreadScheduler } from "../pool/threadworkers.ts";
import { CURRENT } from "../wire/memory.ts";

/** A task of a thread's loop. */
export interface TaskSnapshot extends TaskReport {
  /** The slot of the job that this task runs, null when it runs none. */
  readonly slot: number | null;
}

/** A job as the thread that submitted it knows it. */
export interface JobSnapshot {
  readonly name: string;
  readonly state: "queued" | "running";
  /** Milliseconds since it was submitted, or since it has been running. */
  readonly since: number;
  /** Where it is, and in which slot; null while it is in the pool's queue. */
  readonly thread: number | null;
  readonly slot: number | null;
  /** The numbers of the tasks that await it. */
  readonly awaitedBy: readonly number[];
}

/** A worker as its host knows it. */
export interface HostSnapshot {
  readonly thread: number;
  /** The job whose code has the thread at this moment. */
  readonly current: { readonly name: string; readonly since: number } | null;
}

export interface PoolSnapshot {
  readonly name: string;
  /** The name of its threads, null where it gives them none. */
  readonly threadName: string | null;
  readonly jobs: readonly JobSnapshot[];
  /** Jobs that are not listed, as there are so many. */
  readonly more: number;
  readonly hosts: readonly HostSnapshot[];
}

export interface ThreadSnapshot {
  readonly thread: number;
  readonly tasks: readonly TaskSnapshot[];
  readonly pools: readonly PoolSnapshot[];
  /** The frames that the thread was in, where it was interrupted to take the snapshot. */
  readonly stack?: readonly string[];
}

/** A pool lists at most so many jobs. */
const MOST_JOBS = 1000;

/** Takes the snapshot of this thread with some of its pools. */
export function takeSnapshot(schedulers: readonly ThreadScheduler[]): ThreadSnapshot {
  const loop = runningLoopOrNull() as EventLoop | null;
  const tasks = loop === null ? [] : reportTasks(loop);
  const jobsByTask = jobsAmong(loop === null ? [] : loop.allTasks());
  return {
    thread: threadId,
    tasks: tasks.map((task) => {
      const job = jobsByTask.get(task.id);
      return job === undefined ? { ...task, slot: null } : asBody(task, job);
    }),
    pools: schedulers.map(snapshotPool),
  };
}

/** A task that runs a job: its function is our own, so the job's is told, and its first step is not a step of the loop. */
function asBody(task: TaskReport, job: RunningJob): TaskSnapshot {
  const state = job.slots[CURRENT] === job.slot ? "running" : task.state;
  return { ...task, slot: job.slot, function: task.name, state };
}

/** Which tasks run which jobs, by number. A job that is in its first step does not know its task yet. */
function jobsAmong(tasks: readonly Task[]): Map<number, RunningJob> {
  const jobsByTask = new Map<number, RunningJob>();
  const unknown = new Set<RunningJob>();
  for (const task of tasks) {
    const job = jobOf(task);
    if (job == null || (job.task ?? task) !== task || unknown.has(job)) continue;
    jobsByTask.set(taskId(task), job);
    if (job.task === null) unknown.add(job);
  }
  return jobsByTask;
}

function snapshotPool(scheduler: ThreadScheduler): PoolSnapshot {
  const now = monotonicTime();
  const { hosts } = scheduler.source;
  const jobs = hosts.flatMap((host) =>
    host.postedJobs.slice(0, MOST_JOBS).map((job) => postedJob(job, host, now)),
  );
  for (const job of scheduler.dispatcher.queue) {
    if (jobs.length >= MOST_JOBS) break;
    jobs.push(queuedJob(job, now));
  }
  const live = hosts.filter((host) => host.isLive && host.session?.threadId !== 0);
  return {
    name: scheduler.settings.name,
    threadName: scheduler.settings.threadName ?? null,
    jobs: jobs.slice(0, MOST_JOBS),
    more: Math.max(0, scheduler.settlement.open - Math.min(jobs.length, MOST_JOBS)),
    hosts: live.map((host) => snapshotHost(host, now)),
  };
}

function postedJob(job: Job, host: Host, now: number): JobSnapshot {
  const isRunning = host.isRunning(job);
  const since = isRunning ? (host.table.meter.begun[job._slot] as number) : job._submitted.at;
  return {
    name: job.name,
    state: isRunning ? "running" : "queued",
    since: now - since,
    thread: host.session?.threadId || null,
    slot: job._slot,
    awaitedBy: awaitersOf(job),
  };
}

function queuedJob(job: Job, now: number): JobSnapshot {
  const awaitedBy = awaitersOf(job);
  return {
    name: job.name,
    state: "queued",
    since: now - job._submitted.at,
    thread: null,
    slot: null,
    awaitedBy,
  };
}

function awaitersOf(job: Job): number[] {
  return awaitingTasks(job as Job<never>).map(taskId);
}

/** The jobs whose code has a thread of a pool at this moment. */
export function currentJobs(scheduler: ThreadScheduler): NonNullable<HostSnapshot["current"]>[] {
  const now = monotonicTime();
  const current = scheduler.source.hosts.map((host) => (host.isLive ? currentJob(host, now) : null));
  return current.filter((job) => job !== null);
}

function snapshotHost(host: Host, now: number): HostSnapshot {
  return { thread: host.session?.threadId ?? 0, current: currentJob(host, now) };
}

function currentJob({ table }: Host, now: number): HostSnapshot["current"] {
  const slot = table.words[CURRENT] as number;
  const job = slot === 0 ? undefined : table.at(slot);
  return job === undefined ? null : { name: job.name, since: now - (table.meter.begun[slot] as number) };
}
