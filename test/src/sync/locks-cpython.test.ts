// These tests are what CPython's own test_locks asks of locks, events, conditions, semaphores and barriers, with the
// names it has there.
import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  CancelledError,
  Condition,
  createTask,
  Event,
  Future,
  gather,
  getRunningLoop,
  Lock,
  RuntimeError,
  Semaphore,
  sleep,
  type Task,
  TimeoutError,
  taskGroup,
  waitFor,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { failureOf, turns, virtual } from "../../support/virtual.ts";

/** Tasks, numbered from 1, each of which notes its number once it is through. */
function noting(through: () => Promise<unknown>, notes: number[], count: number, from = 1): Task<boolean>[] {
  return Array.from({ length: count }, (_, i) =>
    createTask(async () => {
      await through();
      notes.push(i + from);
      return true;
    }),
  );
}

/** Cancels a task in the next iteration, and expects that this ends it. */
async function cancelSoon(task: Task<unknown>): Promise<void> {
  getRunningLoop().callSoon(() => task.cancel());
  expect(await failureOf(task)).toBeInstanceOf(CancelledError);
}

const resultsOf = (tasks: readonly Task<unknown>[]) => tasks.map((task) => task.result());

describe("Lock, as CPython tests it", () => {
  it("test_acquire: who waits is served in order, one for each release", () =>
    virtual(async () => {
      const lock = new Lock();
      const notes: number[] = [];
      await lock.acquire();
      const tasks = noting(() => lock.acquire(), notes, 2);
      await sleep(0);
      expect(notes).toEqual([]);
      lock.release();
      await sleep(0);
      expect(notes).toEqual([1]);
      await sleep(0);
      expect(notes).toEqual([1]);
      tasks.push(...noting(() => lock.acquire(), notes, 1, 3));
      lock.release();
      await sleep(0);
      expect(notes).toEqual([1, 2]);
      lock.release();
      await sleep(0);
      expect(notes).toEqual([1, 2, 3]);
      expect(resultsOf(tasks)).toEqual([true, true, true]);
    }));

  it("test_acquire_cancel", () =>
    virtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      await cancelSoon(createTask(() => lock.acquire()));
      lock.release();
      expect(lock.locked()).toBe(false);
    }));

  it("test_cancel_race: a release finds the one behind a waiter that was just cancelled", () =>
    virtual(async () => {
      const lock = new Lock();
      const hold = (until: Future<void> | null) => () => lock.with(async () => void (await until));
      const release = new Future<void>();
      const a = createTask(hold(release));
      await sleep(0);
      expect(lock.locked()).toBe(true);
      const b = createTask(hold(null));
      await sleep(0);
      const c = createTask(hold(null));
      await sleep(0);
      release.setResult();
      b.cancel();
      await turns(3);
      expect([lock.locked(), a.done(), b.cancelled(), c.done()]).toEqual([false, true, true, true]);
    }));

  it("test_cancel_release_race: one release gives the lock to one", () =>
    virtual(async () => {
      const lock = new Lock();
      let [calls, locks] = [0, 0];
      const take = async () => {
        calls++;
        await lock.acquire();
        locks++;
      };
      await lock.acquire();
      const [one, two, three] = [createTask(take), createTask(take), createTask(take)];
      await sleep(0);
      getRunningLoop().callSoon(() => {
        one.cancel();
        lock.release();
      });
      expect(await failureOf(one)).toBeInstanceOf(CancelledError);
      expect([locks, calls, one.cancelled(), two.done()]).toEqual([1, 3, true, true]);
      three.cancel();
      await sleep(0);
      expect(three.cancelled()).toBe(true);
    }));

  it("test_finished_waiter_cancelled", () =>
    virtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      const b = createTask(() => lock.acquire());
      await sleep(0);
      const c = createTask(() => lock.acquire());
      b.cancel();
      lock.release();
      await sleep(0);
      expect([lock.locked(), b.cancelled()]).toEqual([true, true]);
      await c;
    }));

  it("test_release_not_acquired, test_release_no_waiters, test_context_manager", () =>
    virtual(async () => {
      const lock = new Lock();
      expect(() => lock.release()).toThrow(RuntimeError);
      await lock.acquire();
      expect(lock.locked()).toBe(true);
      lock.release();
      expect(lock.locked()).toBe(false);
      await lock.with(() => expect(lock.locked()).toBe(true));
      expect(lock.locked()).toBe(false);
    }));
});

describe("Event, as CPython tests it", () => {
  it("test_wait: who comes in the iteration of set() does not wait, those before are told in order", () =>
    virtual(async () => {
      const event = new Event();
      const notes: number[] = [];
      const tasks = noting(() => event.wait(), notes, 2);
      await sleep(0);
      expect(notes).toEqual([]);
      tasks.push(...noting(() => event.wait(), notes, 1, 3));
      event.set();
      await sleep(0);
      expect(notes).toEqual([3, 1, 2]);
      expect(resultsOf(tasks)).toEqual([true, true, true]);
    }));

  it("test_wait_on_set, test_wait_cancel, test_clear", () =>
    virtual(async () => {
      const event = new Event();
      await cancelSoon(createTask(() => event.wait()));
      event.set();
      expect(await event.wait()).toBe(true);
      expect(event.isSet()).toBe(true);
      event.clear();
      expect(event.isSet()).toBe(false);
    }));

  it("test_clear_with_waiters: a clear right after the set takes nothing back", () =>
    virtual(async () => {
      const event = new Event();
      const notes: number[] = [];
      const [task] = noting(() => event.wait(), notes, 1);
      await sleep(0);
      event.set();
      event.clear();
      expect(event.isSet()).toBe(false);
      event.set();
      event.set();
      await sleep(0);
      expect([notes, task?.result()]).toEqual([[1], true]);
    }));
});

describe("Condition, as CPython tests it", () => {
  /** Tasks that take the lock, wait, note their number, and give the lock back if they are to. */
  const waiting = (condition: Condition, notes: number[], count: number, releases: boolean) =>
    Array.from({ length: count }, (_, i) =>
      createTask(async () => {
        await condition.acquire();
        await condition.wait();
        notes.push(i + 1);
        if (releases) condition.release();
        return true;
      }),
    );
  const locked = async (condition: Condition, fn: () => void) => {
    await condition.acquire();
    fn();
    condition.release();
    await sleep(0);
  };

  it("test_wait: who is notified goes on when it has the lock", () =>
    virtual(async () => {
      const condition = new Condition();
      const notes: number[] = [];
      const tasks = waiting(condition, notes, 3, false);
      await sleep(0);
      expect([notes, condition.locked()]).toEqual([[], false]);
      await condition.acquire();
      condition.notify();
      await sleep(0);
      expect([notes, condition.locked()]).toEqual([[], true]);
      condition.release();
      await sleep(0);
      expect([notes, condition.locked()]).toEqual([[1], true]);
      condition.notify(2);
      await sleep(0);
      expect([notes, condition.locked()]).toEqual([[1], true]);
      condition.release();
      await sleep(0);
      expect([notes, condition.locked()]).toEqual([[1, 2], true]);
      condition.release();
      await sleep(0);
      expect([notes, condition.locked()]).toEqual([[1, 2, 3], true]);
      expect(resultsOf(tasks)).toEqual([true, true, true]);
    }));

  it("test_wait_cancel: the lock is held again", () =>
    virtual(async () => {
      const condition = new Condition();
      await condition.acquire();
      await cancelSoon(createTask(() => condition.wait()));
      expect(condition.locked()).toBe(true);
    }));

  it("test_wait_cancel_contested: a notified one that is cancelled while others hold the lock has it in the end", () =>
    virtual(async () => {
      const condition = new Condition();
      await condition.acquire();
      const task = createTask(() => condition.wait());
      await sleep(0);
      expect(condition.locked()).toBe(false);
      await condition.acquire();
      condition.notify();
      getRunningLoop().callSoon(() => task.cancel());
      getRunningLoop().callSoon(() => condition.release());
      await Promise.allSettled([task]);
      expect(condition.locked()).toBe(true);
    }));

  it("test_wait_cancel_after_notify", () =>
    virtual(async () => {
      const condition = new Condition();
      let waited = false;
      const waiter = createTask(() =>
        condition.with(async () => {
          waited = true;
          await condition.wait();
        }),
      );
      await sleep(0);
      await condition.acquire();
      condition.notify();
      await sleep(0);
      waiter.cancel();
      await sleep(0);
      condition.release();
      await turns(2);
      expect([waiter.cancelled(), waited]).toEqual([true, true]);
    }));

  it("test_wait_cancel_after_notify_race: a notification that its receiver cannot use goes to the next", () =>
    virtual(async () => {
      const condition = new Condition();
      const wait = () => condition.with(() => condition.wait());
      const [one, two] = [createTask(wait), createTask(wait)];
      await sleep(0);
      await condition.acquire();
      condition.notify();
      one.cancel();
      condition.release();
      expect(await failureOf(one)).toBeInstanceOf(CancelledError);
      expect(await waitFor(two, 10)).toBe(true);
    }));

  it("test_wait_unacquired, test_notify_unacquired, test_notify_all_unacquired, test_wait_for_unacquired", () =>
    virtual(async () => {
      const condition = new Condition();
      expect(await failureOf(condition.wait())).toBeInstanceOf(RuntimeError);
      expect(() => condition.notify()).toThrow(RuntimeError);
      expect(() => condition.notifyAll()).toThrow(RuntimeError);
      expect(await condition.waitFor(() => [1, 2, 3])).toEqual([1, 2, 3]);
      expect(await failureOf(condition.waitFor(() => false))).toBeInstanceOf(RuntimeError);
    }));

  it("test_wait_for: a notification does not end it while the predicate is false", () =>
    virtual(async () => {
      const condition = new Condition();
      const notes: number[] = [];
      let ready = false;
      const task = createTask(async () => {
        await condition.acquire();
        if (await condition.waitFor(() => ready)) notes.push(1);
        condition.release();
        return true;
      });
      await sleep(0);
      await locked(condition, () => condition.notify());
      await sleep(0);
      expect(notes).toEqual([]);
      ready = true;
      await locked(condition, () => condition.notify());
      await sleep(0);
      expect([notes, task.result()]).toEqual([[1], true]);
    }));

  it("test_notify, test_notify_all", () =>
    virtual(async () => {
      const condition = new Condition();
      const notes: number[] = [];
      const tasks = waiting(condition, notes, 3, true);
      await sleep(0);
      await locked(condition, () => condition.notify(1));
      expect(notes).toEqual([1]);
      await locked(condition, () => {
        condition.notify(1);
        condition.notify(2048);
      });
      expect([notes, resultsOf(tasks)]).toEqual([
        [1, 2, 3],
        [true, true, true],
      ]);
      const others = waiting(condition, notes, 2, true);
      await sleep(0);
      await locked(condition, () => condition.notifyAll());
      expect([notes, resultsOf(others)]).toEqual([
        [1, 2, 3, 1, 2],
        [true, true],
      ]);
    }));

  it("test_context_manager, test_explicit_lock: a condition and its lock are held together", () =>
    virtual(async () => {
      const lock = new Lock();
      const condition = new Condition(lock);
      const held = () => [lock.locked(), condition.locked()];
      expect(held()).toEqual([false, false]);
      await condition.with(() => expect(held()).toEqual([true, true]));
      expect(held()).toEqual([false, false]);
      await lock.with(() => expect(held()).toEqual([true, true]));
      expect(held()).toEqual([false, false]);
    }));

  it("test_timeout_in_block", () =>
    virtual(async () => {
      const condition = new Condition();
      await condition.with(async () => {
        expect(await failureOf(waitFor(() => condition.wait(), 500))).toBeInstanceOf(TimeoutError);
        expect(condition.locked()).toBe(true);
      });
    }));

  it("test_cancelled_error_wakeup: of two waiters the notified one is cancelled, and the other one wakes", () =>
    virtual(async () => {
      const condition = new Condition();
      let ready = 2;
      const take = () =>
        condition.with(async () => {
          await condition.waitFor(() => ready > 0 && ready < 2);
          ready--;
        });
      const tasks = [createTask(take), createTask(take)];
      await sleep(0);
      await condition.with(() => {
        ready = 1;
        condition.notify();
        tasks[0]?.cancel();
      });
      await gather(tasks, { returnExceptions: true });
      expect([ready, tasks.map((task) => task.cancelled())]).toEqual([0, [true, false]]);
    }));
});

describe("Semaphore, as CPython tests it", () => {
  it("test_initial_value_zero, test_semaphore, test_semaphore_value", () => {
    expect(new Semaphore(0).locked()).toBe(true);
    expect([new Semaphore().value, new Semaphore().locked()]).toEqual([1, false]);
    expect(() => new Semaphore(-1)).toThrow(RangeError);
  });

  it("test_acquire", () =>
    virtual(async () => {
      const permits = new Semaphore(3);
      const notes: number[] = [];
      await permits.acquire();
      await permits.acquire();
      expect(permits.locked()).toBe(false);
      const tasks = noting(() => permits.acquire(), notes, 3);
      await sleep(0);
      expect([notes, permits.locked(), permits.value]).toEqual([[1], true, 0]);
      tasks.push(...noting(() => permits.acquire(), notes, 1, 4));
      permits.release();
      permits.release();
      expect(permits.value).toBe(0);
      await sleep(0);
      expect([notes, permits.value, permits.locked()]).toEqual([[1, 2, 3], 0, true]);
      permits.release();
      expect(await gather(tasks)).toEqual([true, true, true, true]);
    }));

  it("test_acquire_cancel, test_acquire_cancel_before_awoken, test_acquire_hang", () =>
    virtual(async () => {
      const permits = new Semaphore(0);
      await cancelSoon(createTask(() => permits.acquire()));
      const tasks = Array.from({ length: 4 }, () => createTask(() => permits.acquire()));
      await sleep(0);
      tasks[0]?.cancel();
      tasks[1]?.cancel();
      permits.release();
      await turns(2);
      expect(tasks.map((task) => task.done())).toEqual([true, true, true, false]);
      tasks[3]?.cancel();
      await sleep(0);
      expect(permits.locked()).toBe(true);
    }));

  it("test_acquire_no_hang: one who is cancelled in the step in which it would get the permit hands it on", () =>
    virtual(async () => {
      const permits = new Semaphore(1);
      const one = createTask(async () => {
        await permits.with(() => sleep(0));
        two.cancel();
      });
      const two: Task = createTask(() => permits.with(() => expect.fail("it was cancelled")));
      const [first, second] = await gather([one, two], { returnExceptions: true });
      expect([first, second]).toEqual([undefined, expect.any(CancelledError)]);
      await waitFor(() => permits.acquire(), 1000);
    }));

  it("test_release_not_acquired, test_release_no_waiters", () =>
    virtual(async () => {
      expect(() => new BoundedSemaphore().release()).toThrow(RangeError);
      const permits = new Semaphore();
      await permits.acquire();
      expect(permits.locked()).toBe(true);
      permits.release();
      expect(permits.locked()).toBe(false);
    }));

  it("test_acquire_fifo_order", () =>
    virtual(async () => {
      const permits = new Semaphore(1);
      const notes: string[] = [];
      await taskGroup((group) => {
        for (const tag of ["c1", "c2", "c3"])
          group.createTask(async () => {
            for (const round of [1, 2]) {
              await permits.acquire();
              notes.push(`${tag}_${round}`);
              await sleep(10);
              permits.release();
            }
          });
      });
      expect(notes).toEqual(["c1_1", "c2_1", "c3_1", "c1_2", "c2_2", "c3_2"]);
    }));

  it("test_acquire_fifo_order_2: who comes again waits behind those who are there", () =>
    virtual(async () => {
      const permits = new Semaphore(1);
      const notes: number[] = [];
      const note = async (number: number) => {
        await permits.acquire();
        notes.push(number);
      };
      const tasks = [
        createTask(() => note(1)),
        createTask(async () => {
          await note(2);
          permits.release();
          await note(4);
        }),
        createTask(() => note(3)),
      ];
      await sleep(0);
      permits.release();
      permits.release();
      await gather(tasks);
      expect(notes).toEqual([1, 2, 3, 4]);
    }));

  it("test_acquire_fifo_order_3, test_acquire_fifo_order_4: a cancelled one is passed over", () =>
    virtual(async () => {
      const permits = new Semaphore(0);
      const notes: number[] = [];
      const tasks = noting(() => permits.acquire(), notes, 3);
      await sleep(0);
      tasks[0]?.cancel();
      await sleep(0);
      permits.release();
      permits.release();
      await gather(tasks, { returnExceptions: true });
      expect(notes).toEqual([2, 3]);
      const others = noting(() => permits.acquire(), notes, 5, 10);
      await sleep(0);
      permits.release();
      permits.release();
      others[0]?.cancel();
      others[1]?.cancel();
      await sleep(0);
      permits.release();
      await turns(2);
      expect(notes).toEqual([2, 3, 12, 13, 14]);
    }));

  it("test_multiple_acquires_cancelled_then_acquired: permits of cancelled waiters are not lost", () =>
    virtual(async () => {
      const permits = new Semaphore(0);
      const tasks = Array.from({ length: 5 }, () => createTask(() => permits.acquire()));
      await sleep(0);
      for (const task of tasks.slice(0, 4)) {
        permits.release();
        task.cancel();
      }
      await gather(tasks, { returnExceptions: true });
      expect([tasks[4]?.cancelled(), permits.value]).toEqual([false, 3]);
    }));
});

describe("Barrier, as CPython tests it", () => {
  const N = 5;
  const start = (count: number, body: () => Promise<unknown>) =>
    Array.from({ length: count }, () => createTask(body));
  const isBroken = (error: unknown) => {
    if (!(error instanceof BrokenBarrierError)) throw error;
  };
  const rest = (barrier: Barrier) => [barrier.nWaiting, barrier.broken];

  it("test_barrier_parties, test_context_manager, test_filling_one_task", () =>
    virtual(async () => {
      for (const parties of [0, -4, 1.5]) expect(() => new Barrier(parties)).toThrow(RangeError);
      const barrier = new Barrier(3);
      const places: number[] = [];
      await gather(start(3, () => barrier.with((place) => void places.push(place))));
      expect([places.sort(), rest(barrier)]).toEqual([
        [0, 1, 2],
        [0, false],
      ]);
      expect(await new Barrier(1).with(() => true)).toBe(true);
    }));

  it("test_filling_one_task_twice, test_filling_task_by_task", () =>
    virtual(async () => {
      const alone = new Barrier(1);
      const [one] = start(1, () => alone.wait());
      await sleep(0);
      const [two] = start(1, () => alone.wait());
      await sleep(0);
      expect([one?.result(), two?.result(), rest(alone)]).toEqual([0, 0, [0, false]]);
      const barrier = new Barrier(3);
      const tasks: Task<unknown>[] = [];
      for (const waiting of [1, 2]) {
        tasks.push(...start(1, () => barrier.wait()));
        await sleep(0);
        expect(barrier.nWaiting).toBe(waiting);
      }
      tasks.push(...start(1, () => barrier.wait()));
      await gather(tasks);
      expect(rest(barrier)).toEqual([0, false]);
    }));

  it("test_filling_tasks_wait_twice, test_filling_tasks_check_return_value", () =>
    virtual(async () => {
      const barrier = new Barrier(N);
      const notes: boolean[] = [];
      const tasks = start(N, () =>
        barrier.with(() => {
          notes.push(true);
          return barrier.with((place) => {
            notes.push(false);
            return place;
          });
        }),
      );
      expect(((await gather(tasks)) as number[]).sort()).toEqual([0, 1, 2, 3, 4]);
      expect(notes).toEqual([...Array(N).fill(true), ...Array(N).fill(false)]);
      expect(rest(barrier)).toEqual([0, false]);
    }));

  it("test_draining_state: it is draining until the last one has left", () =>
    virtual(async () => {
      const barrier = new Barrier(N);
      const notes: number[] = [];
      await gather(start(N, () => barrier.with(() => void notes.push(barrier.nWaiting))));
      expect([notes, rest(barrier)]).toEqual([Array(N).fill(0), [0, false]]);
    }));

  it("test_blocking_tasks_while_draining: who comes again waits for the next round", () =>
    virtual(async () => {
      const [barrier, others] = [new Barrier(N), new Barrier(N - 2)];
      let again = 2;
      await gather(
        start(N, async () => {
          await barrier.wait();
          if (again-- <= 0) await others.wait();
          await barrier.wait();
        }),
      );
      expect([rest(barrier), rest(others)]).toEqual([
        [0, false],
        [0, false],
      ]);
    }));

  it("test_filling_tasks_cancel_one", () =>
    virtual(async () => {
      const barrier = new Barrier(3);
      const notes: boolean[] = [];
      const through = async () => {
        await barrier.wait();
        notes.push(true);
      };
      const [one] = start(1, through);
      await sleep(0);
      const two = start(1, through);
      await sleep(0);
      expect(barrier.nWaiting).toBe(2);
      one?.cancel();
      await turns(2);
      expect([barrier.nWaiting, one?.cancelled()]).toEqual([1, true]);
      await gather([...two, ...start(2, through)]);
      expect([notes.length, rest(barrier)]).toEqual([3, [0, false]]);
    }));

  it("test_reset_barrier, test_reset_barrier_while_tasks_waiting", () =>
    virtual(async () => {
      const alone = new Barrier(1);
      await alone.reset();
      expect(rest(alone)).toEqual([0, false]);
      const barrier = new Barrier(N);
      const tasks = start(N - 1, () => barrier.wait());
      await sleep(0);
      await barrier.reset();
      const ends = await gather(tasks, { returnExceptions: true });
      expect([ends, rest(barrier)]).toEqual([Array(N - 1).fill(expect.any(BrokenBarrierError)), [0, false]]);
    }));

  it("test_reset_barrier_when_tasks_half_draining: those who have not left yet are told", () =>
    virtual(async () => {
      const barrier = new Barrier(N);
      let [left, broken] = [0, 0];
      await gather(
        start(N, async () => {
          try {
            await barrier.wait();
          } catch (error) {
            isBroken(error);
            broken++;
            return;
          }
          if (++left === N - 2) await barrier.reset();
        }),
      );
      expect([left, broken, rest(barrier)]).toEqual([3, 2, [0, false]]);
    }));

  it("test_reset_barrier_when_tasks_half_draining_half_blocking: who waits for the next round is not told", () =>
    virtual(async () => {
      const barrier = new Barrier(N);
      let count = 0;
      const notes: string[] = [];
      await gather(
        start(N, async () => {
          try {
            await barrier.wait();
          } catch (error) {
            isBroken(error);
            notes.push("draining");
            await barrier.wait();
            return;
          }
          if (++count > 2) await barrier.reset();
          await barrier.wait().catch(() => notes.push("blocked"));
        }),
      );
      expect([notes, rest(barrier)]).toEqual([
        ["draining", "draining"],
        [0, false],
      ]);
    }));

  it("test_reset_barrier_while_tasks_waiting_and_waiting_again", () =>
    virtual(async () => {
      const barrier = new Barrier(N);
      const notes: string[] = [];
      const tasks = start(N - 1, async () => {
        try {
          await barrier.wait();
        } catch (error) {
          isBroken(error);
          notes.push("reset");
        } finally {
          await barrier.wait();
          notes.push("through");
        }
      });
      createTask(() => barrier.reset());
      await sleep(0);
      createTask(() => barrier.with(() => void notes.push("through")));
      await gather(tasks);
      await sleep(0);
      expect(notes.sort()).toEqual([...Array(N - 1).fill("reset"), ...Array(N).fill("through")]);
      expect(rest(barrier)).toEqual([0, false]);
    }));

  it("test_reset_barrier_while_tasks_draining: a reset after the last one has left disturbs nobody", () =>
    virtual(async () => {
      const barrier = new Barrier(N);
      let [count, second, third] = [0, 0, 0];
      await gather(
        start(N, async () => {
          await barrier.wait();
          if (++count === N) {
            await barrier.reset();
            await barrier.wait();
          } else {
            await barrier.wait();
            second++;
          }
          await barrier.wait();
          third++;
        }),
      );
      expect([second, third, rest(barrier)]).toEqual([N - 1, N, [0, false]]);
    }));

  it("test_abort_barrier, test_abort_barrier_when_tasks_half_draining_half_blocking", () =>
    virtual(async () => {
      const alone = new Barrier(1);
      await alone.abort();
      expect(rest(alone)).toEqual([0, true]);
      const barrier = new Barrier(N);
      let count = 0;
      const notes: string[] = [];
      await gather(
        start(N, async () => {
          try {
            await barrier.wait();
          } catch (error) {
            isBroken(error);
            notes.push("draining");
            return;
          }
          if (++count > 2) await barrier.abort();
          else await barrier.wait().catch(() => notes.push("blocked"));
        }),
      );
      expect(notes.sort()).toEqual(["blocked", "blocked", "draining", "draining"]);
      expect(rest(barrier)).toEqual([0, true]);
    }));

  it("test_abort_barrier_when_exception, test_abort_barrier_when_exception_then_resetting", () =>
    virtual(async () => {
      const [one, two] = [new Barrier(N), new Barrier(N)];
      const notes: string[] = [];
      const meet = async () => {
        if ((await one.wait()) === 2) throw new RuntimeError("mine");
        await one.wait();
        notes.push("never");
      };
      const abort = async (error: unknown) => {
        if (error instanceof BrokenBarrierError) notes.push("broken");
        else await one.abort();
      };
      await gather(
        start(N, async () => {
          await meet().catch(abort);
          if ((await two.wait()) === 2) await one.reset();
          await two.wait();
          await one.wait();
          notes.push("through");
        }),
      );
      expect(notes.sort()).toEqual([...Array(N - 1).fill("broken"), ...Array(N).fill("through")]);
      expect(rest(one)).toEqual([0, false]);
    }));
});
