/**
 * The pump runs what is ready, in CPython's order (`BaseEventLoop._run_once`): one iteration takes the timers that are due
 * behind what is ready, and runs exactly the entries that are there then; what they schedule runs in the next iteration.
 *
 * CPython's loop calls `coro.send()` and knows when it returns that the step is over. JavaScript has no such call: what
 * resumes an async function returns at once, and the function goes on in microtasks. The pump must nevertheless end one
 * step before it begins the next entry, or tasks would run in each other's midst. So the task itself says that its step
 * is over (`_stepOver`): V8 calls `then` of a pending future when a task really suspends, and the promise of the body
 * settles when it ends. The next entry then starts one microtask later (a "hop"), so that nothing is re-entered.
 *
 * A task may also await a promise that is not ours, of which nobody tells the pump. For that it arms one `nextTick` for
 * each entry from libuv: Node calls it when the microtasks are drained, and if a step is still under way then, the task
 * waits for a foreign promise, and the next entry may run.
 *
 *   libuv --setImmediate/setTimeout--> enter --> next --> entry._run --> DONE: next entry, in a plain loop
 *                                                  ^                 --> STEPPED: ... _stepOver --microtask--> next
 *                                                  |                 --> UNTRACKED: --microtasks drained--> next
 *                                                  +--nextTick-- stalled: still mid-step
 *
 * Libuv gets its turn after some hundred entries or a millisecond, so that sockets and timers of Node do not starve.
 * CPython polls in each iteration; here that would cost a `setImmediate` for each of them.
 *
 * Invariant: exactly one of these is outstanding while the loop runs: the plain loop itself, a step, a hop, a drain,
 * a turn (setImmediate), or an idle sleep.
 */
// Node's own and not those of the global object: a test runner's fake timers, also of before, must not stop the loop.

import { RuntimeError } from "../errors/errors.ts";
import { clearTimeout, LONGEST_WAIT, setImmediate, setTimeout } from "../platform/node/timers.ts";
import { type Clock, monotonicClock } from "./clock.ts";
import {
  type AbstractEventLoop,
  DONE,
  type ExceptionContext,
  type FailedFuture,
  guardProgram,
  inRootContext,
  type ListedTask,
  type Outcome,
  type Runnable,
  runningLoopOrNull,
  setRunningLoop,
  type Timer,
  UNTRACKED,
} from "./events.ts";
import { TaskList } from "./tasklist.ts";
import { TimerHeap } from "./timerheap.ts";

/** libuv gets its turn after so many entries... */
const TURN_ENTRIES = 300;
/** ...or milliseconds. */
const TURN_MS = 1;
/**
 * Reading the clock costs a quarter of a switch, so it is looked at after one entry, then after two more, four, and so
 * on, up to so many: long entries are noticed at once, and short ones pay for few looks.
 */
const MOST_UNLOOKED = 16;
const PATIENCE = 20; // real milliseconds that a clock which jumps leaves to foreign promises

const RESOLVED = Promise.resolve();
const nextTick = process.nextTick.bind(process);
const now = monotonicClock.now;

export abstract class Pump implements AbstractEventLoop {
  /** @internal */ readonly _tasks = new TaskList<ListedTask>();
  /** @internal What holds something outside the loop open, a socket or a process, and what reports at the end. */
  readonly _atClose = new Set<() => void>();
  /** @internal */ _tick = 0;
  readonly #clock: Clock;
  readonly #ready = new ReadyQueue<Runnable>();
  readonly #timers = new TimerHeap();
  /** The clock is not just asked for the time: it jumps, or is told of iterations. */
  #isWatchful = false;
  #running = false;
  #stopping = false;
  #closed = false;
  /** No iteration was begun since the loop was started, or since it slept: `stop` lets one run. */
  #fresh = true;
  /** Entries left of this iteration. */
  #todo = 0;
  /** Entries left before the clock is looked at, how many there were at the last look, and in all until libuv's turn. */
  #untilLook = 0;
  #unlooked = 0;
  #budget = 0;
  #turnEnds = 0;
  #stepping: Runnable | null = null;
  #hopping = false;
  #idle = false;
  /** Nothing has run since libuv had its turn, so no microtask is pending: a clock that jumps may do so. */
  #settled = false;
  #arriving = false; // what libuv brings is being taken
  #sleep: NodeJS.Timeout | null = null;
  /** How many futures wait for something outside the loop, and how many for a promise, which may be settled by us. */
  #outside = 0;
  #promises = 0;
  /** What kept the process alive when the loop was started. */
  #alive: readonly string[] = [];
  /** The entries that were left in mid-step, waiting for a foreign promise. */
  readonly #foreign = new Set<Runnable>();
  #ended: { resolve: () => void; reject: (error: unknown) => void } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  abstract callExceptionHandler(context: ExceptionContext): void;
  abstract getDebug(): boolean;
  abstract _keepUnretrieved(future: FailedFuture, keep: boolean): void;
  abstract _rememberOrigin(made: object): void;
  abstract _reportOf(made: object, context: ExceptionContext): void;
  /**
   * Is called when nothing can wake the loop any more, as the process is about to exit or a clock that jumps has no
   * deadline. Returns the error that this is, or null when nothing is left to do.
   */
  abstract _stuck(): Error | null;

  /** Returns the loop's time in milliseconds, which never goes backwards. */
  time(): number {
    return this.#clock.now();
  }

  /** Tells whether the loop runs. */
  isRunning(): boolean {
    return this.#running;
  }

  /** Tells whether the loop was closed. */
  isClosed(): boolean {
    return this.#closed;
  }

  /** Ends `runForever` after the current iteration; called before it, exactly one iteration runs. */
  stop(): void {
    this.#stopping = true;
    if (this.#idle) this.#wake();
  }

  /**
   * Runs until `stop()` is called, or until the program would end and no task is left. Rejects with RuntimeError when
   * this loop, or another one of this thread, runs already or when it is closed; with DeadlockError when nothing is
   * left that could ever wake it and tasks wait.
   */
  async runForever(): Promise<void> {
    this._checkCanRun();
    this.#running = true;
    this.#fresh = true;
    this.#isWatchful = this.#clock.idle !== undefined || this.#clock.iteration !== undefined;
    if (this.#clock.idle !== undefined) this.#alive = aliveNow();
    setRunningLoop(this);
    process.once("beforeExit", this.#endStuck);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#ended = { resolve, reject };
        this.#turn();
      });
    } finally {
      process.removeListener("beforeExit", this.#endStuck);
    }
  }

  /** Closes the loop: what is scheduled is dropped, and it takes nothing more. Throws RuntimeError while it runs. */
  close(): void {
    if (this.#running)
      throw new RuntimeError("Cannot close a running event loop: stop() it and await runForever() first");
    this.#closed = true;
    for (const entry of [...this.#ready.clear(), ...this.#timers.clear()]) entry._drop?.();
  }

  /** @internal */
  _checkClosed(): void {
    if (this.#closed)
      throw new RuntimeError("Event loop is closed: make another one with newEventLoop(), or use run()");
  }

  /** @internal */
  _checkCanRun(): void {
    this._checkClosed();
    if (runningLoopOrNull() !== null) guardProgram("runs a loop");
    if (this.#running) throw new RuntimeError("This event loop is already running");
    if (runningLoopOrNull() !== null)
      throw new RuntimeError("Cannot run the event loop while another loop of this thread is running");
  }

  /** @internal */
  _push(entry: Runnable): void {
    if (this.#closed) return;
    this.#ready.push(entry);
    if (this.#idle) this.#wake();
  }

  /** @internal */
  _pushTimer(timer: Timer, when: number): void {
    this.#timers.add(timer, when);
    if (this.#idle) this.#wake();
  }

  /** @internal */
  _timerCancelled(): void {
    this.#timers.noteCancelled();
  }

  /** @internal Whether the loop runs and entries wait for their turn. */
  _hasReady(): boolean {
    return this.#running && this.#ready.length > 0;
  }

  /** @internal */
  _stepInto(entry: Runnable): void {
    this.#stepping = entry;
  }

  /** @internal */
  _stepOver(entry: Runnable): void {
    if (this.#stepping !== entry) {
      if (this.#foreign.delete(entry)) this.#reconsider();
      return;
    }
    this._stepEnded(entry);
    this.#stepping = null;
    this.#hopping = true;
    RESOLVED.then(this.#hop);
  }

  /** @internal */
  _waitOutside(change: 1 | -1): void {
    this.#outside += change;
    if (this.#outside === 0) this.#reconsider();
  }

  /** @internal */
  _waitForPromise(change: 1 | -1): void {
    this.#promises += change;
    if (this.#promises === 0) this.#reconsider();
  }

  /** @internal Takes what libuv brings. If that wakes the loop, it goes on at once: libuv's check phase is a way round. */
  _bring<T>(take: (what: T) => void, what: T): void {
    const slept = this.#idle;
    this.#arriving = true;
    try {
      take(what);
    } finally {
      this.#arriving = false;
      if (slept && !this.#idle) this.#enter();
    }
  }

  /** @internal */
  _waitsForForeign(entry: Runnable): boolean {
    return this.#foreign.has(entry);
  }

  /** @internal */
  _isStepping(entry: Runnable): boolean {
    return this.#stepping === entry;
  }

  /** @internal Runs one entry; debug mode watches it. */
  _runEntry(entry: Runnable): Outcome {
    return entry._run(this);
  }

  /** @internal The step of an entry is over; debug mode watches it. */
  _stepEnded(_entry: Runnable): void {}

  #hop = () => {
    if (!this.#hopping) return;
    this.#hopping = false;
    this.#next();
  };

  #enter = () => {
    this.#sleep = null;
    this.#idle = false;
    this.#budget = TURN_ENTRIES;
    this.#unlooked = 1;
    this.#untilLook = 2; // it is counted down before an entry
    const time = now();
    this._tick = time | 0;
    // Beside a clock that jumps real time must change nothing, unless something real is waited for.
    this.#turnEnds = this.#clock.idle === undefined || this.#outside > 0 ? time + TURN_MS : Infinity;
    RESOLVED.then(this.#armNet);
    this.#next();
  };

  /** Runs entries until one resumes a task, the batch is done and nothing is ready, or it is libuv's turn. */
  #next(): void {
    while (this.#running) {
      if (this.#todo === 0) {
        if (!this.#begin()) return;
        continue;
      }
      if (--this.#untilLook === 0 && this.#turnIsOver()) {
        this.#turn();
        return;
      }
      this.#todo--;
      const entry = this.#ready.shift();
      let outcome: Outcome;
      try {
        outcome = this._runEntry(entry);
      } catch (exception) {
        outcome = this.#escaped(entry, exception);
      }
      if (outcome === DONE) continue;
      if (outcome === UNTRACKED) {
        this.#stepping = null;
        RESOLVED.then(this.#armDrain);
      }
      return;
    }
  }

  #turnIsOver(): boolean {
    this.#budget -= this.#unlooked;
    if (this.#budget <= 0 || now() > this.#turnEnds) return true;
    if (this.#unlooked < MOST_UNLOOKED) this.#unlooked *= 2;
    this.#untilLook = this.#unlooked;
    return false;
  }

  /** What escapes from an entry is nobody's to catch: it is told, and the loop goes on. */
  #escaped(entry: Runnable, exception: unknown): Outcome {
    this._stepEnded(entry);
    this.#tell({ message: "Exception in callback", exception });
    return UNTRACKED;
  }

  #tell(context: ExceptionContext): void {
    try {
      this.callExceptionHandler(context);
    } catch {
      // a subclass has replaced how errors are told, and what it does instead fails
    }
  }

  /** Begins an iteration; false when there is nothing to run now. A clock that throws ends the run with its error. */
  #begin(): boolean {
    if (this.#stopping && !this.#fresh) {
      this.#halt()?.resolve();
      return false;
    }
    try {
      return this.#beginIteration();
    } catch (error) {
      this.#halt()?.reject(error);
      return false;
    }
  }

  #beginIteration(): boolean {
    if (this.#isWatchful && !this.#tellClock()) return false;
    if (this.#ready.length === 0 && !this.#stopping && !this.#passTime(this.#timers.next())) {
      this.#fresh = true;
      return false;
    }
    this.#fresh = false;
    if (this.#timers.size > 0) this.#timers.moveDue(this.time(), this.#ready);
    this.#todo = this.#ready.length;
    if (this.#todo > 0) this.#settled = false;
    return true;
  }

  /** Tells a clock that wants to know of the iteration; false when that must wait. */
  #tellClock(): boolean {
    if (this.#mustSettle()) return false;
    this.#clock.iteration?.();
    return true;
  }

  /**
   * A clock that jumps must not do so while what was resumed goes on in microtasks, which may make something ready: it
   * gives libuv one turn before, as a real one does when it sleeps.
   */
  #mustSettle(): boolean {
    if (this.#settled || this.#clock.idle === undefined || this.#ready.length > 0) return false;
    this.#settled = true;
    this.#turn();
    return true;
  }

  /** Nothing is ready: lets time pass. False when the loop now sleeps. */
  #passTime(deadline: number | null): boolean {
    if (this.#clock.idle === undefined) return this.#sleepUntil(deadline);
    if (this.#outside + this.#promises + this.#foreign.size > 0) return this.#standStill(deadline);
    if (this.#clock.idle(deadline)) return true;
    this.#endStuck();
    return false;
  }

  #sleepUntil(deadline: number | null): boolean {
    const wait = deadline === null ? Infinity : deadline - this.time();
    if (wait <= 0) return true;
    this.#idle = true;
    if (wait < Infinity) this.#sleepFor(Math.min(Math.ceil(wait), LONGEST_WAIT));
    return false;
  }

  /** A clock that jumps leaves some real time to promises; to what is certainly outside, as much as it takes. */
  #standStill(deadline: number | null): boolean {
    if (deadline !== null && deadline <= this.time()) return true;
    this.#idle = true;
    if (deadline !== null && this.#outside === 0) this.#sleepFor(PATIENCE);
    return false;
  }

  #sleepFor(delay: number): void {
    this.#sleep = inRootContext(() => setTimeout(this.#awake, delay));
  }

  /** A clock that jumps has left time to promises: perhaps tasks of ours that sleep are to settle them. */
  #awake = () => {
    if (this.#clock.idle === undefined) this.#enter();
    else if (this.#promises > 0 && this.#somethingIsUnderWay()) this.#sleepFor(PATIENCE);
    else this.#jump();
  };

  #jump(): void {
    try {
      this.#clock.idle?.(this.#timers.next());
      this.#enter();
    } catch (error) {
      this.#halt()?.reject(error);
    }
  }

  /** Whether something keeps the process alive that was not there when the loop was started: it may settle a promise. */
  #somethingIsUnderWay(): boolean {
    const before = [...this.#alive, "Timeout"]; // the sleep that has just ended
    return aliveNow().some((resource) => {
      const at = before.indexOf(resource);
      if (at >= 0) before.splice(at, 1);
      return at < 0;
    });
  }

  /** Nothing outside is waited for any more: a clock that jumps may do so now. */
  #reconsider(): void {
    if (this.#idle && this.#clock.idle !== undefined) this.#wake();
  }

  #wake(): void {
    this.#idle = false;
    if (this.#sleep !== null) clearTimeout(this.#sleep);
    this.#sleep = null;
    if (!this.#arriving) this.#turn();
  }

  /** Lets libuv have its turn and goes on after it. */
  #turn(): void {
    inRootContext(setImmediate, this.#enter);
  }

  /** The microtasks will be drained: whoever was resumed cannot go on. */
  #armDrain = () => nextTick(this.#drained);
  #drained = () => {
    RESOLVED.then(this.#armNet); // the net of the entry from libuv has fired before this
    this.#next();
  };

  #armNet = () => nextTick(this.#stalled);
  /** The microtasks are drained in mid-step: the task waits for a foreign promise. */
  #stalled = () => {
    if (this.#stepping === null) return;
    this.#foreign.add(this.#stepping);
    this.#stepping._since = now() | 0;
    this._stepEnded(this.#stepping);
    this.#stepping = null;
    this.#enter();
  };

  #endStuck = (): void => {
    if (!this.#running) return;
    const error = this._stuck();
    const ended = this.#halt();
    if (error === null) ended?.resolve();
    else ended?.reject(error);
  };

  #halt(): { resolve: () => void; reject: (error: unknown) => void } | null {
    const ended = this.#ended;
    this.#ended = null;
    this.#running = this.#stopping = this.#idle = this.#hopping = false;
    this.#stepping = null;
    this.#todo = 0;
    if (this.#sleep !== null) clearTimeout(this.#sleep);
    this.#sleep = null;
    setRunningLoop(null);
    return ended;
  }
}

/** The kinds of what keeps the process alive, as Node tells them. */
function aliveNow(): string[] {
  return process.getActiveResourcesInfo().filter((resource) => resource !== "Immediate");
}

/**
 * The ready queue: first-in first-out in a ring, since a task switch costs little more than one push and one shift.
 */
class ReadyQueue<T> {
  #items: (T | undefined)[] = new Array(1024).fill(undefined);
  #head = 0;
  #mask = 1023;
  length = 0;

  push(item: T): void {
    if (this.length > this.#mask) this.#grow();
    this.#items[(this.#head + this.length++) & this.#mask] = item;
  }

  /** Takes the oldest item; the queue must not be empty. */
  shift(): T {
    const head = this.#head;
    const item = this.#items[head] as T;
    this.#items[head] = undefined;
    this.#head = (head + 1) & this.#mask;
    this.length--;
    return item;
  }

  /** Takes all. */
  clear(): T[] {
    const items = Array.from({ length: this.length }, () => this.shift());
    this.#items = new Array(1024).fill(undefined);
    this.#head = 0;
    this.#mask = 1023;
    return items;
  }

  #grow(): void {
    const old = this.#items;
    const items: (T | undefined)[] = new Array(old.length * 2).fill(undefined);
    for (let i = 0; i < old.length; i++) items[i] = old[(this.#head + i) & this.#mask];
    this.#items = items;
    this.#head = 0;
    this.#mask = items.length - 1;
  }
}
