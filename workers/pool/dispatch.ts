// Which job goes to which worker.
//
// A job goes to a worker that has nothing to do, else to a new one while there are fewer than `size`, else to the one
// with the least to do, as far as about 1 ms of work is posted ahead; the rest waits in one queue. Jobs that were
// posted and have not started are moved: when a worker runs dry, half of those of the worker with the most; when a
// worker is stuck in a long job, all that wait behind it, before the queue is served, as they are older.
//
// Where priorities are used, they hold among all jobs that have not started: little is posted ahead, a job goes by way
// of the queue, and in the microtask in which it would be sent those that were posted and are less urgent are taken
// back. A job that moves objects cannot be taken back, so it is posted only to a worker that begins it at once, or where
// it waits for a few calls that are known to be short.

import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers";
import { isMoving, type Job, type JobPlace, priorityOf } from "../executor/job.ts";
import { Host, type Owner } from "../host/host.ts";
import type { ThreadDeath } from "../host/threaddeath.ts";
import { BoundJobs } from "./bound.ts";
import { JobQueue } from "./jobqueue.ts";

/** How often jobs that are behind a long one are looked for, should no reply come that gives the occasion. */
const RESCUE_EVERY = 5;
/** In a burst of submits the workers are looked at every so many jobs. */
const TOP_UP_MASK = 127;
/** Where priorities are used, so many jobs at most are posted ahead to each worker. */
const RANKED_AHEAD = 16;
/** For microtasks: Node's queueMicrotask makes an async resource each time. */
const RESOLVED = Promise.resolve();

export class Dispatcher {
  /** As many as there may be threads, and those that are away: their threads are being replaced, or were. */
  readonly hosts: Host[];
  readonly #owner: Owner;
  readonly queue = new JobQueue();
  /** Jobs that wait for the one worker they can run in. */
  readonly bound = new BoundJobs();
  /** Where the jobs in the queue are. */
  readonly #place: JobPlace;
  #rescue: NodeJS.Timeout | null = null;
  /** Priorities are used: from the first job on that has one. */
  #isRanked = false;
  #ranking = false;

  constructor(size: number, owner: Owner, place: JobPlace) {
    this.#owner = owner;
    this.hosts = Array.from({ length: size }, () => new Host(owner));
    this.#place = place;
  }

  /** Posts the job to the best worker, or queues it. */
  submit(job: Job): void {
    if (this.#isRanked || (job._extra !== null && priorityOf(job) !== 0)) {
      this.#submitRanked(job);
      return;
    }
    const host = this.queue.length === 0 ? this.#chooseFor(job) : null;
    if (host !== null) this.#post(host, job);
    else this.#enqueue(job);
  }

  /** Has a first thread start for a job that is still on its way here. */
  warm(): void {
    if (!this.hosts.some((host) => host.isLive)) this.hosts.find((host) => host.isOpen)?.open();
  }

  /** The worker with the least to do, for what is bound to one. */
  leastBusy(): Host {
    const open = this.hosts.filter((host) => host.isOpen);
    const best = (open.length > 0 ? open : this.hosts.filter((host) => !host.isAway)).reduce((a, b) =>
      b.jobs + b.pins < a.jobs + a.pins ? b : a,
    );
    return best;
  }

  /** The jobs that no worker has yet. */
  get waiting(): Job[] {
    return [...this.bound, ...this.queue];
  }

  /** The jobs that waited for this worker and died with it; a session that ends without any leaves nobody behind. */
  strandedBy(host: Host, { started, unstarted }: ThreadDeath): Job[] {
    return started.length + unstarted.length > 0 ? this.bound.take(host) : [];
  }

  /** Jobs that have not started, wherever they are, without those that workers begin at once; below 0 when more would. */
  get backlog(): number {
    let sum = this.queue.length + this.bound.length;
    for (const host of this.hosts) sum += host.backlog;
    return sum;
  }

  /** The pool closes, and has waited for a while. */
  hurry(): void {
    for (const host of this.hosts) host.session?.hurry();
  }

  /** Gives the place of a worker whose thread is being replaced to another host. */
  replace(host: Host): void {
    host.isAway = true;
    const spare = this.hosts.find((other) => other.isAway && other.session === null);
    if (spare === undefined) this.hosts.push(new Host(this.#owner));
    else spare.isAway = false;
  }

  /** Hosts beyond the number of workers that have a thread still. */
  get leaving(): number {
    return this.hosts.filter((host) => host.isAway && host.session !== null).length;
  }

  /** Puts jobs that were taken back from a dead worker in front, in their order, and posts what can be. */
  requeue(jobs: readonly Job[]): void {
    this.#putBack(jobs);
    this.serve();
  }

  #putBack(jobs: readonly Job[]): void {
    for (let i = jobs.length - 1; i >= 0; i--) {
      const job = jobs[i] as Job;
      job._place = this.#place;
      this.queue.unshift(job);
    }
  }

  /** Posts queued jobs as long as a worker can take one. */
  serve(): void {
    for (let job = this.queue.peek(); job !== undefined; job = this.queue.peek()) {
      const host = this.#chooseFor(job);
      if (host === null) return;
      this.queue.shift();
      this.#post(host, job);
    }
  }

  /** Gives more work to a worker that has replied. */
  refill(host: Host): void {
    if (!host.isOpen) return;
    this.bound.serve(host);
    if (this.hosts.length > 1) this.#balance(host);
    if (this.queue.length > 0) this.#fill(host);
    else if (host.load === 0 && this.hosts.length > 1) this.#share(host);
  }

  #balance(host: Host): void {
    this.#rescueTo(host);
    if (this.#isRanked && host.hasPlace) this.#promoteTo(host);
  }

  #submitRanked(job: Job): void {
    this.#isRanked = true;
    job._place = this.#place;
    this.queue.push(job);
    if (this.#ranking) return;
    this.#ranking = true;
    RESOLVED.then(this.#rank);
  }

  /** Takes back what was posted and is less urgent than what waits, and posts the most urgent. */
  readonly #rank = (): void => {
    this.#ranking = false;
    const next = this.queue.peek();
    if (next === undefined) return;
    for (const host of this.hosts)
      if (host.unstarted > 0) this.#putBack(host.takeBackBelow(priorityOf(next)));
    this.serve();
  };

  /** Gives a worker that would begin a job at once the most urgent one that waits in another, if the queue has no such. */
  #promoteTo(host: Host): void {
    let best: Job | undefined = this.queue.peek();
    let from: Host | null = null;
    for (const other of this.hosts) {
      const job = other === host ? undefined : other.nextMovable;
      if (job === undefined || (best !== undefined && priorityOf(job) <= priorityOf(best))) continue;
      if (!other.isReady && !host.isReady) continue; // a second thread would not start any sooner
      [best, from] = [job, other];
    }
    if (from?.takeBackOne(best as Job)) this.#post(host, best as Job);
  }

  #enqueue(job: Job): void {
    job._place = this.#place;
    this.queue.push(job);
    if ((this.queue.length & TOP_UP_MASK) === 0) this.#topUp();
  }

  #post(host: Host, job: Job): void {
    if (!host.isOpen) {
      this.#enqueue(job); // its slots ran out, or its session is ending
      return;
    }
    host.post(job);
    this.#watch();
  }

  /** The worker for the next job, or null when it has to wait. */
  #chooseFor(job: Job): Host | null {
    return isMoving(job) ? this.#chooseForGood() : this.#choose();
  }

  #choose(): Host | null {
    let best: Host | null = null;
    let unused: Host | null = null;
    for (const host of this.hosts) {
      if (!host.isLive) {
        if (host.isOpen) unused ??= host;
      } else if (isBetter(host, best) && this.#roomOf(host) > 0) best = host;
    }
    return unused !== null && (best === null || best.jobs > 0) ? unused : this.#unlessStuck(best);
  }

  /** The same for one that cannot be taken back: a worker that begins it at once, or else soon. */
  #chooseForGood(): Host | null {
    let best: Host | null = null;
    for (const host of this.hosts) if (host.isLive && isBetterAtOnce(host, best)) best = host;
    const unused =
      best === null || best.jobs > 0 ? this.hosts.find((host) => !host.isLive && host.isOpen) : null;
    if (unused != null || best !== null) return unused ?? best;
    for (const host of this.hosts) if (isBetter(host, best) && this.#roomForGood(host) > 0) best = host;
    return this.#unlessStuck(best);
  }

  /** Ahead of others, jobs that cannot be taken back would take them their priority. */
  #roomForGood(host: Host): number {
    return this.#isRanked ? Number(host.hasPlace) : host.roomForGood;
  }

  #unlessStuck(host: Host | null): Host | null {
    return host?.standsStill === true && host.isStuck(performance.now()) ? null : host;
  }

  #windowOf(host: Host): number {
    return this.#isRanked ? Math.min(host.window, RANKED_AHEAD) : host.window;
  }

  #roomOf(host: Host): number {
    return this.#isRanked ? Math.min(host.room, RANKED_AHEAD - host.unstarted) : host.room;
  }

  /** In runs, not one by one: a window that is more than half full is left alone. */
  #fill(host: Host): void {
    if (host.load > 0 && this.#roomOf(host) < this.#windowOf(host) >> 1) return;
    while (host.isOpen && this.#roomOf(host) > 0) {
      const job = this.queue.peek();
      if (job === undefined) return;
      if (!isMoving(job)) this.#postNext(host);
      else if (!this.#fillForGood(host)) return;
    }
  }

  /** Posts jobs that cannot be taken back, as far as they come next; false when none can be posted. */
  #fillForGood(host: Host): boolean {
    let room = this.#roomForGood(host);
    if (room === 0) return false;
    for (let job = this.queue.peek(); room > 0 && host.isOpen && job !== undefined; job = this.queue.peek()) {
      if (!isMoving(job)) break;
      this.#postNext(host);
      room = host.table.isKnownShort(job) ? room - 1 : 0;
    }
    return true;
  }

  #postNext(host: Host): void {
    this.#post(host, this.queue.shift() as Job);
  }

  /** While the caller submits a burst, no reply can be read: the counters in shared memory tell which worker runs dry. */
  #topUp(): void {
    for (const host of this.hosts)
      if (host.isLive && host.unstarted < this.#windowOf(host) >> 1) this.#fill(host);
  }

  #rescueTo(host: Host): void {
    const now = performance.now();
    for (const other of this.hosts) {
      if (other === host || !other.isStuck(now)) continue;
      if (!other.isReady && !host.isReady) continue; // a second thread would not start any sooner
      this.#rescueFrom(other, host);
    }
  }

  #rescueFrom(stuck: Host, host: Host): void {
    const room = Math.max(this.#roomOf(host), host.load === 0 ? 1 : 0);
    if (room <= 0) return;
    if (this.#isRanked) this.#putBack(stuck.takeBack(stuck.unstarted));
    else for (const job of stuck.takeBack(room)) this.#post(host, job);
  }

  #share(host: Host): void {
    let fullest: Host | null = null;
    for (const other of this.hosts) {
      if (other !== host && other.load > 1 && other.unstarted > (fullest?.unstarted ?? 0)) fullest = other;
    }
    if (fullest === null || this.#isRanked) return;
    for (const job of fullest.takeBack(Math.ceil(fullest.unstarted / 2))) this.#post(host, job);
  }

  /**
   * A job that has ended, or that waits, behind a long one may be all there is: then no reply gives the occasion to fetch
   * its result, or to move it. It moves to a
   * worker without any job: between two busy ones it would go to and fro, and use up a slot each time. So no worker gets
   * back what was taken from it before it has shown that it lives, and a job moves no more often than there are workers.
   */
  #watch(): void {
    this.#rescue ??= setTimeout(() => {
      this.#rescue = null;
      const held = this.hosts.filter((host) => host.fetchWhenStill());
      const idle =
        this.hosts.find((host) => host.isIdle && host.isReady) ?? this.hosts.find((host) => host.isIdle);
      if (idle !== undefined) this.#rescueTo(idle);
      this.serve();
      // What is left in the queue may have found a worker not yet done with what it has told the end of.
      const isOver = held.length === 0 && this.queue.length === 0;
      if (!isOver || this.hosts.some((host) => host.unstarted > 0)) this.#watch();
    }, RESCUE_EVERY).unref();
  }
}

/** Whether a worker is open and has less to do than the best one so far. */
function isBetter(host: Host, best: Host | null): boolean {
  return (best === null || host.jobs < best.jobs) && host.isOpen;
}

/** The same for a job that is to begin at once: a thread that is still starting may take its time. */
function isBetterAtOnce(host: Host, best: Host | null): boolean {
  if (!host.isOpen || !host.hasPlace) return false;
  if (best === null || host.isReady !== best.isReady) return best === null || host.isReady;
  return host.jobs < best.jobs;
}
