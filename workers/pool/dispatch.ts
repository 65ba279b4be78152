// The dispatcher decides which job goes to which worker.
//
// One queue that all workers take from, as under Python's executors, is fair and never wrong, but costs a round trip
// between threads for each job, which is a hundred times an empty job. So a little work is posted ahead, to the worker with
// the shortest queue, and what turns out to be in the wrong place is moved: half of it to a worker that runs dry, as the
// schedulers of tokio and Go steal. Workers here do not steal themselves: only the main thread posts jobs and takes them
// back, so each job has one place, and one compare-and-swap decides whether it has started (`wire/memory`).
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

import { inRootContext } from "../../src/core.ts";
import { isMoving, type Job, type JobPlace, priorityOf } from "../executor/job.ts";
import type { Time } from "../executor/time.ts";
import type { ThreadDeath, WorkerLink } from "../executor/workerlink.ts";
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
  readonly workers: WorkerLink[];
  readonly #make: () => WorkerLink;
  readonly #time: Time;
  readonly queue = new JobQueue();
  /** Jobs that wait for the one worker they can run in. */
  readonly bound = new BoundJobs();
  /** Where the jobs in the queue are. */
  readonly #place: JobPlace;
  #isWatching = false;
  /** Priorities are used: from the first job on that has one. */
  #isRanked = false;
  #ranking = false;

  /** `make` gives it a worker, and `place` is that of the jobs in its queue. */
  constructor(size: number, make: () => WorkerLink, time: Time, place: JobPlace) {
    this.#make = make;
    this.#time = time;
    this.workers = Array.from({ length: size }, make);
    this.#place = place;
  }

  /** Posts the job to the best worker, or queues it. */
  submit(job: Job): void {
    if (this.#isRanked || (job._extra !== null && priorityOf(job) !== 0)) {
      this.#submitRanked(job);
      return;
    }
    const worker = this.queue.length === 0 ? this.#chooseFor(job) : null;
    if (worker !== null) this.#post(worker, job);
    else this.#enqueue(job);
  }

  /** Has a first thread start for a job that is still on its way here. */
  warm(): void {
    if (!this.workers.some((worker) => worker.isLive)) this.workers.find((worker) => worker.isOpen)?.open();
  }

  /** Has as many threads start as there may be. */
  openAll(): void {
    for (const worker of this.workers) if (!worker.isAway && worker.isOpen) worker.open();
  }

  /** The worker with the least to do, for what is bound to one. */
  leastBusy(): WorkerLink {
    const open = this.workers.filter((worker) => worker.isOpen);
    const best = (open.length > 0 ? open : this.workers.filter((worker) => !worker.isAway)).reduce((a, b) =>
      b.jobs + b.pins < a.jobs + a.pins ? b : a,
    );
    return best;
  }

  /** The jobs that no worker has yet. */
  get waiting(): Job[] {
    return [...this.bound, ...this.queue];
  }

  /** The jobs that waited for this worker and died with it; a session that ends without any leaves nobody behind. */
  strandedBy(worker: WorkerLink, { started, unstarted }: ThreadDeath): Job[] {
    return started.length + unstarted.length > 0 ? this.bound.take(worker) : [];
  }

  /** Jobs that have not started, wherever they are, without those that workers begin at once; below 0 when more would. */
  get backlog(): number {
    let sum = this.queue.length + this.bound.length;
    for (const worker of this.workers) sum += worker.backlog;
    return sum;
  }

  /** The pool closes, and has waited for a while. */
  hurry(): void {
    for (const worker of this.workers) worker.hurry();
  }

  /** Gives the place of a worker whose thread is being replaced to another worker. */
  replace(worker: WorkerLink): void {
    worker.isAway = true;
    const spare = this.workers.find((other) => other.isAway && !other.hasSession);
    if (spare === undefined) this.workers.push(this.#make());
    else spare.isAway = false;
  }

  /** Hosts beyond the number of workers that have a thread still. */
  get leaving(): number {
    return this.workers.filter((worker) => worker.isAway && worker.hasSession).length;
  }

  /** Puts jobs that were taken back from a dead worker in front, in their order, and posts what can be. */
  requeue(jobs: readonly Job[]): void {
    this.#putBack(jobs);
    if (this.#isRanked) this.#rank();
    else this.serve();
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
      const worker = this.#chooseFor(job);
      if (worker === null) return;
      this.queue.shift();
      this.#post(worker, job);
    }
  }

  /** Gives more work to a worker that has replied. */
  refill(worker: WorkerLink): void {
    if (!worker.isOpen) return;
    this.bound.serve(worker);
    if (this.workers.length > 1) this.#balance(worker);
    if (this.queue.length > 0) this.#fill(worker);
    else if (worker.load === 0 && this.workers.length > 1) this.#share(worker);
  }

  #balance(worker: WorkerLink): void {
    this.#rescueTo(worker);
    if (this.#isRanked && worker.hasPlace) this.#promoteTo(worker);
  }

  #submitRanked(job: Job): void {
    this.#isRanked = true;
    job._place = this.#place;
    this.queue.push(job);
    // By the end of the turn a thread may have begun what is less urgent.
    if (this.queue.peek() === job) this.#takeBackLessUrgent();
    if (this.#ranking) return;
    this.#ranking = true;
    RESOLVED.then(this.#rank);
  }

  /** Takes back what was posted and is less urgent than what waits, and posts the most urgent. */
  readonly #rank = (): void => {
    this.#ranking = false;
    this.#takeBackLessUrgent();
    this.serve();
  };

  #takeBackLessUrgent(): void {
    const next = this.queue.peek();
    if (next === undefined) return;
    for (const worker of this.workers)
      if (worker.unstarted > 0) this.#putBack(worker.takeBackBelow(priorityOf(next)));
  }

  /** Gives a worker that would begin a job at once the most urgent one that waits in another, if the queue has no such. */
  #promoteTo(worker: WorkerLink): void {
    let best: Job | undefined = this.queue.peek();
    let from: WorkerLink | null = null;
    for (const other of this.workers) {
      const job = other === worker ? undefined : other.nextMovable;
      if (job === undefined || (best !== undefined && priorityOf(job) <= priorityOf(best))) continue;
      if (!other.isReady && !worker.isReady) continue; // a second thread would not start any sooner
      [best, from] = [job, other];
    }
    if (from?.takeBackOne(best as Job)) this.#post(worker, best as Job);
  }

  #enqueue(job: Job): void {
    job._place = this.#place;
    this.queue.push(job);
    if ((this.queue.length & TOP_UP_MASK) === 0) this.#topUp();
  }

  #post(worker: WorkerLink, job: Job): void {
    if (!worker.isOpen) {
      this.#enqueue(job); // its slots ran out, or its session is ending
      return;
    }
    worker.post(job);
    this.#watch();
  }

  /** The worker for the next job, or null when it has to wait. */
  #chooseFor(job: Job): WorkerLink | null {
    return isMoving(job) ? this.#chooseForGood() : this.#choose();
  }

  #choose(): WorkerLink | null {
    let best: WorkerLink | null = null;
    let unused: WorkerLink | null = null;
    for (const worker of this.workers) {
      if (!worker.isLive) {
        if (worker.isOpen) unused ??= worker;
      } else if (isBetter(worker, best) && this.#roomOf(worker) > 0) best = worker;
    }
    return unused !== null && (best === null || best.jobs > 0) ? unused : this.#unlessStuck(best);
  }

  /** The same for one that cannot be taken back: a worker that begins it at once, or else soon. */
  #chooseForGood(): WorkerLink | null {
    let best: WorkerLink | null = null;
    for (const worker of this.workers) if (worker.isLive && isBetterAtOnce(worker, best)) best = worker;
    const unused =
      best === null || best.jobs > 0 ? this.workers.find((worker) => !worker.isLive && worker.isOpen) : null;
    if (unused != null || best !== null) return unused ?? best;
    for (const worker of this.workers)
      if (isBetter(worker, best) && this.#roomForGood(worker) > 0) best = worker;
    return this.#unlessStuck(best);
  }

  /** Ahead of others, jobs that cannot be taken back would take them their priority. */
  #roomForGood(worker: WorkerLink): number {
    return this.#isRanked ? Number(worker.hasPlace) : worker.roomForGood;
  }

  #unlessStuck(worker: WorkerLink | null): WorkerLink | null {
    return worker?.standsStill === true && worker.isStuck(this.#time.now()) ? null : worker;
  }

  #windowOf(worker: WorkerLink): number {
    return this.#isRanked ? Math.min(worker.window, RANKED_AHEAD) : worker.window;
  }

  #roomOf(worker: WorkerLink): number {
    return this.#isRanked ? Math.min(worker.room, RANKED_AHEAD - worker.unstarted) : worker.room;
  }

  /** In runs, not one by one: a window that is more than half full is left alone. */
  #fill(worker: WorkerLink): void {
    if (worker.load > 0 && this.#roomOf(worker) < this.#windowOf(worker) >> 1) return;
    while (worker.isOpen && this.#roomOf(worker) > 0) {
      const job = this.queue.peek();
      if (job === undefined) return;
      if (!isMoving(job)) this.#postNext(worker);
      else if (!this.#fillForGood(worker)) return;
    }
  }

  /** Posts jobs that cannot be taken back, as far as they come next; false when none can be posted. */
  #fillForGood(worker: WorkerLink): boolean {
    let room = this.#roomForGood(worker);
    if (room === 0) return false;
    for (
      let job = this.queue.peek();
      room > 0 && worker.isOpen && job !== undefined;
      job = this.queue.peek()
    ) {
      if (!isMoving(job)) break;
      this.#postNext(worker);
      room = worker.isKnownShort(job) ? room - 1 : 0;
    }
    return true;
  }

  #postNext(worker: WorkerLink): void {
    this.#post(worker, this.queue.shift() as Job);
  }

  /** While the caller submits a burst, no reply can be read: the counters in shared memory tell which worker runs dry. */
  #topUp(): void {
    for (const worker of this.workers)
      if (worker.isLive && worker.unstarted < this.#windowOf(worker) >> 1) this.#fill(worker);
  }

  #rescueTo(worker: WorkerLink): void {
    const now = this.#time.now();
    for (const other of this.workers) {
      if (other === worker || !other.isStuck(now)) continue;
      if (!other.isReady && !worker.isReady) continue; // a second thread would not start any sooner
      this.#rescueFrom(other, worker);
    }
  }

  #rescueFrom(stuck: WorkerLink, worker: WorkerLink): void {
    const room = Math.max(this.#roomOf(worker), worker.load === 0 ? 1 : 0);
    if (room <= 0) return;
    if (this.#isRanked) {
      this.#putBack(stuck.takeBack(stuck.unstarted));
      this.#takeBackLessUrgent();
    } else for (const job of stuck.takeBack(room)) this.#post(worker, job);
  }

  #share(worker: WorkerLink): void {
    let fullest: WorkerLink | null = null;
    for (const other of this.workers) {
      if (other !== worker && other.load > 1 && other.unstarted > (fullest?.unstarted ?? 0)) fullest = other;
    }
    if (fullest === null || this.#isRanked) return;
    for (const job of fullest.takeBack(Math.ceil(fullest.unstarted / 2))) this.#post(worker, job);
  }

  /**
   * A job that has ended, or that waits, behind a long one may be all there is: then no reply gives the occasion to fetch
   * its result, or to move it. It moves to a
   * worker without any job: between two busy ones it would go to and fro, and use up a slot each time. So no worker gets
   * back what was taken from it before it has shown that it lives, and a job moves no more often than there are workers.
   */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    inRootContext(() => this.#time.inBackground(RESCUE_EVERY, this.#look));
  }

  readonly #look = (): void => {
    this.#isWatching = false;
    const held = this.workers.filter((worker) => worker.fetchWhenStill());
    // Where coroutines hold every place it would only wait again.
    const idle = this.workers.filter((worker) => worker.isIdle && worker.hasPlace);
    const to = idle.find((worker) => worker.isReady) ?? idle[0];
    if (to !== undefined) this.#rescueTo(to);
    this.serve();
    // What is left in the queue may have found a worker not yet done with what it has told the end of.
    const isOver = held.length === 0 && this.queue.length === 0;
    if (!isOver || this.workers.some((worker) => worker.unstarted > 0)) this.#watch();
  };
}

/** Whether a worker is open and has less to do than the best one so far. */
function isBetter(worker: WorkerLink, best: WorkerLink | null): boolean {
  return (best === null || worker.jobs < best.jobs) && worker.isOpen;
}

/** The same for a job that is to begin at once: a thread that is still starting may take its time. */
function isBetterAtOnce(worker: WorkerLink, best: WorkerLink | null): boolean {
  if (!worker.isOpen || !worker.hasPlace) return false;
  if (best === null || worker.isReady !== best.isReady) return best === null || worker.isReady;
  return worker.jobs < best.jobs;
}
