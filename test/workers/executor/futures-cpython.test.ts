// These tests are what CPython's own test_concurrent_futures asks of executors and their futures, with the names it has
// there.
import { asCompleted, CancelledError, InvalidStateError, run, TimeoutError, wait, waitFor } from "threadloop";
import {
  BrokenPoolError,
  CloneError,
  type Job,
  PoolClosedError,
  WorkerTerminatedError,
} from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/jobs.mjs";
import { errorOf, Gate, makePool } from "../../support/pools.ts";
import { failureOf } from "../../support/virtual.ts";

const isCancel = expect.any(CancelledError);

/** A pool of one thread whose first job holds it until the gate is opened. */
async function held() {
  const pool = makePool({ size: 1 });
  const gate = new Gate();
  const holding = pool.submit(jobs.blockUntilOpen, gate.buffer);
  await gate.at(1);
  return { pool, gate, holding };
}

/** Jobs that have ended: well, with an error, cancelled. */
async function ended() {
  const { pool, gate, holding } = await held();
  const cancelled = pool.submit(jobs.add, 1, 2);
  cancelled.cancel();
  gate.open();
  const failed = pool.submit(jobs.failAtThree, 3);
  const good = pool.submit(jobs.add, 40, 2);
  await Promise.allSettled([holding, failed, good, cancelled]);
  return { good, failed, cancelled };
}

describe("an executor, as CPython tests it", () => {
  it("test_submit, test_map, test_map_submits_without_iteration, test_map_exception", async () => {
    const pool = makePool();
    expect(await pool.submit(Math.pow, 2, 8)).toBe(256);
    const squares: number[] = [];
    for await (const square of pool.map((n: number) => n * n, [1, 2, 3, 4])) squares.push(square);
    expect(squares).toEqual([1, 4, 9, 16]);
    const results = pool.map(jobs.failAtThree, [1, 2, 3, 4])[Symbol.asyncIterator]();
    expect((await results.next()).done).toBe(false);
    expect((await results.next()).done).toBe(false);
    expect(await failureOf(results.next() as Promise<unknown>)).toBeInstanceOf(Error);
  });

  it("test_map_chunksize: the results are the same whatever travels together", async () => {
    const pool = makePool();
    const items = Array.from({ length: 40 }, (_, i) => i);
    for (const chunkSize of [1, 7, 40, 100]) {
      const results: number[] = [];
      for await (const each of pool.map((n: number) => n + 1, items, { chunkSize })) results.push(each);
      expect(results).toEqual(items.map((item) => item + 1));
    }
    expect(() => pool.map(jobs.echo, items, { chunkSize: -1 })).toThrow(RangeError);
  });

  it("test_max_workers_negative, test_max_workers_too_large", () => {
    for (const size of [0, -1, 1.5, Number.NaN]) expect(() => makePool({ size })).toThrow();
  });

  it("test_saturation, test_idle_thread_reuse: no more threads than its size, and an idle one is used again", async () => {
    const pool = makePool({ size: 2 });
    const gate = new Gate();
    const many = Array.from({ length: 10 }, () => pool.submit(jobs.blockUntilOpen, gate.buffer));
    await gate.at(2);
    expect(pool.stats().threads).toBe(2);
    gate.open();
    await Promise.all(many);
    const single = makePool({ size: 4 });
    const ids = new Set<number>();
    for (let i = 0; i < 3; i++) ids.add(await single.submit(jobs.where));
    expect([ids.size, single.stats().threads]).toEqual([1, 1]);
  });

  it("test_traceback: an error has the stack of the thread", async () => {
    const error = await errorOf(makePool({ size: 1 }).submit(jobs.failAtThree, 3));
    expect(error.stack).toMatch(/failAtThree/);
  });

  it("test_initializer, FailingInitializerMixin.test_initializer", async () => {
    const pool = makePool({ size: 2, initializer: jobs.initialize });
    await pool.submit(jobs.echo, 1);
    const broken = makePool({ size: 1, initializer: jobs.brokenInitializer });
    const futures = Array.from({ length: 3 }, () => broken.submit(jobs.echo, 1));
    for (const future of futures) expect(await errorOf(future)).toBeInstanceOf(BrokenPoolError);
    expect(await failureOf(async () => await broken.submit(jobs.echo, 1))).toBeInstanceOf(BrokenPoolError);
  });
});

describe("the end of an executor, as CPython tests it", () => {
  it("test_run_after_shutdown, test_shutdown_race_issue12456, test_context_manager_shutdown", async () => {
    const pool = makePool();
    await pool.submit(Math.abs, -1);
    await Promise.all([pool.close(), pool.close()]);
    await pool.close();
    expect(await failureOf(async () => await pool.submit(Math.abs, -1))).toBeInstanceOf(PoolClosedError);
  });

  it("test_hang_issue12364, test_shutdown_no_wait: what was submitted before is done", async () => {
    const pool = makePool({ size: 2 });
    const before = Array.from({ length: 50 }, (_, n) => pool.submit(jobs.add, n, 1));
    const closing = pool.close();
    expect(await Promise.all(before)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    await closing;
  });

  it("test_cancel_futures, test_cancel_futures_wait_false: those that have not started are cancelled", async () => {
    const { pool, gate, holding } = await held();
    const waiting = Array.from({ length: 20 }, (_, n) => pool.submit(jobs.add, n, 1));
    const closing = pool.close({ cancelFutures: true });
    const ends = await Promise.allSettled(waiting);
    expect(ends.map(({ status }) => status)).toEqual(Array(20).fill("rejected"));
    expect([waiting.every((job) => job.cancelled()), holding.done()]).toEqual([true, false]);
    gate.open();
    await Promise.all([holding, closing]);
  });
});

describe("threads that die, as CPython tests it", () => {
  it("test_killed_child, test_exit_during_func_exec_on_worker: the job fails, and the pool goes on", async () => {
    const pool = makePool({ size: 1 });
    expect(await errorOf(pool.submit(jobs.exit, 3))).toBeInstanceOf(WorkerTerminatedError);
    expect(await pool.submit(jobs.add, 1, 2)).toBe(3);
  });

  it("test_error_at_task_pickle, test_error_during_result_pickle_on_worker: what cannot be sent fails its job", async () => {
    const pool = makePool({ size: 1 });
    const cannot = new WeakMap();
    expect(await errorOf(pool.submit(jobs.echo, cannot as never))).toBeInstanceOf(CloneError);
    expect(await errorOf(pool.submit(() => new WeakMap() as never))).toBeInstanceOf(CloneError);
    expect(await errorOf(pool.submit(jobs.throwsUncloneable))).toBeInstanceOf(Error);
    expect(await pool.submit(jobs.add, 1, 2)).toBe(3);
  });

  it("test_exit_at_task_unpickle, test_shutdown_deadlock: an end while threads die does not hang", async () => {
    const pool = makePool({ size: 2 });
    const dying = Array.from({ length: 4 }, () => pool.submit(jobs.exit, 3));
    await Promise.all([pool.close(), ...dying.map(errorOf)]);
    expect(dying.every((job) => job.done())).toBe(true);
  });
});

describe("wait and asCompleted over jobs, as CPython tests them", () => {
  it("test_first_completed, test_first_completed_some_already_completed, test_20369", () =>
    run(async () => {
      const { pool, gate, holding } = await held();
      const { good } = await ended();
      const first = await wait([good, holding, good], { returnWhen: "FIRST_COMPLETED" });
      expect([first.done, first.pending]).toEqual([
        new Set<Job<unknown>>([good]),
        new Set<Job<unknown>>([holding]),
      ]);
      gate.open();
      const other = pool.submit(jobs.add, 1, 2);
      const all = await wait<Job<unknown>>([holding, other, holding]);
      expect([all.done, all.pending]).toEqual([new Set<Job<unknown>>([holding, other]), new Set()]);
    }));

  it("test_first_exception, test_first_exception_some_already_complete, test_first_exception_one_already_failed", () =>
    run(async () => {
      const { gate, holding } = await held();
      const { good, failed } = await ended();
      for (const futures of [
        [failed, holding],
        [good, failed, holding],
      ] as Job<unknown>[][]) {
        const { done, pending } = await wait(futures, { returnWhen: "FIRST_EXCEPTION" });
        expect([done.has(failed as Job<unknown>), pending.has(holding as Job<unknown>)]).toEqual([
          true,
          true,
        ]);
      }
      gate.open();
      await holding;
    }));

  it("test_all_completed, test_timeout, test_future_times_out, test_result_with_timeout", () =>
    run(async () => {
      const { gate, holding } = await held();
      const { good, failed, cancelled } = await ended();
      const all = [good, failed, cancelled] as Job<unknown>[];
      expect((await wait(all)).done).toEqual(new Set(all));
      const some = await wait<Job<unknown>>([...all, holding], { timeout: 5 });
      expect([some.done, some.pending]).toEqual([new Set(all), new Set([holding])]);
      const completed = asCompleted([good, holding], { timeout: 5 });
      expect((await completed.next()).value.future).toBe(good);
      expect(await failureOf(completed.next())).toBeInstanceOf(TimeoutError);
      expect(holding.done()).toBe(false);
      gate.open();
      await holding;
    }));

  it("test_no_timeout, test_zero_timeout, test_duplicate_futures", () =>
    run(async () => {
      const { good, failed, cancelled } = await ended();
      const seen = new Set<unknown>();
      let count = 0;
      for await (const { future } of asCompleted<Job<unknown>>([
        good,
        failed,
        cancelled,
        good,
      ] as Job<unknown>[])) {
        seen.add(future);
        count++;
      }
      expect([seen, count]).toEqual([new Set([good, failed, cancelled]), 3]);
      expect(await failureOf(waitFor(makePool({ size: 1 }).submit(jobs.nap, 1000, 1), 0))).toBeInstanceOf(
        TimeoutError,
      );
    }));
});

describe("the future of a job, as CPython tests it", () => {
  it("test_done, test_cancelled, test_running, test_result_with_success, test_exception_with_success", async () => {
    const { good, failed, cancelled } = await ended();
    expect([good, failed, cancelled].map((job) => [job.done(), job.cancelled(), job.running()])).toEqual([
      [true, false, false],
      [true, false, false],
      [true, true, false],
    ]);
    expect([good.result(), good.exception(), failed.exception()]).toEqual([42, null, expect.any(Error)]);
    expect(() => failed.result()).toThrow(Error);
    expect(() => cancelled.result()).toThrow(CancelledError);
    expect(() => cancelled.exception()).toThrow(CancelledError);
    const { gate, holding } = await held();
    expect([holding.running(), holding.done()]).toEqual([true, false]);
    expect(() => holding.result()).toThrow(InvalidStateError);
    gate.open();
    await holding;
  });

  it("test_cancel: one that waits is cancelled at once, one that has ended is not", async () => {
    const { pool, gate, holding } = await held();
    const waiting = pool.submit(jobs.add, 1, 2);
    expect([waiting.cancel(), waiting.cancelled(), await errorOf(waiting)]).toEqual([true, true, isCancel]);
    const { good, failed, cancelled } = await ended();
    expect([good.cancel(), failed.cancel(), cancelled.cancel()]).toEqual([false, false, false]);
    gate.open();
    await holding;
  });

  it("test_done_callback_with_result, ..._with_exception, ..._with_cancel, ..._already_*, ..._raises", () =>
    run(async () => {
      const { good, failed, cancelled } = await ended();
      const { pool, gate, holding } = await held();
      const later = pool.submit(jobs.add, 2, 3);
      const withdrawn = pool.submit(jobs.add, 2, 3);
      const told: Job<unknown>[] = [];
      for (const job of [good, failed, cancelled, later, withdrawn] as Job<unknown>[])
        job.addDoneCallback((done) => void told.push(done));
      withdrawn.cancel();
      gate.open();
      await Promise.all([holding, later]);
      await wait([withdrawn, later]);
      expect(new Set(told)).toEqual(new Set([good, failed, cancelled, withdrawn, later]));
      expect(told.length).toBe(5);
    }));
});
