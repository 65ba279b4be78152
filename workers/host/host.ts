// This is the main side of one worker thread: the jobs posted to it, how much it has to do, and what becomes of
// them. It is a `WorkerLink` to its pool; what is shared with the thread, slots and counters, stays in here.
//
//     pool                      host                               session                    thread
//       post, stop, takeBack ->   table: who has which slot ---->    post, control ------->
//       <- end(job, how)          #settle <----------------------    replies(message) <-----    once a batch
//       <- available
//       <- tell(WorkerEvent)      #tell  <-----------------------    tell(SessionEvent) <---    the rest
//
// States:  IDLE --post--> LIVE --nothing to do for LINGER--> ENDING --the thread has let go--> IDLE
//                          LIVE --the thread dies--> IDLE, its jobs handed back as a Death

import { clearTimeout, setTimeout } from "node:timers";
import type { MessagePort } from "node:worker_threads";
import { CancelledError, inRootContext, monotonicTime } from "../../src/core.ts";
import { serveCallbacks } from "../executor/callbacks.ts";
import type { ShippedFunction } from "../executor/codebook.ts";
import { detailsOf, type Job, jobTimer, priorityOf } from "../executor/job.ts";
import { moved, tellMoved } from "../executor/jobevents.ts";
import type { Settings } from "../executor/options.ts";
import { realTime } from "../executor/time.ts";
import type { LinkOwner, ThreadDeath, WorkerLink } from "../executor/workerlink.ts";
import { codeError, jobError, unreadableError } from "../wire/clone.ts";
import { readReplies } from "../wire/held.ts";
import { CURRENT, JOBS_STARTED, requestCancel, unpark } from "../wire/memory.ts";
import * as wire from "../wire/protocol.ts";
import { decodeThrown, type Encoded } from "../wire/serialize.ts";
import type { NestedCall } from "../wire/uplink.ts";
import { TEARDOWN_WITHIN } from "./leaving.ts";
import { answerNested } from "./nestedcalls.ts";
import type { Output } from "./output.ts";
import { type Refused, Session, type SessionEvent, type SessionOwner } from "./session.ts";
import { SlotTable, Throughput } from "./slottable.ts";

/** So many jobs that cannot be taken back may wait in a thread. */
const AHEAD_FOR_GOOD = 1024;

/** Where a host has its thread from. */
export interface ThreadSource {
  readonly settings: Pick<Settings, "name" | "cancelGrace" | "tasksPerWorker">;
  /** Where it goes what the jobs print. */
  readonly output: Output;
  /** Starts the thread's half of a session; settles when it has let go of the port, fails when the thread dies. */
  open(port: MessagePort, slots: SharedArrayBuffer): Promise<void>;
  /** Ends a thread; `busy` is what it is doing. */
  terminate(threadId: number, busy: string): void;
}

/** A session without jobs ends after so long. */
const LINGER = 50;

export class Host implements WorkerLink, SessionOwner {
  readonly label = "running";
  /** Jobs that were taken back from here to run elsewhere. */
  moved = 0;
  /** Things beside jobs that need the session: actors. */
  pins = 0;
  readonly #threads: ThreadSource;
  readonly #output: Output;
  readonly #tasksPerWorker: number;
  readonly #owner: LinkOwner;
  /** Its jobs, by slot. */
  readonly table: SlotTable = new SlotTable();
  #session: Session | null = null;
  #ending = false;
  /** Its thread is to be replaced: it ends what it has. */
  isRetiring = false;
  /** Another host has its place among the workers: it takes no more jobs, until it has that of a third. */
  isAway = false;
  #isTornDown = false;
  #teardownTimer: NodeJS.Timeout | null = null;
  #posted = 0;
  readonly #throughput = new Throughput();
  /** Jobs with nested calls under way, and how many each has. */
  readonly #away = new Map<Job, number>();
  /** How long coroutines had held their places when that was looked at last. */
  #held = 0;
  /** How many jobs the thread had started when it was last looked at for results to fetch. */
  #lookedAt = -1;
  #linger: NodeJS.Timeout | null = null;
  #killedFor: Job | null = null;
  #killReason: Error | null = null;

  constructor(threads: ThreadSource, owner: LinkOwner) {
    this.#threads = threads;
    this.#output = threads.output;
    this.#tasksPerWorker = threads.settings.tasksPerWorker;
    this.#owner = owner;
  }

  /** Jobs posted and not settled, without those suspended at an await. */
  get load(): number {
    return this.#posted - this.table.suspended;
  }

  /** Jobs posted and not settled. */
  get jobs(): number {
    return this.#posted;
  }

  /** How many jobs may be posted and not started. */
  get window(): number {
    return this.#throughput.window;
  }

  /**
   * How many jobs may be posted now: none ahead of long or suspect ones, nor where coroutines hold every place for long;
   * one ahead where they hold them shortly.
   */
  get room(): number {
    const { table } = this;
    const isFull = this.#isFull(table.suspended);
    if (this.#throughput.isLong || table.holdsSuspect) return isFull ? 0 - table.unstarted : 1 - this.load;
    return (isFull ? 1 : this.window) - table.unstarted;
  }

  get session(): Session | null {
    return this.#session;
  }

  get hasSession(): boolean {
    return this.#session !== null;
  }

  /** The id of its thread, 0 while there is none. */
  get threadId(): number {
    return this.#session?.threadId ?? 0;
  }

  get isLive(): boolean {
    return this.#session !== null && !this.#ending;
  }

  /** Whether a job can be posted now. */
  get isOpen(): boolean {
    return !this.#ending && !this.isRetiring && !this.isAway && this.table.hasRoom;
  }

  /** Whether its thread is set up: it would start a job at once if it were idle. */
  get isReady(): boolean {
    return this.#session?.isReady === true;
  }

  /**
   * Whether the worker has nothing to do, as far as can be seen: all its jobs are suspended, none is in a first step, and
   * it has read that jobs were taken back from it. One that blocks in a later step of a coroutine has not.
   */
  get isIdle(): boolean {
    return this.isOpen && this.load === 0 && this.table.owed === 0 && this.table.words[CURRENT] === 0;
  }

  get unstarted(): number {
    return this.table.unstarted;
  }

  /** Whether its thread, or the one it would start, would begin the next job at once. */
  get hasPlace(): boolean {
    return this.backlog < 0;
  }

  /**
   * How many jobs that cannot be taken back may be posted: one that begins at once, or a few where all that they would
   * wait for is known to be short. In runs, as that is looked up.
   */
  get roomForGood(): number {
    if (this.hasPlace) return 1;
    const { table } = this;
    const isSoonFree =
      this.isReady && table.unstarted <= AHEAD_FOR_GOOD / 2 && this.room > 0 && table.isShort;
    return isSoonFree ? AHEAD_FOR_GOOD - table.unstarted : 0;
  }

  /**
   * Jobs that have not started, without the one that it begins at once; -1 when it would begin one. The thread writes the three words in another
   * order than they are read here, so a job that begins meanwhile is seen before it does or after, not in between.
   */
  get backlog(): number {
    const { table } = this;
    if (this.isRetiring || this.isAway) return table.unstarted;
    const { suspended } = table;
    const isFree = table.words[CURRENT] === 0 && !this.#isFull(suspended);
    const { unstarted } = table;
    return isFree && this.#posted - suspended - unstarted <= 0 ? unstarted - 1 : unstarted;
  }

  /** Its session; opens one when there is none. */
  open(): Session {
    if (this.#session !== null) return this.#session;
    this.#throughput.start(monotonicTime());
    this.#session = new Session(this);
    this.#watchIdle();
    return this.#session;
  }

  // What its session asks for and tells.

  start(port: MessagePort): Promise<void> {
    return this.#threads.open(port, this.table.words.buffer as SharedArrayBuffer);
  }

  terminate(threadId: number): void {
    this.#threads.terminate(threadId, this.#busyWith());
  }

  posted(): void {
    unpark(this.table.words);
  }

  printed(message: wire.Printed, taken: (() => void) | null): void {
    this.#output.print(message, this.table.at(message[2]), taken);
  }

  tell(event: SessionEvent): void {
    if (event.is === "ready") this.#becameReady();
    else if (event.is === "retires") this.#retire();
    else if (event.is === "tornDown") this.#wasTornDown(event.failure);
    else if (event.is === "nested") void this.#nested(event.call);
    else if (event.is === "refused") this.#refused(event);
    else if (event.is === "codeRefused") this.#refusedCode(event.code, event.error);
    else if (event.is === "unread") this.#unread(this.table.unreadSlots(event.first, event.end));
    else if (event.is === "unreadable") this.#unreadable(event.message);
    else if (event.is === "ended") this.#ended(event.error);
    else this.#owner.tell(this, event);
  }

  #becameReady(): void {
    this.#throughput.start(monotonicTime()); // what waited for the thread to be set up has not waited for a job
    this.#owner.tell(this, { is: "ready" });
  }

  #wasTornDown(failure: Encoded | null): void {
    if (failure !== null) this.#owner.tell(this, { is: "stray", error: decodeThrown(failure) });
    this.#endTornDown();
  }

  /** Jobs of the function may have been posted. */
  #refusedCode(code: number, error: unknown): void {
    const jobs = this.table.jobs().filter((job) => job._code?.number === code && this.#retract(job));
    for (const job of jobs) this.#owner.end(job, "failed", codeError(job.name, error));
  }

  /** Has a call of the thread's run on the default executor; meanwhile its job leaves its place to others. */
  async #nested(call: NestedCall): Promise<void> {
    const job = this.table.at(call.slot);
    this.pins++;
    if (job !== undefined) this.#noteAway(job, 1);
    await answerNested(call);
    this.pins--;
    if (job !== undefined) this.#noteAway(job, -1);
  }

  /** One for which the main side knows that it waits for another. */
  leavePlace(job: Job, change: 1 | -1): void {
    this.#noteAway(job, change);
    this.#session?.control(wire.AWAY, job._slot, change);
  }

  #noteAway(job: Job, change: 1 | -1): void {
    const count = (this.#away.get(job) ?? 0) + change;
    if (count > 0 && !job.done()) this.#away.set(job, count);
    else this.#away.delete(job);
    if (change === 1) this.#owner.available(this);
  }

  /** Whether coroutines hold every place of the thread. */
  #isFull(suspended: number): boolean {
    return suspended - this.#away.size >= this.#tasksPerWorker;
  }

  /** Gives a job to the worker. */
  post(job: Job): void {
    const session = this.open();
    const slot = this.table.take(job);
    this.#posted++;
    job._place = this;
    job._slot = slot;
    const code = job._code as ShippedFunction;
    if (job._extra === null && code.number !== wire.OWN_FUNCTION) session.post(slot, code, null, job._args);
    else this.#postSpecial(session, job, code);
  }

  /** Whether jobs wait and none was started since the last look; else it takes no clock to say that it is not stuck. */
  get standsStill(): boolean {
    return this.unstarted > 0 && this.#throughput.standsStill(this.table.words[JOBS_STARTED] as number);
  }

  /** Has the worker started nothing since the last look, long ago, although jobs wait? */
  isStuck(now: number): boolean {
    return this.#throughput.isStuck(this.table.words[JOBS_STARTED] as number, now) && this.unstarted > 0;
  }

  /** Takes back up to `most` jobs that have not started, the newest ones, and returns them oldest first. */
  takeBack(most: number): Job[] {
    const taken: Job[] = [];
    for (const job of this.table.movableJobs(most)) if (this.#retract(job)) taken.push(job);
    return this.#tookBack(taken.reverse());
  }

  /** Takes back the jobs that have not started and are of a lower priority, and returns them oldest first. */
  takeBackBelow(priority: number): Job[] {
    const lower = (job: Job) => priorityOf(job) < priority;
    const taken = this.table.movableJobs().filter((job) => lower(job) && this.#retract(job));
    return this.#tookBack(taken.reverse());
  }

  /** The job that it starts next and that could move, if there is one. */
  get nextMovable(): Job | undefined {
    return this.unstarted === 0 ? undefined : this.table.movableJobs().at(-1);
  }

  /** Takes back this job; false when it has started. */
  takeBackOne(job: Job): boolean {
    if (!this.#retract(job)) return false;
    this.#tookBack([job]);
    return true;
  }

  #tookBack(taken: Job[]): Job[] {
    this.moved += taken.length;
    if (moved.hasSubscribers)
      for (const job of taken) tellMoved(job, this.threadId, this.#threads.settings.name);
    return taken;
  }

  isKnownShort(job: Job): boolean {
    return this.table.isKnownShort(job);
  }

  isRunning(job: Job): boolean {
    return this.table.isStarted(job._slot);
  }

  /** One that has not started is taken back; a running one is asked, and after the grace its thread is ended. */
  stop(job: Job, ending: Error): void {
    if (this.#retract(job)) this.#owner.end(job, "stopped", ending);
    else this.#interrupt(job, ending);
  }

  #interrupt(job: Job, ending: Error): void {
    const extra = job._more();
    const first = extra.ending === null;
    extra.ending = ending;
    requestCancel(this.table.words, job._slot);
    this.#session?.control(wire.CANCEL, job._slot, ending.message);
    if (first) this.#armGrace(job);
  }

  control(job: Job, code: number, value: unknown): void {
    this.#session?.control(code, job._slot, value);
  }

  forget(code: number): void {
    this.#session?.forget(code);
  }

  hurry(): void {
    this.#session?.hurry();
  }

  /** No thread comes for the session that waits for one. */
  abandon(error: Error): void {
    if (this.#session?.threadId === 0) this.#session.abandon(error);
  }

  /** The jobs posted and not settled, in that order. */
  get postedJobs(): Job[] {
    return this.table.jobs();
  }

  /** Ends every job with an error; running ones lose their thread. */
  drop(errorOf: (job: Job) => Error): Job[] {
    this.fetch();
    const jobs = this.table.jobs();
    for (const job of jobs) {
      if (this.#retract(job)) this.#owner.end(job, "stopped", errorOf(job));
      else job._more().ending = errorOf(job);
    }
    if (this.#posted > 0) this.kill(new Error("the pool dropped its jobs"));
    return jobs;
  }

  /** Terminates the thread; the jobs that had started end with what the pool makes of `reason`. */
  kill(reason: Error, job: Job | null = null): void {
    if (this.#session === null) return;
    this.#killedFor ??= job;
    this.#killReason ??= reason;
    this.#session.kill();
  }

  /** The jobs that a thread which is to be ended works on, or has suspended. */
  #busyWith(): string {
    const current = this.#killedFor ?? this.table.at(this.table.words[CURRENT] as number);
    const jobs = current == null ? this.table.jobs().filter((job) => job.running()) : [current];
    if (jobs.length === 0) return "code that a job left behind";
    return jobs.length > 3 ? `${jobs.length} jobs` : jobs.map((job) => `job \`${job.name}\``).join(", ");
  }

  /** Ends the session; resolves when the thread has let go. All its jobs must be settled. */
  async close(): Promise<void> {
    const session = this.#session;
    this.#endSession();
    await session?.ended;
  }

  #postSpecial(session: Session, job: Job, code: ShippedFunction): void {
    const extra = job._more();
    const { transfer } = extra.options;
    const recipe = code.number === wire.OWN_FUNCTION ? { recipe: code.shipment.recipe } : null;
    const own = detailsOf(extra);
    const details: wire.Details | null = recipe === null ? own : { ...(own ?? extra.kind), ...recipe };
    if (extra.callbacks !== null) {
      const { details: callbacks, close } = serveCallbacks(job.name, extra.callbacks);
      extra.cleanups.push(close);
      const moving = [callbacks.port, ...(transfer ?? [])];
      session.postAlone(job._slot, code, { ...(details ?? extra.kind), callbacks }, job._args, moving);
    } else if (transfer === undefined && extra.unread === 0)
      session.post(job._slot, code, details, job._args);
    else session.postAlone(job._slot, code, details, job._args, transfer ?? []);
  }

  #retract(job: Job): boolean {
    if (!this.table.takeBack(job._slot)) return false;
    this.#posted--;
    job._slot = 0;
    return true;
  }

  #armGrace(job: Job): void {
    const grace = job._extra?.options.cancelGrace ?? this.#threads.settings.cancelGrace;
    const why = () => `job \`${job.name}\` went on for more than ${grace} ms after it was cancelled`;
    jobTimer(job._more(), realTime, grace, () => this.kill(new Error(why()), job));
  }

  replies(message: readonly unknown[]): void {
    const end = message.length - wire.TRAILER_WORDS;
    this.#learn((message[end] as number) / 1000, message[end + 1] as number);
    const isHeld = message[0] === wire.HELD;
    if (isHeld) this.#readHeld(message as unknown as wire.HeldReplies);
    for (let i = isHeld ? wire.REPLY_WORDS : 0; i < end; i += wire.REPLY_WORDS) {
      const [slot, kind, value] = [message[i] as number, message[i + 1] as number, message[i + 2]];
      if (kind > wire.LAST_FINAL) this.#notice(slot, kind, value);
      else this.#final(slot, kind, value);
    }
    if (this.isRetiring) this.#tearDownWhenDone();
    this.#owner.available(this);
  }

  #readHeld([, count, [words, text]]: wire.HeldReplies): void {
    readReplies(words, text, count, this.#takeFinal);
  }

  readonly #takeFinal = (slot: number, kind: number, value: unknown): void => this.#final(slot, kind, value);

  /**
   * Settles the jobs that have ended and whose replies the thread cannot send, as it runs another job or has died. What is
   * in the port was said before, as the items of a stream that has ended, so it is taken first; a job whose reply was in it
   * has gone, and its slot may be another's: that one has not begun where the thread still holds the same replies.
   */
  fetch(): void {
    const { unsent } = this.table;
    const { epoch } = unsent;
    const replies = unsent.read();
    if (replies.length === 0) return;
    if (this.#session?.takeAll() === false || unsent.epoch !== epoch) return;
    for (const { slot, kind, value } of replies) {
      const job = this.table.fetch(slot);
      if (job === undefined) continue;
      if (this.#away.size > 0) this.#away.delete(job);
      this.#leave(job, kind, value);
    }
  }

  /** Does so when the thread has started nothing since the last look; true when it is to be looked at again. */
  fetchWhenStill(): boolean {
    if (!this.table.unsent.hasSome) return false;
    const started = this.table.words[JOBS_STARTED] as number;
    const isStill = started === this.#lookedAt;
    this.#lookedAt = started;
    if (isStill) this.fetch();
    return !isStill;
  }

  /** The thread had its jobs for so long; where places are few, coroutines also keep those from others. */
  #learn(busy: number, ran: number): void {
    const tasksPerWorker = this.#tasksPerWorker;
    if (tasksPerWorker === Number.POSITIVE_INFINITY) {
      this.#throughput.learn(busy, ran);
      return;
    }
    const held = this.table.meter.held[0] as number;
    this.#throughput.learn(Math.max(busy, (held - this.#held) / tasksPerWorker), ran);
    this.#held = held;
  }

  #final(slot: number, kind: number, value: unknown): void {
    const job = this.table.free(slot);
    if (job !== undefined) this.#leave(job, kind, value);
  }

  #leave(job: Job, kind: number, value: unknown): void {
    this.#posted--;
    if (!this.#output.isBehind || !this.#defers(job, kind, value)) this.#settle(job, kind, value);
  }

  #defers(job: Job, kind: number, value: unknown): boolean {
    return this.#output.defers(job, () => this.#settle(job, kind, value));
  }

  #settle(job: Job, kind: number, value: unknown): void {
    const lost = job._extra?.lost ?? null;
    if (lost !== null) this.#owner.end(job, "failed", lost);
    else if (kind === wire.OK) this.#owner.end(job, "succeeded", value);
    else if (kind === wire.REPLY_FAILED) this.#owner.end(job, "failed", decodeThrown(value as Encoded));
    else if (kind === wire.UNLOADABLE)
      this.#owner.tell(this, { is: "unloadable", job, error: decodeThrown(value as Encoded) });
    else
      this.#owner.end(job, "stopped", job._extra?.ending ?? new CancelledError(value as string | undefined));
  }

  #notice(slot: number, kind: number, value: unknown): void {
    const job = this.table.at(slot);
    if (kind === wire.STARTED) job?._extra?.onStarted?.();
    else job?._extra?.onItem?.(value);
  }

  /** What the thread has said and cannot be read here: it is the failure of the job that it is about. */
  #unreadable(message: number): void {
    const sent = this.table.sent.find(message);
    if (sent === null) this.kill(new Error("too many of its messages could not be read"));
    else if (sent.slot === wire.ABOUT_SESSION) this.#unreadableError(sent.kind);
    else if (sent.kind === wire.ITEM) this.#unreadableItem(sent.slot);
    else {
      const job = this.table.free(sent.slot);
      if (job === undefined) return;
      this.#posted--;
      const what = sent.kind === wire.OK ? "result" : "error";
      this.#owner.end(job, "failed", unreadableError(`The ${what} of job \`${job.name}\``));
      this.#owner.available(this);
    }
  }

  /** A nested call ends when the port goes that came with it. */
  #unreadableError(kind: number): void {
    if (kind === wire.NESTED) return;
    const error = unreadableError("An error in a worker");
    this.#owner.tell(this, { is: kind === wire.BROKEN ? "broken" : "stray", error });
  }

  #unreadableItem(slot: number): void {
    const job = this.table.at(slot);
    if (job === undefined) return;
    const error = unreadableError(`An item of job \`${job.name}\``);
    job._more().lost = error;
    this.stop(job, error);
  }

  /** Jobs whose message the thread cannot read: each is sent again, alone, and one that was alone fails. */
  #unread(slots: readonly number[]): void {
    const again: Job[] = [];
    for (const slot of slots) {
      const job = this.table.at(slot);
      this.table.unpost(slot);
      if (job === undefined) continue;
      this.#posted--;
      job._slot = 0;
      job._more().unread++;
      if (slots.length > 1) again.push(job);
      else this.#owner.end(job, "failed", unreadableError(`An argument of job \`${job.name}\``));
    }
    this.#owner.tell(this, { is: "returned", jobs: again });
  }

  #refused({ slot, args, details, error }: Refused): void {
    const job = this.table.at(slot);
    this.table.unpost(slot);
    if (job === undefined) return;
    this.#posted--;
    this.#owner.end(job, "failed", jobError(job.name, args, details, error));
  }

  #ended(error: Error | null): void {
    const wasReady = this.isReady;
    this.fetch();
    const isTornDown = this.#isTornDown && this.#posted === 0;
    const wasRetiring = this.isRetiring;
    const { threadId } = this;
    this.#session = null;
    this.#ending = this.isRetiring = this.#isTornDown = false;
    this.#away.clear();
    clearInterval(this.#linger ?? undefined);
    clearTimeout(this.#teardownTimer ?? undefined);
    const isDead = this.#posted > 0 || (error !== null && !isTornDown);
    const death = isDead
      ? this.#takeStock(error ?? new Error("the worker ended its session"), wasReady, threadId)
      : null;
    this.table.reset(error !== null || isDead);
    if (wasRetiring) this.#owner.tell(this, { is: "replaced" });
    if (death !== null) this.#owner.tell(this, { is: "died", death });
    this.#owner.available(this);
  }

  /** What the thread leaves behind; the host is empty then. */
  #takeStock(error: Error, wasReady: boolean, thread: number): ThreadDeath {
    const current = this.table.at(this.table.words[CURRENT] as number);
    const unstarted: Job[] = [];
    const started: Job[] = [];
    for (const job of this.table.jobs()) (this.#retract(job) ? unstarted : started).push(job);
    const culprit = this.#killReason === null ? whoIsToBlame(current, started) : this.#killedFor;
    const cause = this.#killReason ?? error;
    this.#posted = 0;
    this.#killReason = this.#killedFor = null;
    const [threadId, exitCode] = thread === 0 ? [null, null] : [thread, exitCodeOf(error)];
    return { cause, threadId, exitCode, wasReady, culprit, started, unstarted };
  }

  /** Ends the session once its thread is there and nothing has been there to do, or was done, for a whole interval. */
  #watchIdle(): void {
    let idleAt = Number.NaN; // the jobs it had started when it was found idle at the last look
    this.#linger = setInterval(() => {
      this.fetchWhenStill();
      const isIdle = this.isReady && this.#posted === 0 && this.pins === 0;
      const started = this.table.words[JOBS_STARTED] as number;
      if (isIdle && started === idleAt) this.#endSession();
      idleAt = isIdle ? started : Number.NaN;
    }, LINGER).unref();
  }

  /** Its thread takes no more jobs: those that have not started go elsewhere, if they can. */
  #retire(): void {
    if (this.isRetiring || this.#ending) return;
    // An actor may be about to be made there.
    if (this.pins > 0) {
      this.#session?.control(wire.GO_ON, 1, 0);
      return;
    }
    this.isRetiring = true;
    const unstarted = this.takeBack(Number.POSITIVE_INFINITY);
    this.#session?.control(wire.GO_ON, 0, 0);
    this.#owner.tell(this, { is: "retires", unstarted });
    this.#tearDownWhenDone();
  }

  #tearDownWhenDone(): void {
    if (this.#posted > 0 || this.#ending) return;
    this.#ending = true;
    this.#session?.control(wire.TEAR_DOWN, 0, 0);
    this.#teardownTimer = inRootContext(() => setTimeout(() => this.#endTornDown(), TEARDOWN_WITHIN).unref());
  }

  #endTornDown(): void {
    this.#isTornDown = true;
    this.#session?.kill();
  }

  #endSession(): void {
    if (this.#session === null || this.#ending) return;
    this.#ending = true;
    this.#session.close();
  }
}

/** The job to blame: the one whose code ran at the end, or the only one there was. */
function whoIsToBlame(current: Job | undefined, started: readonly Job[]): Job | null {
  if (current !== undefined && started.includes(current)) return current;
  return started.length === 1 ? (started[0] as Job) : null;
}

/** The code a thread ended with, by the error that its session ended with: what it died of, or what piscina says. */
function exitCodeOf(error: Error): number {
  return Number(/^worker exited with code: (\d+)$/.exec(error.message)?.[1] ?? 1);
}
