// This is the inside of a ClusterExecutor: which call goes when, and what becomes of it.
//
// A call waits here, in a queue by priority, until there is room ahead: as many batches as keep the threads of the
// cluster busy are posted, and no more. So a call that waits is cancelled at once, priorities are exact, and no client
// can flood the others. How calls travel, and how they are answered, `protocol` tells.
//
// Invariant: a call settles once, through Settlement: by the first final record under its number, or when `reconcile`
// finds that none can come any more.

import {
  CancelledError,
  emitWarning,
  got,
  inRootContext,
  monotonicTime,
  runningLoopOrNull,
} from "../src/core.ts";
import { Backpressure } from "../workers/executor/backpressure.ts";
import { answerCalls, takeCallbacks } from "../workers/executor/callbacks.ts";
import type { ActorHome, CallSettings, Calls } from "../workers/executor/calls.ts";
import { CodeBook, type ShippedFunction } from "../workers/executor/codebook.ts";
import {
  arePrimitive,
  attachOptions,
  type End,
  Job,
  type JobPlace,
  Moments,
  waitingPlace,
} from "../workers/executor/job.ts";
import { captureContext, carriedNow } from "../workers/executor/jobcontext.ts";
import { started, submitted, tellSubmitted } from "../workers/executor/jobevents.ts";
import { OpenStreams } from "../workers/executor/openstreams.ts";
import type { CallOptions } from "../workers/executor/options.ts";
import { Settlement } from "../workers/executor/settlement.ts";
import { realTime } from "../workers/executor/time.ts";
import { JobQueue } from "../workers/pool/jobqueue.ts";
import { reasonOf } from "../workers/shipping/reason.ts";
import type { AnyFunction, Recipe } from "../workers/shipping/recipe.ts";
import type { ShipMode } from "../workers/shipping/shipment.ts";
import { moduleExport, shipOnce } from "../workers/shipping/shipper.ts";
import { codeError, jobError } from "../workers/wire/clone.ts";
import { CloneError } from "../workers/wire/errors.ts";
import { BUCKETS, count } from "../workers/wire/memory.ts";
import { CREDIT, type JobKind } from "../workers/wire/protocol.ts";
import { decodeThrown, type Encoded, encodeThrown } from "../workers/wire/serialize.ts";
import { forgetSession, holdSignals, sendingTo } from "../workers/wire/signals.ts";
import { checkAttached } from "../workers/wire/transfer.ts";
import { ActorHomes } from "./actorhomes.ts";
import { toNames, variablesByName } from "./address.ts";
import { Batch, type BatchOwner, BatchSizes, MOST_BYTES } from "./batch.ts";
import { RemotePort } from "./callbackport.ts";
import { detach } from "./detach.ts";
import type { DirectCall, DirectPosting } from "./direct.ts";
import { ConnectionError, JobLostError, WorkerLostError } from "./errors.ts";
import { runInAllMachines } from "./everywhere.ts";
import { ProcessInbox } from "./inbox.ts";
import { type ClusterSettings, checkShipping } from "./options.ts";
import { Outboxes } from "./outbox.ts";
import { encode } from "./payload.ts";
import { Postbox } from "./postbox.ts";
import * as wire from "./protocol.ts";
import { Questions } from "./questions.ts";
import { Reconciler } from "./reconcile.ts";
import { RedisLink } from "./redislink.ts";
import type { Announced } from "./roster.ts";
import { warnOfSettings } from "./serversettings.ts";

/** At least so many batches are posted, however few threads there are. */
const LEAST_AHEAD = 4;
/** So many of them go whatever they hold; more go when they are whole, or have waited for more calls for so many milliseconds. */
const LEAST_PARTS = 2;
const LONGEST_GATHERING = 4;
/** Calls of which so many make a batch take less time all together than their way does. */
const SHORT = 64;
/** What an entry of the inbox may have beside one result. */
const OVERHEAD = 2 * 1024 * 1024;

/** What one machine said at once. */
interface Entry {
  readonly from: string;
  readonly records: readonly wire.Reply[];
}

type FinalReply = Extract<
  wire.Reply,
  readonly [
    typeof wire.CALL_OK | typeof wire.CALL_FAILED | typeof wire.CALL_CANCELLED | typeof wire.CALL_LOST,
    ...unknown[],
  ]
>;

export class ClusterCalls implements Calls, BatchOwner, DirectPosting {
  readonly options: ClusterSettings;
  readonly settings: CallSettings;
  readonly title: string;
  readonly settlement: Settlement;
  readonly backpressure: Backpressure;
  readonly streams: OpenStreams;
  readonly queue = new JobQueue();
  readonly connection: RedisLink;
  readonly inbox: ProcessInbox;
  readonly postbox: Postbox;
  readonly actors: ActorHomes = new ActorHomes(this);
  /** The batches that are not settled, by their ids. */
  readonly batches = new Map<string, Batch>();
  /** From submission to begin, and from begin to end. */
  readonly waits: Uint32Array = new Uint32Array(BUCKETS);
  readonly runs: Uint32Array = new Uint32Array(BUCKETS);
  /** Resolves when it is connected. */
  readonly ready: Promise<void>;
  /** Why no more jobs are taken, or null. */
  refusal: Error | null = null;
  /** Threads of the machines there are. */
  threads = 1;
  /** The machines that took calls when it was last looked. */
  machines: readonly Announced[] = [];
  /** Calls that machines have begun. */
  begun = 0;
  /** Calls that were given to other machines, as theirs were lost. */
  moved = 0;
  readonly #codes = new CodeBook(() => {});
  readonly #written = new WeakMap<Recipe, Uint8Array>();
  readonly #sizes = new BatchSizes();
  readonly #moments = new Moments();
  /** Posted calls by their numbers. */
  readonly #calls = new Map<number, Batch>();
  readonly #ports = new WeakMap<Job, RemotePort>();
  readonly #items = new WeakMap<Job, number>();
  /** The arguments of calls that moved what was in them: they are not there any more. */
  readonly #moved = new WeakMap<Job, wire.WrittenArgs>();
  readonly #outboxes: Outboxes<wire.Order>;
  readonly #questions: Questions;
  readonly #reconciler: Reconciler;
  readonly #onTheWay = new Set<Job>();
  /** Calls that are being taken back. */
  readonly #leaving = new Set<Job>();
  #whenIdle: (() => void)[] = [];
  #waits = 0;
  /** Batches in the queue that no machine has begun; those that one has may wait for calls that are not posted yet. */
  #ahead = 0;
  #isServing = false;
  /** Calls off the end of the wait for more calls, while there is one. */
  #gathering: (() => void) | null = null;
  #isSettingUp = true;
  #isConnected = false;
  #last = 0;
  readonly #shipping: JobPlace = waitingPlace("shipping", (job, ending) => {
    this.#onTheWay.delete(job);
    this.end(job, "stopped", ending);
  });
  readonly #queued: JobPlace = waitingPlace("queued", (job, ending) => {
    this.queue.forget();
    this.end(job, "stopped", ending);
  });

  constructor(options: ClusterSettings) {
    this.options = options;
    const size = (): number => this.threads;
    this.settings = {
      name: options.name,
      ship: options.ship,
      get size() {
        return size();
      },
    };
    this.title = `cluster "${options.name}"`;
    this.settlement = new Settlement(options.name);
    this.settlement.onAllSettled = () => this.#idle();
    this.backpressure = new Backpressure(`Cluster "${options.name}"`, options.maxQueue, this);
    this.streams = new OpenStreams("cluster", options.name, realTime);
    this.connection = new RedisLink(options);
    this.#outboxes = new Outboxes(this.connection);
    this.#questions = new Questions(this.#outboxes);
    const { lease, maxPayload } = options;
    const received = (from: string, records: readonly unknown[]): void => this.#bring(from, records);
    const limits = { lease, most: maxPayload + OVERHEAD };
    this.inbox = new ProcessInbox(this.connection, limits, received, (batch) =>
      this.#reconciler.lookFor(batch),
    );
    this.postbox = new Postbox(this.connection, options.queue);
    this.#reconciler = new Reconciler(this);
    this.ready = inRootContext(() => this.#connect());
    this.ready.catch(() => {}); // whoever does not look at it hears of it by its calls
  }

  /** Calls that have not begun, without as many as machines would begin at once. */
  get backlog(): number {
    const free = Math.max(0, this.threads - this.begun);
    return this.settlement.open - this.begun - this.#leaving.size - free;
  }

  submit(fn: AnyFunction, args: readonly unknown[], options: CallOptions | null): Job {
    return this.#submit(fn, args, options, null, null);
  }

  submitSpecial(
    fn: AnyFunction,
    args: readonly unknown[],
    options: CallOptions | null,
    kind: JobKind,
    onItem: ((item: unknown) => void) | null,
  ): Job {
    return this.#submit(fn, args, options, kind, onItem);
  }

  checkOpen(): void {
    if (this.refusal !== null) throw this.refusal;
    if (this.connection.outage !== null) throw this.connection.outage;
  }

  hold(fn: AnyFunction, options: CallOptions | null): AnyFunction | Promise<AnyFunction> {
    return shipOnce(fn, options?.ship ?? this.settings.ship);
  }

  exportOf(url: string, name: string): AnyFunction {
    return moduleExport(url, name);
  }

  findHome(Class: AnyFunction, tellDeath: (error: Error) => void): Promise<ActorHome> {
    return this.actors.find(Class, tellDeath);
  }

  runEverywhere(fn: AnyFunction, args: readonly unknown[]): Promise<unknown[]> {
    return runInAllMachines(this, fn, args);
  }

  async shipped(fn: AnyFunction): Promise<ShippedFunction> {
    const code = await this.#codes.of(fn, this.settings.ship);
    this.#writtenCode(code);
    return code;
  }

  postTo(machine: string, { code, args, kind, attached, turns }: DirectCall): Job {
    this.checkOpen();
    const job = this.#make(code.fn, args, null);
    const extra = job._more();
    extra.kind = kind;
    extra.attached = { ...extra.attached, ...attached };
    job._code = code;
    const batch = new Batch(this, machine);
    const call = this.#write(batch, job, new Map());
    if (call === null) return job;
    batch.isAdded = true;
    const body = this.#bodyOf(batch, [call], [code]);
    this.tell(machine, [wire.RUN_BATCH, batch.id, turns.next++, wire.bodyOf(body)]);
    return job;
  }

  tell(machine: string, order: wire.Order): void {
    this.#outboxes.to(machine).add(order);
  }

  end(job: Job, how: End, value: unknown): void {
    this.#ports.get(job)?.close();
    this.#leaving.delete(job);
    this.settlement.end(job, how, value);
    this.backpressure.announce();
  }

  /** From now on no job is taken, for this reason. */
  refuse(error: Error): void {
    this.refusal ??= error;
    this.backpressure.refuse(this.refusal);
  }

  /** Resolves when no job is open. */
  async settled(): Promise<void> {
    if (this.settlement.open === 0) return;
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** The calls that no machine has begun. */
  get unbegun(): Job[] {
    const posted = [...this.batches.values()].filter((batch) => batch.machine === null);
    return [...this.#onTheWay, ...this.queue, ...posted.flatMap((batch) => [...batch.jobs.values()])];
  }

  /** Ends every open job now; machines hear of it, and nobody waits for them. */
  drop(errorOf: (job: Job) => Error): Job[] {
    const waiting = [...this.#onTheWay, ...this.queue];
    for (const job of waiting) job._place.stop(job, errorOf(job));
    const posted = [...this.batches.values()].flatMap((batch) => this.dropBatch(batch, errorOf));
    return [...waiting, ...posted];
  }

  /** Ends the jobs of a batch; it is taken back, or cancelled where it runs. */
  dropBatch(batch: Batch, errorOf: (job: Job) => Error): Job[] {
    const jobs = [...batch.jobs];
    if (batch.recipient === null)
      void batch.added.then(
        () => this.postbox.takeBack(batch.id),
        () => {},
      );
    for (const [number, job] of jobs) {
      const error = errorOf(job);
      if (batch.recipient !== null) this.tell(batch.recipient, [wire.CANCEL_CALL, number, error.message]);
      this.settle(number, batch, () => this.end(job, "stopped", error));
    }
    return jobs.map(([, job]) => job);
  }

  /** What machines have to say now, from each that answers within so many milliseconds. */
  ask(machines: readonly string[], patience: number): Promise<(unknown | null)[]> {
    return this.keepingProcess(() =>
      this.#questions.ask(machines, patience, (question) => [wire.ASK_MACHINE, question, patience]),
    );
  }

  /** Waits for what is said over the connection; the process is kept for that. */
  async keepingProcess<T>(wait: () => Promise<T>): Promise<T> {
    this.#waits++;
    this.#keepProcess();
    try {
      return await wait();
    } finally {
      this.#waits--;
      this.#keepProcess();
    }
  }

  /** It is known which machines take calls. */
  noteMachines(machines: readonly Announced[]): void {
    this.machines = machines;
    const threads = machines.reduce((sum, machine) => sum + machine.threads, 0);
    if (threads > 0) this.threads = threads;
    this.#serveSoon();
  }

  // Calls on their way to machines.

  #submit(
    fn: AnyFunction,
    args: readonly unknown[],
    options: CallOptions | null,
    kind: JobKind | null,
    onItem: ((item: unknown) => void) | null,
  ): Job {
    this.checkOpen();
    if (typeof fn !== "function") throw new TypeError(`Expected \`fn\` to be a function, got ${got(fn)}`);
    const mode = options?.ship ?? this.settings.ship;
    if (mode !== this.settings.ship) checkShipping(mode, this.options.secrets);
    this.backpressure.check();
    const job = this.#make(fn, args, options);
    if (kind !== null) {
      const extra = job._more();
      extra.kind = kind;
      extra.onItem = onItem;
    }
    if (!job.done()) this.#ship(job, fn, mode);
    return job;
  }

  #make(fn: AnyFunction, args: readonly unknown[], options: CallOptions | null): Job {
    const isPlain = arePrimitive(args);
    const called = isPlain ? null : takeCallbacks(args);
    const job: Job = new Job(null, called === null ? args : called.rest, this.#shipping);
    job._submitted = this.#moments.now;
    if (this.settlement.open++ === 0) this.#busy();
    if (options !== null) attachOptions(job, options, realTime, { limitsRun: false });
    if (called !== null) {
      job._more().callbacks = called.callbacks;
      called.caller.pool = this;
    }
    const releaseSignals = isPlain ? null : holdSignals(args);
    if (releaseSignals !== null) job._more().cleanups.push(releaseSignals);
    const { context } = this.options;
    const variables = carriedNow;
    if (context !== undefined || variables !== null) {
      const extra = job._more();
      const captured = context === undefined ? {} : captureContext(context);
      extra.attached = { ...extra.attached, ...captured, ...(variables && { variables }) };
    }
    if (submitted.hasSubscribers || started.hasSubscribers) tellSubmitted(job, fn, this.settings.name);
    return job;
  }

  #ship(job: Job, fn: AnyFunction, mode: ShipMode): void {
    try {
      const code = this.#codes.of(fn, mode);
      if (!(code instanceof Promise)) {
        this.#shipped(job, code);
        return;
      }
      this.#onTheWay.add(job);
      code.then(
        (done) => this.#shipped(job, done),
        (error) => this.#unshippable(job, error),
      );
    } catch (error) {
      this.#unshippable(job, error);
    }
  }

  #shipped(job: Job, code: ShippedFunction): void {
    this.#onTheWay.delete(job);
    if (job.done()) return;
    job._code = code;
    try {
      this.#writtenCode(code);
    } catch (error) {
      this.end(job, "failed", error);
      return;
    }
    job._place = this.#queued;
    this.queue.push(job);
    this.#serveSoon();
  }

  #unshippable(job: Job, error: unknown): void {
    this.#onTheWay.delete(job);
    if (!job.done()) this.end(job, "failed", error);
  }

  /** A function as machines are told of it. */
  #writtenCode({ name, shipment: { recipe } }: ShippedFunction): Uint8Array {
    const known = this.#written.get(recipe);
    if (known !== undefined) return known;
    const named = toNames(recipe, this.options.modules);
    let bytes: Uint8Array;
    try {
      bytes = encode(named);
    } catch (cause) {
      throw codeError(name, cause);
    }
    this.#written.set(recipe, bytes);
    return bytes;
  }

  #serveSoon(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    queueMicrotask(() => {
      this.#isServing = false;
      this.#serve();
    });
  }

  /** Posts batches while there is room ahead. */
  #serve(): void {
    if (!this.#isConnected) return;
    while (this.#hasRoom() && !this.#isGathering()) this.#postNext();
    if (this.#hasRoom()) this.#endGatheringLater();
    else if (this.queue.length === 0) this.#callOffGathering();
    this.backpressure.announce();
  }

  #hasRoom(): boolean {
    const most = Math.max(LEAST_AHEAD, this.options.ahead * this.threads);
    return this.queue.length > 0 && this.#ahead < most;
  }

  /**
   * Whether the next batch does not go yet. While each thread has one before it, calls that do not make up a whole one
   * wait for others: what comes back has them go together, as the way costs more than they do.
   */
  #isGathering(): boolean {
    const next = this.queue.peek() as Job;
    const whole = isApart(next) ? 1 : this.#sizes.of(next._code as ShippedFunction);
    const parts = whole >= SHORT ? 1 : Math.max(LEAST_PARTS, this.threads);
    return this.#ahead >= parts && this.queue.length < whole;
  }

  /** They do not wait for long, as what does not come back may be with a machine that hangs. */
  #endGatheringLater(): void {
    this.#gathering ??= inRootContext(() =>
      realTime.after(LONGEST_GATHERING, () => {
        this.#gathering = null;
        while (this.#hasRoom()) this.#postNext();
        this.backpressure.announce();
      }),
    );
  }

  #callOffGathering(): void {
    this.#gathering?.();
    this.#gathering = null;
  }

  /** Jobs until they make up one batch; one that is told apart, as a stream, goes alone. */
  #postNext(): void {
    const batch = new Batch(this);
    const codes = new Map<ShippedFunction, number>();
    const calls: wire.CallRecord[] = [];
    let weight = 0;
    let bytes = 0;
    for (let job = this.queue.peek(); job !== undefined; job = this.queue.peek()) {
      const share = isApart(job) ? 1 : 1 / this.#sizes.of(job._code as ShippedFunction);
      if (calls.length > 0 && (weight + share > 1.001 || bytes > MOST_BYTES)) break;
      this.queue.shift();
      const call = this.#write(batch, job, codes);
      if (call === null) continue;
      calls.push(call);
      weight += share;
      bytes += wire.sizeOf(call[2]);
      if (weight > 0.999) break;
    }
    if (calls.length > 0) this.#post(batch, calls, [...codes.keys()]);
  }

  /** The record of a call; null for one that cannot be sent, which has failed then. */
  #write(batch: Batch, job: Job, codes: Map<ShippedFunction, number>): wire.CallRecord | null {
    const code = job._code as ShippedFunction;
    const number = ++this.#last;
    let args: wire.WrittenArgs | undefined;
    let details: Uint8Array | undefined;
    try {
      sendingTo(batch, () => {
        args = this.#moved.get(job) ?? this.#writeArgs(job);
        details = this.#writeDetails(job);
      });
    } catch (cause) {
      job._place = this.#shipping;
      const { kind, attached } = job._extra ?? { kind: {}, attached: {} };
      const isTold = cause instanceof CloneError;
      this.end(
        job,
        "failed",
        isTold ? cause : jobError(job.name, job._args, { ...kind, ...attached }, cause),
      );
      return null;
    }
    const place = codes.get(code) ?? codes.size;
    codes.set(code, place);
    job._slot = number;
    job._place = batch;
    batch.jobs.set(number, job);
    batch.codes.add(code);
    this.#calls.set(number, batch);
    return details === undefined
      ? [number, place, args as wire.WrittenArgs]
      : [number, place, args as wire.WrittenArgs, details];
  }

  /** What is moved was copied when it is gone here. */
  #writeArgs(job: Job): wire.WrittenArgs {
    const { transfer } = job._extra?.options ?? {};
    if (transfer !== undefined) checkAttached(transfer);
    const args = wire.writtenArgs(job._args);
    const size = wire.sizeOf(args);
    if (size > this.options.maxPayload)
      throw new CloneError(
        `The arguments of job \`${job.name}\` are ${size} bytes, more than \`maxPayload\`, ${this.options.maxPayload}`,
      );
    if (transfer !== undefined) {
      detach(transfer);
      this.#moved.set(job, args);
    }
    return args;
  }

  #writeDetails(job: Job): Uint8Array | undefined {
    const extra = job._extra;
    if (extra === null) return undefined;
    const { timeout, cancelGrace } = extra.options;
    const variables = extra.attached?.variables;
    const details: wire.CallDetails = {
      kind: extra.kind,
      attached: {
        ...extra.attached,
        name: job.name,
        ...(variables && { variables: variablesByName(variables, this.options.modules) }),
      },
      options: {
        ...(timeout !== undefined && { timeout }),
        ...(cancelGrace !== undefined && { cancelGrace }),
      },
      callbacks: extra.callbacks === null ? null : [...extra.callbacks.keys()],
    };
    return encode(details);
  }

  /** What a batch is that is posted now. */
  #bodyOf(
    batch: Batch,
    calls: readonly wire.CallRecord[],
    codes: readonly ShippedFunction[],
  ): wire.BatchBody {
    batch.size = calls.length;
    batch.postedAt = monotonicTime();
    this.batches.set(batch.id, batch);
    return {
      codes: codes.map((code) => [this.#writtenCode(code), code.name]),
      calls,
      cancelOrphans: this.options.orphans === "cancel",
      most: this.options.maxPayload,
    };
  }

  #post(batch: Batch, calls: readonly wire.CallRecord[], codes: readonly ShippedFunction[]): void {
    const body = this.#bodyOf(batch, calls, codes);
    this.#ahead++;
    const [first] = batch.jobs.values();
    const name = batch.size === 1 ? `${first?.name}` : `${first?.name} ×${batch.size}`;
    batch.added = inRootContext(() => this.postbox.post(batch.id, name, calls.length, body));
    batch.added.then(
      () => {
        batch.isAdded = true;
      },
      (error) => this.dropBatch(batch, () => error),
    );
  }

  // What machines say.

  #bring(from: string, records: readonly unknown[]): void {
    const entry: Entry = { from, records: records as readonly wire.Reply[] };
    const loop = runningLoopOrNull();
    if (loop === null) this.#readAll(entry);
    else loop._bring(this.#readAll, entry);
  }

  readonly #readAll = (entry: unknown): void => {
    const { from, records } = entry as Entry;
    const unknown = new Set<number>();
    for (const record of records) {
      try {
        this.#read(from, record, unknown);
      } catch (error) {
        emitWarning("THREADLOOP_CLUSTER_ENTRY", `What a machine said cannot be read: ${reasonOf(error)}`);
      }
    }
    for (const number of unknown) this.#callOff(from, number);
    this.#serveSoon();
  };

  /** `unknown` gathers the calls that talk to this client, and that it does not have: nobody will answer them. */
  #read(from: string, record: wire.Reply, unknown: Set<number>): void {
    switch (record[0]) {
      case wire.BATCH_BEGAN:
        this.#began(record[1], record[2], record[3]);
        return;
      case wire.BATCH_ENDING:
        this.#ending(record[1], record[2]);
        return;
      case wire.TOLD:
        this.#questions.answer(record[1], wire.read(record[2]));
        return;
      case wire.ACTOR_LOST:
        this.actors.lost(from, record[1], thrownIn(record[2]) as Error);
        return;
    }
    const [, number] = record;
    const batch = this.#calls.get(number);
    const job = batch?.jobs.get(number);
    if (batch === undefined || job === undefined) {
      // Its machine was believed lost, or it was dropped.
      if (record[0] === wire.CALL_ITEM || record[0] === wire.CALLBACK) unknown.add(number);
      return;
    }
    switch (record[0]) {
      case wire.CALL_ITEM:
        this.#takeItem(job, record[2], record[3]);
        return;
      case wire.CALLBACK:
        this.#portOf(batch, number, job).deliver(record[2]);
        return;
      default:
        this.#meter(job, batch);
        if (batch.machine !== null && batch.machine !== from) this.#callOff(batch.machine, number);
        this.settle(number, batch, () => this.#final(record, job, batch.machine));
    }
  }

  /** A machine that has a call still, or may have, is not to go on with it: it was settled without that machine. */
  #callOff(machine: string, number: number): void {
    this.tell(machine, [wire.CANCEL_CALL, number, "Its caller has given it up"]);
  }

  /** One whose begin was not told was begun about when it was posted. */
  #meter(job: Job, batch: Batch): void {
    if (batch.machine === null) count(this.waits, batch.postedAt - job._submitted.at);
    count(this.runs, monotonicTime() - (batch.machine === null ? batch.postedAt : batch.beganAt));
  }

  #began(id: string, machine: string, threads: number): void {
    const batch = this.batches.get(id);
    if (batch === undefined || batch.machine !== null) return;
    batch.machine = machine;
    if (batch.home === null) this.#ahead--;
    this.begun += batch.jobs.size;
    if (threads > this.threads) this.threads = threads;
    const now = monotonicTime();
    batch.beganAt = now;
    const outbox = this.#outboxes.to(machine);
    for (const [number, job] of batch.jobs) {
      count(this.waits, now - job._submitted.at);
      job._extra?.onStarted?.();
      this.#leaving.delete(job);
      const ending = job._extra?.ending ?? null;
      if (ending !== null) outbox.add([wire.CANCEL_CALL, number, ending.message]);
    }
    for (const { id: signal, reason } of batch.aborted)
      outbox.add([wire.ABORT_SIGNAL, id, signal, written(reason)]);
    batch.aborted.length = 0;
    this.backpressure.announce();
  }

  #ending(id: string, took: number): void {
    const batch = this.batches.get(id);
    if (batch === undefined) return;
    batch.took = took;
    if (batch.home === null) this.#sizes.learn(batch);
  }

  /** Items come in order; one that is missing went to an inbox that was lost meanwhile. */
  #takeItem(job: Job, at: number, item: wire.Word): void {
    const extra = job._more();
    const expected = this.#items.get(job) ?? 0;
    this.#items.set(job, expected + 1);
    try {
      if (at !== expected)
        throw new JobLostError(`Item ${expected + 1} of stream \`${job.name}\` was lost on its way`);
      extra.onItem?.(wire.read(item));
    } catch (error) {
      extra.lost ??= error as Error;
      job._place.stop(job, error as Error);
    }
  }

  /** How a call has ended. */
  #final(record: FinalReply, job: Job, machine: string | null): void {
    const { ending = null, lost = null } = job._extra ?? {};
    if (lost !== null) this.end(job, "failed", lost);
    else if (record[0] === wire.CALL_OK) this.#succeeded(job, record[2]);
    else if (record[0] === wire.CALL_FAILED) this.end(job, "failed", thrownIn(record[2]));
    else if (record[0] === wire.CALL_CANCELLED)
      this.end(job, "stopped", ending ?? new CancelledError(record[2]));
    else this.lose(job, machine);
  }

  #succeeded(job: Job, word: wire.Word): void {
    let value: unknown;
    try {
      value = wire.read(word);
    } catch (error) {
      this.end(job, "failed", error);
      return;
    }
    this.end(job, "succeeded", value);
  }

  machineLost(machine: string): void {
    this.actors.machineLost(machine);
  }

  /** Which of these batches a machine does not have; null when it does not say so in time. */
  async unknownTo(machine: string, ids: readonly string[], patience: number): Promise<string[] | null> {
    const [answer] = await this.#questions.ask([machine], patience, (question) => [
      wire.ASK_BATCHES,
      question,
      ids,
    ]);
    return Array.isArray(answer) ? answer : null;
  }

  /**
   * Ends, or runs again, the calls of a batch that no record will settle. The machine that has it still is told, and where
   * none has said that it has it each of `machines`.
   */
  giveUp(batch: Batch, machines: readonly string[], how: (job: Job) => void): void {
    const asked = batch.recipient === null ? machines : [batch.recipient];
    for (const [number, job] of [...batch.jobs]) {
      for (const machine of asked) this.#callOff(machine, number);
      this.settle(number, batch, () => how(job));
    }
  }

  /** Its machine was lost: it runs again, where it may. */
  lose(job: Job, machine: string | null): void {
    const extra = job._more();
    if (extra.ending !== null) this.end(job, "stopped", extra.ending);
    else if (extra.options.idempotent === true && ++extra.deaths < this.options.attempts) {
      this.moved++;
      this.#putBack([job]);
    } else this.end(job, "failed", this.#lostError(job, machine));
  }

  #lostError(job: Job, machine: string | null): WorkerLostError {
    const advice = this.#adviceFor(job);
    const where = machine === null ? "The machine" : `Machine ${machine}`;
    return new WorkerLostError(
      `${where} that ran job \`${job.name}\` was lost: it may have run in part, or to its end${advice}`,
      { job: job.name, ...(machine !== null && { machine }) },
    );
  }

  #adviceFor(job: Job): string {
    const { kind, options } = job._more();
    if (kind.is === "broadcast" || options.idempotent === true) return "";
    const isOfActor = kind.is === "actorMake" || kind.is === "actorCall" || kind.is === "actorDrop";
    return isOfActor
      ? ". Spawn another actor: that one is lost with it"
      : ". Say that it is `idempotent` to have it run again";
  }

  /** Puts jobs that were posted in front of their equals, in their order. */
  #putBack(jobs: readonly Job[]): void {
    for (const job of [...jobs].reverse()) {
      this.#ports.get(job)?.close();
      this.#ports.delete(job);
      job._place = this.#queued;
      this.queue.unshift(job);
    }
    this.#serveSoon();
  }

  /** A posted call is settled, or is no longer where it was posted to. */
  settle(number: number, batch: Batch, how: () => void): void {
    this.#calls.delete(number);
    if (batch.jobs.delete(number) && batch.machine !== null) this.begun--;
    if (batch.jobs.size === 0 && this.batches.delete(batch.id)) {
      if (batch.recipient === null) this.#ahead--;
      forgetSession(batch);
    }
    how();
  }

  // Calls that are being stopped, or talked with.

  /** One that no machine has yet is taken back, with its batch; else its machine is told, now or when it says that it has it. */
  stop(batch: Batch, job: Job, ending: Error): void {
    const extra = job._more();
    const isFirst = extra.ending === null;
    extra.ending = ending;
    if (batch.recipient !== null) this.tell(batch.recipient, [wire.CANCEL_CALL, job._slot, ending.message]);
    else if (isFirst) {
      this.#leaving.add(job);
      this.backpressure.announce();
      void this.#takeBack(batch);
    }
  }

  async #takeBack(batch: Batch): Promise<void> {
    try {
      await batch.added;
      if (!(await this.postbox.takeBack(batch.id))) return; // a machine has it: BEGAN comes, or the end
    } catch {
      return; // it was not added, and its jobs have failed, or the connection is lost: then it is looked for later
    }
    const back: Job[] = [];
    for (const [number, job] of [...batch.jobs]) {
      const ending = job._extra?.ending ?? null;
      this.settle(number, batch, () => {
        if (ending !== null) this.end(job, "stopped", ending);
        else back.push(job);
      });
    }
    this.#putBack(back);
  }

  control(batch: Batch, job: Job, code: number, value: unknown): void {
    if (code === CREDIT && batch.recipient !== null)
      this.tell(batch.recipient, [wire.GIVE_CREDIT, job._slot, value as number]);
  }

  signalAborted(batch: Batch, id: number, reason: unknown): void {
    if (batch.recipient === null) batch.aborted.push({ id, reason });
    else this.tell(batch.recipient, [wire.ABORT_SIGNAL, batch.id, id, written(reason)]);
  }

  #portOf(batch: Batch, number: number, job: Job): RemotePort {
    const known = this.#ports.get(job);
    if (known !== undefined) return known;
    const port = new RemotePort((message) => {
      if (batch.recipient !== null) this.tell(batch.recipient, [wire.ANSWER_CALLBACK, number, message]);
    });
    this.#ports.set(job, port);
    answerCalls(job.name, job._extra?.callbacks ?? new Map(), port);
    return port;
  }

  // The connection.

  async #connect(): Promise<void> {
    const { connectTimeout } = this.options;
    const lost = new Promise<never>((_, reject) => {
      this.connection.watch(connectTimeout, (error) => {
        reject(error);
        this.#unreachable(error);
      });
    });
    lost.catch(() => {});
    const opened = this.inbox.open().then(() => {
      this.#isConnected = true;
      this.#serveSoon();
      void this.#reconciler.look();
    });
    try {
      await Promise.race([opened.then(() => warnOfSettings(this.connection, this.title)), lost]);
    } catch (cause) {
      if (cause instanceof ConnectionError) throw cause;
      const error = new ConnectionError(`Redis refuses ${this.title}: ${reasonOf(cause)}`, { cause });
      this.#unreachable(error);
      throw error;
    } finally {
      this.#isSettingUp = false;
      this.#keepProcess();
    }
  }

  /** Nobody writes to this process any more. */
  async disconnect(): Promise<void> {
    this.#reconciler.stop();
    await this.keepingProcess(async () => {
      this.actors.leave();
      await this.#outboxes.flushed();
      await this.inbox.close();
      await this.postbox.close();
    });
  }

  #unreachable(error: ConnectionError): void {
    this.drop(() => error);
    this.backpressure.announce();
  }

  #busy(): void {
    this.#reconciler.start();
    this.#keepProcess();
  }

  #idle(): void {
    this.#reconciler.stop();
    this.#keepProcess();
    for (const tell of this.#whenIdle.splice(0)) tell();
  }

  /** The process goes on while something is open here. */
  #keepProcess(): void {
    this.connection.hold(this.#isSettingUp || this.settlement.open > 0 || this.#waits > 0);
  }
}

/** Goes alone: it goes on for long, and talks with its caller. */
function isApart({ _extra: extra }: Job): boolean {
  return (
    extra !== null && (extra.callbacks !== null || extra.kind.is === "stream" || extra.kind.is === "each")
  );
}

function thrownIn(word: wire.Word): unknown {
  return decodeThrown(wire.read(word) as Encoded);
}

/** The reason of a signal, as errors travel. */
function written(reason: unknown): wire.Word {
  return encode(encodeThrown(reason));
}
