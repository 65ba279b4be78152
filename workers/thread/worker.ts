// This is what runs in every worker thread: piscina calls `session` for each session, through `entry` and
// `workerthread`.
//
// The thread has one loop of ours, which runs from the first session to the thread's end: getRunningLoop, createTask
// and sleep work in every job, and coroutines of several jobs interleave on it.

import { type MessagePort, receiveMessageOnPort, threadId } from "node:worker_threads";
import { EventLoop, emitWarning } from "../../src/core.ts";
import { currentJob } from "../executor/currentjob.ts";
import type { ThreadOptions } from "../executor/options.ts";
import { reasonOf } from "../shipping/reason.ts";
import { slotsIn } from "../wire/memory.ts";
import { Inbox, open } from "../wire/message.ts";
import type * as wire from "../wire/protocol.ts";
import {
  ABORT,
  ABOUT_SESSION,
  ANSWER,
  ASK,
  BROKEN,
  GO_ON,
  HELLO,
  LET_GO,
  NESTED,
  READY,
  RELEASE,
  RETIRES,
  STRAY,
  TAKEN,
  TEAR_DOWN,
  TORN_DOWN,
  UNREAD,
} from "../wire/protocol.ts";
import { decodeThrown, type Encoded, encodeThrown } from "../wire/serialize.ts";
import { connectUplink } from "../wire/uplink.ts";
import { Functions } from "./functions.ts";
import { Intake, type ThreadState } from "./intake.ts";
import type { Replies } from "./replies.ts";
import "../shared/roster.ts"; // threads that a job starts are watched, whether they share something or not
import { installLoader } from "../shipping/loader.ts";
import { rebuild } from "../shipping/rebuild.ts";
import { CURRENT, type Slots } from "../wire/memory.ts";
import { abortSignal, releaseSignal } from "../wire/signals.ts";
import { earlierPrints, printedWasTaken, printOver } from "./printing.ts";

type Setup = wire.SessionSetup<ThreadOptions>;

const thread: ThreadState = {
  loop: new EventLoop(),
  functions: new Functions(),
  actors: new Map(),
  reportUnhandled,
  begun: 0,
  retires: () => current?.intake.replies.say(RETIRES, 0),
  endThread: (slots, slot) => {
    if (slot !== ABOUT_SESSION) slots[CURRENT] = slot;
    exit(1);
  },
  ranBroadcast: (number) => {
    broadcastsDone = Math.max(broadcastsDone, number + 1);
  },
  hear: (code, id, value) => {
    if (code === ASK) void answer(id, value as wire.Question);
    else if (code === TAKEN) printedWasTaken(id as wire.Descriptor);
    else if (code === LET_GO) letGo();
    else if (code === GO_ON) current?.intake.goOn(id === 1);
    else if (code === TEAR_DOWN) void tearDown();
    else if (code === ABORT) abortSignal(id, decodeThrown(value as Encoded));
    else if (code === RELEASE) releaseSignal(id);
  },
};
let isTakenOver = false;
let setUp = false;
/** What keeps the thread alive beside its sessions, before any code of the program has run. */
let usual = 0;
/** What gives the answers to questions about this thread. */
let answerTo: (question: wire.Question) => Promise<unknown> = async () => null;
let broadcastsDone = 0;
let teardown: wire.Recipe | null = null;
let current: { intake: Intake; port: MessagePort; slots: Slots } | null = null;

/** Says who answers when the host asks about this thread. */
export function answerWith(answerer: typeof answerTo): void {
  answerTo = answerer;
}

/** Serves one host until it closes the port; or runs its teardown, and waits to be ended. */
export default async function session(received: unknown): Promise<void> {
  takeOver();
  const setup = (await open(received)) as Setup | wire.TeardownSetup;
  await ("teardownPort" in setup ? leave(setup.teardownPort) : serve(setup));
}

async function serve(setup: Setup): Promise<void> {
  const { port } = setup;
  if (!setUp) {
    usual = process.getActiveResourcesInfo().length;
    await earlierPrints();
  }
  printOver(port);
  const slots = slotsIn(setup.slots);
  const intake = new Intake(port, slots, setup.options, thread);
  const { replies } = intake;
  replies.say(HELLO, threadId);
  const closed = new Promise((resolve) => port.once("close", resolve));
  try {
    await prepare(setup, replies);
  } catch (error) {
    replies.say(BROKEN, encodeThrown(error));
    printOver(null);
    return;
  }
  replies.say(READY, 0);
  current = { intake, port, slots };
  connectUplink((call, moving) => replies.ask(NESTED, call, moving));
  listen(port, intake);
  await closed;
  printOver(null);
  connectUplink(null);
  thread.begun += intake.started;
  current = null;
  thread.functions.trim();
}

/** Takes what comes over the port. What cannot be read is told by its number. */
function listen(port: MessagePort, intake: Intake): void {
  const inbox = new Inbox((message) => intake.receive(message as unknown[]));
  let messages = 0;
  const take = (message: unknown): void => {
    messages++;
    // An array is never a packed message, and is what comes most.
    if (inbox.waiting === null && Array.isArray(message)) intake.receive(message);
    else inbox.take(message);
  };
  const unreadable = (): void => intake.replies.say(UNREAD, ++messages);
  port.on("messageerror", unreadable);
  port.on("message", (message) => {
    intake.loopTurned();
    take(message);
  });
  if (isNode) intake.mayPark({ usual: usual + 1, takeNext: () => takeNext(port, take, unreadable) });
}

/** Other runtimes do not tell what a thread has of its own. */
const isNode = process.versions.bun === undefined && process.versions.deno === undefined;

/** Takes a message that has come, without a way through the loop; false when there is none. */
function takeNext(port: MessagePort, take: (message: unknown) => void, unreadable: () => void): boolean {
  let next: { message: unknown } | undefined;
  try {
    next = receiveMessageOnPort(port);
  } catch {
    unreadable();
    return true;
  }
  if (next !== undefined) take(next.message);
  return next !== undefined;
}

/** The last task of the thread: the teardown runs, and what it throws is told. */
async function leave(port: MessagePort): Promise<never> {
  printOver(port);
  port.postMessage(await tornDown());
  return new Promise(() => {});
}

/** The end of a thread that is replaced: the same, within its last session. */
async function tearDown(): Promise<void> {
  const replies = current?.intake.replies;
  const failure = await tornDown();
  replies?.say(TORN_DOWN, failure);
}

/** Runs the teardown; gives what it throws, encoded, or null. */
async function tornDown(): Promise<unknown> {
  try {
    if (teardown !== null) await runOnce(teardown, []);
    return null;
  } catch (error) {
    return encodeThrown(error);
  }
}

/** Ends the session. What is printed from here on goes Node's way: a port that is closed takes nothing. */
function letGo(): void {
  printOver(null);
  current?.intake.mayPark(null);
  current?.port.close();
}

async function answer(id: number, question: wire.Question): Promise<void> {
  const replies = current?.intake.replies;
  const value = await answerTo(question);
  replies?.say(ANSWER, [id, value]);
}

/** The thread is ours from its first session on: loading this file does nothing to the thread that loads it. */
function takeOver(): void {
  if (isTakenOver) return;
  isTakenOver = true;
  thread.loop.runForever().catch(() => {}); // the thread ends, and there is nothing left that could wake the loop
  process.on("uncaughtException", reportUnhandled);
  process.on("unhandledRejection", reportUnhandled);
  process.exit = exitWithJob;
}

/** Once in each thread: the loader, preloads, the initializer; and every broadcast it has not run yet. */
async function prepare(setup: Setup, replies: Replies): Promise<void> {
  if (!setUp) {
    await installLoader(setup.loader);
    for (const url of setup.preload) await import(url);
    if (setup.initializer !== null) await runOnce(setup.initializer, []);
    teardown = setup.teardown;
    setUp = true;
  }
  for (const broadcast of setup.broadcasts) await catchUp(broadcast, replies);
}

/** Runs a broadcast that was made before the thread was there. What it throws is told; the thread can be used. */
async function catchUp({ number, recipe, args }: wire.Broadcast, replies: Replies): Promise<void> {
  if (number < broadcastsDone) return;
  const fn = (await rebuild(recipe)) as (...args: unknown[]) => unknown;
  broadcastsDone = number + 1;
  try {
    await thread.loop.createTask(async () => fn(...args));
  } catch (error) {
    replies.say(STRAY, encodeThrown(error, import.meta.url));
  }
}

/** Runs a function of the set-up as a task, so that it may use the loop. */
async function runOnce(recipe: wire.Recipe, args: readonly unknown[]): Promise<void> {
  const fn = (await rebuild(recipe)) as (...args: unknown[]) => unknown;
  await thread.loop.createTask(async () => fn(...args));
}

/** An error that nobody handles is charged to the job whose code made it, and neither the thread nor its neighbours die. */
function reportUnhandled(error: unknown): void {
  const job = currentJob();
  if (job !== null && !job.hasEnded) job.blame(error);
  else if (current !== null) current.intake.replies.say(STRAY, encodeThrown(error));
  else emitWarning("THREADLOOP_STRAY_ERROR", reasonOf(error));
}

const exit = process.exit;

/** A job that ends the thread is to be blamed for it, and what others have to say is said first. */
function exitWithJob(code?: number | string | null): never {
  const job = currentJob();
  if (current !== null && job !== null) current.slots[CURRENT] = job.slot;
  current?.intake.replies.flush();
  return exit(code);
}
