// This is a machine: it takes batches from the queue and has a pool run their calls. The main thread only moves what
// comes and goes, so that nothing of a call can keep the lock of its batch from being renewed.
//
// States: OPEN --close()--> DRAINING: takes no more batches, ends what it has --the last one, or the deadline--> CLOSED

import { hostname } from "node:os";
import { clearInterval, setInterval } from "node:timers";
import type { Job as QueuedBatch } from "bullmq";
import { emitWarning, inRootContext } from "../../src/core.ts";
import type { Job } from "../../workers/executor/job.ts";
import { realTime } from "../../workers/executor/time.ts";
import { gatherSnapshots } from "../../workers/observe/gather.ts";
import { PoolWatch } from "../../workers/observe/poolwatch.ts";
import type { ThreadScheduler } from "../../workers/pool/threadworkers.ts";
import { LruMap } from "../../workers/shipping/lrumap.ts";
import { reasonOf } from "../../workers/shipping/reason.ts";
import { encodeThrown } from "../../workers/wire/serialize.ts";
import { WorkerPool } from "../../workers/workerpool.ts";
import { LOOK_FOR, ProcessInbox } from "../inbox.ts";
import { type MachineOptions, type MachineSettings, machineSettingsOf } from "../options.ts";
import { Outboxes } from "../outbox.ts";
import { dropBlob, encode, readBlob, unseal } from "../payload.ts";
import * as wire from "../protocol.ts";
import { RedisLink } from "../redislink.ts";
import { type Announced, announce, beatOf, withdraw } from "../roster.ts";
import { placesOf } from "./concurrency.ts";
import { type ActorLandlord, HostedActors } from "./hostedactors.ts";
import { HostedBroadcasts } from "./hostedbroadcasts.ts";
import { NamedFunctions } from "./namedfunctions.ts";
import { batchOf, directOf, idsOf } from "./received.ts";
import { type BatchHost, BatchRun, type DirectRunCall } from "./run.ts";
import { type Taker, Taking } from "./taking.ts";

/** What an entry of the inbox, or a batch, may have beside values. */
const OVERHEAD = 2 * 1024 * 1024;
/** Milliseconds for which those who write to this machine take it for there when it is not heard of. */
const LEASE = 60_000;
/** How often it is looked whether the clients are there whose calls are cancelled when they are not. */
const LOOK_FOR_CLIENTS = 1000;
/**
 * A client is gone whose inbox was missing so often, one look after the other: Redis may have come back without its data,
 * and the client after it.
 */
const MOST_MISSING = 3;
/** Milliseconds for which it goes on counting for who looks at it. */
const LONGEST_WATCH = 60_000;
/** So many batches are remembered when they are over. */
const MOST_REMEMBERED = 100_000;

/** A process that runs calls of a queue. */
export interface Machine {
  /** What others call it. */
  readonly id: string;
  /**
   * Takes no more calls, finishes those it has, and disconnects. What is not done within `deadline` milliseconds is
   * told to its callers as lost.
   */
  close(options?: { readonly deadline?: number }): Promise<void>;
}

/** Starts a machine; resolves when it takes calls. Throws RangeError or TypeError that names the option when one is wrong. */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const machine = inRootContext(() => new RunningMachine(machineSettingsOf(options)));
  await inRootContext(() => machine.open());
  return machine;
}

/** Says why no call of a batch is run. */
class Refusal extends Error {}

class RunningMachine implements Machine, BatchHost, Taker, ActorLandlord {
  readonly scheduler: ThreadScheduler;
  readonly functions: NamedFunctions;
  readonly maxPayload: number;
  readonly #settings: MachineSettings;
  readonly #connection: RedisLink;
  readonly #pool: WorkerPool;
  readonly #watch: PoolWatch;
  readonly #inbox: ProcessInbox;
  readonly #taking: Taking;
  readonly #outboxes: Outboxes<wire.Reply>;
  readonly #actors: HostedActors = new HostedActors(this);
  readonly #broadcasts: HostedBroadcasts;
  /** The batches that are not over, by their ids, and by client and call. */
  readonly #runs = new Map<string, BatchRun>();
  readonly #calls = new Map<string, BatchRun>();
  /** Clients whose inboxes are missing, and how often they were in turn. */
  #missing = new Map<string, number>();
  /** Those that were taken lately: whatever becomes of the data of Redis, none is run twice here. */
  readonly #taken = new LruMap<string, true>(MOST_REMEMBERED);
  /** Those that came past the queue. */
  readonly #direct = new Set<Promise<void>>();
  readonly #beat: number;
  #isDraining = false;
  #beating: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #closed: Promise<void> | null = null;

  constructor(settings: MachineSettings) {
    this.#settings = settings;
    this.maxPayload = settings.maxPayload;
    this.#beat = beatOf(settings.lock);
    const { queue, threads, preload, tasksPerWorker, cancelGrace, lock, modules, allowSource } = settings;
    this.#connection = new RedisLink(settings);
    this.#outboxes = new Outboxes(this.#connection);
    const { signer } = this.#connection;
    this.functions = new NamedFunctions(modules, { isSigned: signer.hasSecret, allowSource });
    this.#pool = new WorkerPool({
      name: `cluster ${queue}`,
      size: threads,
      preload,
      tasksPerWorker,
      cancelGrace,
    });
    this.scheduler = this.#pool._scheduler;
    this.#broadcasts = new HostedBroadcasts(this.scheduler);
    this.#watch = new PoolWatch(() => [this.scheduler]);
    this.#inbox = new ProcessInbox(
      this.#connection,
      { lease: LEASE, most: this.maxPayload + OVERHEAD },
      (from, records) => this.#receive(from, records as readonly wire.Order[]),
    );
    this.#taking = new Taking(this.#connection, queue, lock, this);
  }

  get id(): string {
    return this.#connection.id;
  }

  async open(): Promise<void> {
    await this.#inbox.open();
    await this.#announce();
    await this.#taking.start();
    this.#beating = setInterval(() => this.#announceSoon(), this.#beat);
    this.#connection.redis.on("ready", () => this.#announceSoon()); // Redis may have come back without its data
    this.#looking = setInterval(() => void this.#cancelOrphans().catch(() => {}), LOOK_FOR_CLIENTS);
  }

  close({ deadline = Number.POSITIVE_INFINITY }: { readonly deadline?: number } = {}): Promise<void> {
    this.#closed ??= inRootContext(() => this.#drain(deadline));
    return this.#closed;
  }

  async #drain(deadline: number): Promise<void> {
    this.#isDraining = true;
    this.#announceSoon();
    const callOff = realTime.after(deadline, () => void this.#pool.close({ deadline: 0 }));
    const actorsLeft = this.#actors.retire();
    await this.#taking.stop();
    await actorsLeft;
    await Promise.all(this.#direct);
    callOff();
    clearInterval(this.#looking);
    clearInterval(this.#beating);
    await this.#pool.close();
    await withdraw(this.#connection).catch(() => {});
    await this.#inbox.close().catch(() => {});
    this.#connection.close();
  }

  get places(): number {
    return placesOf(this.scheduler, this.#actors.busy);
  }

  tellLost(client: string, number: number, error: Error): void {
    this.#outboxes.to(client).add([wire.ACTOR_LOST, number, encode(encodeThrown(error))]);
  }

  actorsChanged(): void {
    this.#announceSoon();
  }

  submitDirect({ client, turn, fn, args, kind, attached }: DirectRunCall): Job | null {
    switch (kind.is) {
      case "actorMake":
        return this.#actors.make(fn, { client, number: kind.id, turn, args, attached });
      case "actorCall":
        return this.#actors.call(kind.method, { client, number: kind.id, turn, args, attached });
      case "actorDrop":
        return this.#actors.drop({ client, number: kind.id, turn, args, attached });
      case "broadcast":
        return this.#broadcasts.run(fn, args, attached, { client, number: kind.number });
      default:
        return null;
    }
  }

  #announceSoon(): void {
    this.#announce().catch(() => {}); // again at the next beat
  }

  async #announce(): Promise<void> {
    const { name, threads } = this.#settings;
    const { succeeded, failed, cancelled } = this.scheduler.settlement;
    let running = 0;
    for (const run of this.#runs.values()) running += run.running;
    const info: Announced = {
      id: this.id,
      name: name === "" ? hostname() : name,
      host: hostname(),
      pid: process.pid,
      threads,
      node: process.version,
      running,
      succeeded,
      failed,
      cancelled,
      actors: this.#actors.count,
      isDraining: this.#isDraining,
      protocol: wire.VERSION,
      workers: this.#pool.stats().workers,
    };
    await announce(this.#connection, info, this.#beat);
  }

  /** Runs a batch that was taken. Throws to say which calls of it have failed, or why none was run. */
  async run(batch: QueuedBatch<wire.BatchData>): Promise<void> {
    const id = batch.id as string;
    const { from, b: blob } = batch.data;
    const body = await this.#bodyOf(id, batch.data);
    const out = this.#outboxes.to(from);
    const wasTaken = this.#taken.get(id) !== undefined;
    this.#taken.set(id, true);
    await this.#runs.get(id)?.done;
    const run = new BatchRun(this, { id, client: from, turn: null }, body, out);
    await this.#hold(run, body, wasTaken || batch.stalledCounter > 0);
    await out.flushed();
    if (blob !== undefined) await dropBlob(this.#connection.redis, blob);
    if (run.failed > 0)
      throw new Error(`${run.failed} of ${run.size} calls failed: ${reasonOf(run.firstError)}`);
  }

  /** A client whose batch was refused is told to look what became of it; whoever that is, it is told no more. */
  failed(batch: QueuedBatch<wire.BatchData>, failure: unknown): void {
    if (!(failure instanceof Refusal)) return;
    const { redis, keys } = this.#connection;
    const inbox = keys.inbox(String(batch.data.from));
    redis.xadd(inbox, "NOMKSTREAM", "*", LOOK_FOR, String(batch.id)).catch(() => {}); // it looks anyway, a little later
  }

  /** Runs the calls of a batch, which others can talk to meanwhile. */
  async #hold(run: BatchRun, { calls }: wire.BatchBody, wasLost: boolean): Promise<void> {
    const { id, client } = run;
    this.#runs.set(id, run);
    for (const [number] of calls) this.#calls.set(`${client} ${number}`, run);
    try {
      if (wasLost) run.tellLost();
      else run.start();
      await run.done;
    } finally {
      this.#runs.delete(id);
      for (const [number] of calls) this.#calls.delete(`${client} ${number}`);
    }
  }

  /** Runs a batch that came by the inbox. Throws when it cannot be read, or was here before. */
  #runDirect(client: string, { id, turn, body: bytes }: ReturnType<typeof directOf>): void {
    if (this.#taken.get(id) !== undefined) throw new Error(`batch ${id} was here before`);
    this.#taken.set(id, true);
    const body = batchOf(wire.contentOf(bytes));
    const out = this.#outboxes.to(client);
    const done = this.#hold(new BatchRun(this, { id, client, turn }, body, out), body, false)
      .then(() => out.flushed())
      .finally(() => this.#direct.delete(done));
    this.#direct.add(done);
  }

  /** The calls of a batch. Throws to say why it is not run. */
  async #bodyOf(id: string, { v, from, p, b, mac }: wire.BatchData): Promise<wire.BatchBody> {
    if (!(v <= wire.VERSION))
      throw new Refusal(
        `its client speaks version ${v} of the protocol, and machine ${this.#settings.name || this.id} speaks ${wire.VERSION}: update machines before clients`,
      );
    const { redis, keys, signer } = this.#connection;
    const most = this.maxPayload + OVERHEAD;
    try {
      const sealed =
        b === undefined ? Buffer.from(String(p), "base64") : await readBlob(redis, keys, String(b), most);
      if (sealed === null) throw new Error("its arguments have expired");
      if (!signer.isSigned([id, from, sealed], mac))
        throw new Error(
          signer.hasSecret
            ? "it is not signed with the secret of the machines: give the client the same THREADLOOP_CLUSTER_SECRET"
            : "it is signed, and the machines have no secret: give them the same THREADLOOP_CLUSTER_SECRET",
        );
      return batchOf(wire.contentOf(await unseal(sealed, most)));
    } catch (error) {
      throw new Refusal(reasonOf(error), { cause: error });
    }
  }

  /** Cancels what needs a client that is gone. */
  async #cancelOrphans(): Promise<void> {
    const { redis, keys } = this.#connection;
    const runs = [...this.#runs.values()].filter((run) => run.needsClient);
    const missing = new Map<string, number>();
    const talking = runs.map((run) => run.client);
    for (const client of new Set([...talking, ...this.#actors.clients, ...this.#broadcasts.clients])) {
      if ((await redis.exists(keys.inbox(client))) === 1) continue;
      const times = (this.#missing.get(client) ?? 0) + 1;
      missing.set(client, times);
      if (times < MOST_MISSING) continue;
      for (const run of runs) if (run.client === client) run.orphan("Its caller is not there any more");
      this.#actors.orphan(client);
      this.#broadcasts.orphan(client);
    }
    this.#missing = missing;
  }

  #receive(from: string, orders: readonly wire.Order[]): void {
    for (const order of orders) {
      try {
        this.#obey(from, order);
      } catch (error) {
        emitWarning("THREADLOOP_CLUSTER_ENTRY", `What ${from} said cannot be read: ${reasonOf(error)}`);
      }
    }
  }

  #obey(from: string, order: wire.Order): void {
    switch (order[0]) {
      case wire.ASK_MACHINE:
        void this.#tell(from, order[1], order[2]);
        return;
      case wire.ASK_NUMBERS:
        this.#answer(from, order[1], this.#watch.read(Math.min(LONGEST_WATCH, order[2])));
        return;
      case wire.ASK_BATCHES:
        this.#answer(
          from,
          order[1],
          idsOf(order[2]).filter((id) => !this.#runs.has(id)),
        );
        return;
      case wire.RUN_BATCH:
        this.#runDirect(from, directOf(order[1], order[2], order[3]));
        return;
      case wire.LEAVE_ACTOR:
        this.#actors.leave(from, order[1]);
        return;
      case wire.FORGET_BROADCAST:
        this.#broadcasts.forget(from, order[1]);
        return;
      case wire.ABORT_SIGNAL: {
        const run = this.#runs.get(order[1]);
        if (run?.client === from) run.abort(order[2], order[3]);
        return;
      }
    }
    const [kind, number, value] = order;
    const run = this.#calls.get(`${from} ${number}`);
    if (kind === wire.CANCEL_CALL) run?.cancel(number, value as string);
    else if (kind === wire.GIVE_CREDIT) run?.control(number, value as number);
    else if (kind === wire.ANSWER_CALLBACK) run?.answer(number, value as wire.Word);
  }

  #answer(client: string, question: number, answer: unknown): void {
    this.#outboxes.to(client).add([wire.TOLD, question, wire.written(answer)]);
  }

  /** Answers with the tasks of this process, after what runs has been told to have begun. */
  async #tell(client: string, question: number, patience: number): Promise<void> {
    for (const run of this.#runs.values()) if (run.client === client) run.beginIfRunning();
    const snapshots = await gatherSnapshots([this.scheduler], patience / 2);
    const [own, ...threads] = snapshots;
    this.#answer(client, question, [own, ...threads]);
  }
}
