// Which job goes to which worker.
//
// A job goes to a worker that has nothing to do, else to a new one while there are fewer than `size`, else to the one
// with the least to do, as far as about 1 ms of work is posted ahead; the rest waits in one queue. Jobs that were
// posted and have not started are moved: when a worker runs dry, half of those of the worker with the most; when a
// worker is stuck in a long job, all that wait behind it, before the queue is served, as they are older.

import { BoundJobs } from "./bound.ts";
import type { Death } from "./death.ts";
import { Host, type Owner } from "./host.ts";
import type { Job, JobPlace } from "./job.ts";
import { JobQueue } from "./jobqueue.ts";

/** How often jobs that wait behind a long one are looked for, should no reply come that gives the occasion. */
const RESCUE_EVERY = 5;
/** In a burst of submits the workers are looked at every so many jobs. */
const TOP_UP_MASK = 127;

export class Dispatcher {
  readonly hosts: readonly Host[];
  readonly queue = new JobQueue();
  /** Jobs that wait for the one worker they can run in. */
  readonly bound = new BoundJobs();
  /** Where the jobs in the queue are. */
  readonly #place: JobPlace;
  #rescue: NodeJS.Timeout | null = null;

  constructor(size: number, owner: Owner, place: JobPlace) {
    this.hosts = Array.from({ length: size }, () => new Host(owner));
    this.#place = place;
  }

  /** Posts the job to the best worker, or queues it. */
  submit(job: Job): void {
    const host = this.queue.length === 0 ? this.#choose() : null;
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
    const best = (open.length > 0 ? open : this.hosts).reduce((a, b) =>
      b.jobs + b.pins < a.jobs + a.pins ? b : a,
    );
    return best;
  }

  /** The jobs that no worker has yet. */
  get waiting(): Job[] {
    return [...this.bound, ...this.queue];
  }

  /** The jobs that waited for this worker and died with it; a session that ends without any leaves nobody behind. */
  strandedBy(host: Host, { started, unstarted }: Death): Job[] {
    return started.length + unstarted.length > 0 ? this.bound.take(host) : [];
  }

  /** Whether a job submitted now would have to wait in the queue. */
  get isFull(): boolean {
    return this.queue.length > 0 || this.#choose() === null;
  }

  /** Puts jobs that were taken back from a dead worker in front, in their order, and posts what can be. */
  requeue(jobs: readonly Job[]): void {
    for (let i = jobs.length - 1; i >= 0; i--) {
      const job = jobs[i] as Job;
      job._place = this.#place;
      this.queue.unshift(job);
    }
    this.serve();
  }

  /** Posts queued jobs as long as a worker can take one. */
  serve(): void {
    while (this.queue.length > 0) {
      const host = this.#choose();
      const job = host === null ? undefined : this.queue.shift();
      if (job === undefined) return;
      this.#post(host as Host, job);
    }
  }

  /** Gives more work to a worker that has replied. */
  refill(host: Host): void {
    if (!host.isOpen) return;
    this.bound.serve(host);
    if (this.hosts.length > 1) this.#rescueTo(host);
    if (this.queue.length > 0) this.#fill(host);
    else if (host.load === 0 && this.hosts.length > 1) this.#share(host);
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
    if (this.hosts.length > 1) this.#watch();
  }

  #choose(): Host | null {
    let best: Host | null = null;
    let unused: Host | null = null;
    for (const host of this.hosts) {
      if (!host.isLive) {
        if (host.isOpen) unused ??= host;
      } else if ((best === null || host.jobs < best.jobs) && host.room > 0 && host.isOpen) best = host;
    }
    return unused !== null && (best === null || best.jobs > 0) ? unused : this.#unlessStuck(best);
  }

  #unlessStuck(host: Host | null): Host | null {
    return host?.standsStill === true && host.isStuck(performance.now()) ? null : host;
  }

  /** In runs, not one by one: a window that is more than half full is left alone. */
  #fill(host: Host): void {
    if (host.load > 0 && host.room < host.window >> 1) return;
    while (host.isOpen && host.room > 0) {
      const job = this.queue.shift();
      if (job === undefined) return;
      this.#post(host, job);
    }
  }

  /** While the caller submits a burst, no reply can be read: the counters in shared memory tell which worker runs dry. */
  #topUp(): void {
    for (const host of this.hosts) if (host.isLive && host.unstarted < host.window >> 1) this.#fill(host);
  }

  #rescueTo(host: Host): void {
    const now = performance.now();
    for (const other of this.hosts) {
      if (other === host || !other.isStuck(now)) continue;
      if (!other.isReady && !host.isReady) continue; // a second thread would not start any sooner
      const room = Math.max(host.room, host.load === 0 ? 1 : 0);
      if (room > 0) for (const job of other.takeBack(room)) this.#post(host, job);
    }
  }

  #share(host: Host): void {
    let fullest: Host | null = null;
    for (const other of this.hosts) {
      if (other !== host && other.load > 1 && other.unstarted > (fullest?.unstarted ?? 0)) fullest = other;
    }
    if (fullest === null) return;
    for (const job of fullest.takeBack(Math.ceil(fullest.unstarted / 2))) this.#post(host, job);
  }

  /**
   * A job that waits behind a long one may be all there is: then no reply gives the occasion to move it. It moves to a
   * worker without any job: between two busy ones it would go to and fro, and use up a slot each time. So no worker gets
   * back what was taken from it before it has shown that it lives, and a job moves no more often than there are workers.
   */
  #watch(): void {
    this.#rescue ??= setTimeout(() => {
      this.#rescue = null;
      const idle =
        this.hosts.find((host) => host.isIdle && host.isReady) ?? this.hosts.find((host) => host.isIdle);
      if (idle !== undefined) this.#rescueTo(idle);
      this.serve();
      if (this.hosts.some((host) => host.unstarted > 0)) this.#watch();
    }, RESCUE_EVERY).unref();
  }
}
