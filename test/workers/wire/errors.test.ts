import assert from "node:assert";
import { CancelledError, isCancelled, RuntimeError, run, TimeoutError, taskGroup } from "threadloop";
import { registerErrors, WorkerTerminatedError } from "threadloop/workers";
import { describe, expect, it } from "vitest";
import * as jobs from "../../fixtures/workers/errors.mjs";
import * as graphs from "../../fixtures/workers/graphs.mjs";
import { differenceOf } from "../../support/isomorphic.ts";
import { errorOf, makePool } from "../../support/pools.ts";

/** What arrives of what a function with this source makes. */
function thrown<T = Error & Record<PropertyKey, unknown>>(source: string): Promise<T> {
  return errorOf(makePool({ size: 1 }).submit(jobs.throwMade, source)) as Promise<T>;
}

describe("The class of an error", () => {
  it.each([
    "CancelledError",
    "TimeoutError",
    "RuntimeError",
    "QueueFull",
    "ShipError",
    "WorkerTerminatedError",
    "CloneError",
    "ExceptionGroup",
    "DOMException",
    "TypeError",
  ])("is not ours for its name: a %s of the program's own arrives as an Error", async (name) => {
    const error = await errorOf(makePool({ size: 1 }).submit(jobs.throwNamed, name, "mine"));
    expect(error.constructor).toBe(Error);
    expect(error).toMatchObject({ name, message: "mine" });
    expect(isCancelled(error)).toBe(false);
  });

  it("decides what a task group does: another CancelledError is a failure", async () => {
    const pool = makePool({ size: 1 });
    const group = run(() =>
      taskGroup(async (tasks) => {
        tasks.createTask(async () => {
          await pool.submit(jobs.throwNamed, "CancelledError", "order 17");
        });
      }),
    );
    await expect(group).rejects.toMatchObject({ errors: [{ name: "CancelledError", message: "order 17" }] });
  });

  it("is ours for what is ours, whatever is registered under its name", async () => {
    class Mine extends Error {}
    registerErrors(Object.defineProperty(Mine, "name", { value: "TimeoutError" }));
    const error = await errorOf(makePool({ size: 1 }).submit(jobs.throwOurs));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).not.toBeInstanceOf(Mine);
  });

  it("is known of two registered ones of one name", async () => {
    registerErrors(jobs.first.NotFound, jobs.second.NotFound);
    const pool = makePool({ size: 1 });
    const [one, two] = [
      await errorOf(pool.submit(jobs.throwFirst)),
      await errorOf(pool.submit(jobs.throwSecond)),
    ];
    expect(one.constructor).toBe(jobs.first.NotFound);
    expect(two.constructor).toBe(jobs.second.NotFound);
  });

  it("is none of two that look alike, but what both extend; and the last one of a module that is loaded anew", async () => {
    const make = () => class Alike extends RangeError {};
    const [here, there] = [make(), make()];
    registerErrors(here, there);
    const pool = makePool({ size: 1 });
    const job = () => pool.submit(jobs.throwMade, "return new (class Alike extends RangeError {})('x')");
    expect((await errorOf(job())).constructor).toBe(RangeError);
    const makeAgain = () => class Again extends RangeError {};
    const again = [makeAgain(), makeAgain()];
    for (const each of again) registerErrors(each);
    const error = await errorOf(
      pool.submit(jobs.throwMade, "return new (class Again extends RangeError {})('x')"),
    );
    expect(error.constructor).toBe(again[1]);
  });

  it("is kept on a way over threads that do not know it", async () => {
    registerErrors(jobs.NotFound);
    const pool = makePool({ size: 1 });
    const fail = () => {
      throw new Error("outer", { cause: new jobs.NotFound("page") });
    };
    const back = await errorOf(pool.submit(jobs.callBack, fail));
    expect(back.cause).toBeInstanceOf(jobs.NotFound);
    expect(differenceOf(new jobs.NotFound("page"), back.cause)).toBeNull();
    expect(await errorOf(pool.submit(jobs.throwInPool))).toBeInstanceOf(jobs.NotFound);
  });

  it("is the engine's and Node's own, with what belongs to it", async () => {
    const failed = await thrown(
      "try { assert.deepEqual({ a: 1 }, { a: 2 }, 'not so') } catch (e) { return e }",
    );
    expect(failed).toBeInstanceOf(assert.AssertionError);
    expect(failed).toMatchObject({ code: "ERR_ASSERTION", actual: { a: 1 }, expected: { a: 2 } });
    for (const name of ["CompileError", "LinkError", "RuntimeError"] as const) {
      const trap = await thrown(`return new WebAssembly.${name}("trap")`);
      expect(trap.constructor).toBe(Reflect.get(Reflect.get(globalThis, "WebAssembly") as object, name));
      expect(trap).not.toBeInstanceOf(RuntimeError);
    }
    const cause = "{ name: 'DataError', cause: new RangeError('why') }";
    const dom = await thrown(`return Object.assign(new DOMException("no", ${cause}), { extra: 1 })`);
    expect(dom).toBeInstanceOf(DOMException);
    expect(dom).toMatchObject({ name: "DataError", extra: 1 });
    expect(dom.cause).toBeInstanceOf(RangeError);
    const nested = await thrown(
      "return new (globalThis.SuppressedError ?? class extends Error {})(1, 2, 'm')",
    );
    if ("SuppressedError" in globalThis)
      expect(nested).toMatchObject({ error: 1, suppressed: 2, message: "m" });
    expect(nested.constructor).toBe(Reflect.get(globalThis, "SuppressedError") ?? Error);
  });

  it("is the engine's also when the error is of another context", async () => {
    const error = await thrown(
      `return process.getBuiltinModule("node:vm").runInNewContext("new TypeError('vm')")`,
    );
    expect(error.constructor).toBe(TypeError);
  });

  it("refuses to be registered unless it is one of errors", () => {
    expect(() => registerErrors(Map as never)).toThrow(/Expected classes that extend Error, got/);
  });
});

describe("An error that arrives", () => {
  it("keeps cycles and shared parts, at the cost of their number", async () => {
    const self = await thrown(
      "const e = new Error('x'); return Object.assign(e, { a: e, b: e, c: e, d: e, e, f: e })",
    );
    for (const key of "abcdef") expect(self[key]).toBe(self);
    const all = await thrown<AggregateError & { errors: { group: unknown; cause: unknown }[] }>(
      `const errors = Array.from({ length: 1000 }, (_, i) => new Error(i));
       const all = new AggregateError(errors, "all", { cause: errors[0] });
       for (const each of errors) Object.assign(each, { group: all, errors });
       return all`,
    );
    expect(all.errors.every((each) => each.group === all)).toBe(true);
    expect(all.cause).toBe(all.errors[0]);
  });

  it("may have 30,000 causes", async () => {
    const error = await thrown(
      "let e = new Error(0); for (let i = 1; i <= 30_000; i++) e = new Error(i, { cause: e }); return e",
    );
    let causes = 0;
    for (let at: unknown = error; at instanceof Error && at.cause !== undefined; at = at.cause) causes++;
    expect(causes).toBe(30_000);
  });

  it("keeps its own properties as they are: enumerable or not, and symbols that every thread has", async () => {
    const error = await thrown(
      `return Object.defineProperties(new Error("x"), {
         shown: { value: [1], enumerable: true }, hidden: { value: { a: 1 } },
         [Symbol.for("app.code")]: { value: 7, enumerable: true }, [Symbol.toStringTag]: { value: "Odd" },
         [Symbol("private")]: { value: 1 }, errors: { value: { email: "missing" }, enumerable: true } })`,
    );
    expect(Object.keys(error)).toEqual(["shown", "errors"]);
    expect(error.errors).toEqual({ email: "missing" });
    expect(error.hidden).toEqual({ a: 1 });
    expect(error[Symbol.for("app.code")]).toBe(7);
    expect(Object.prototype.toString.call(error)).toBe("[object Odd]");
    expect(Object.getOwnPropertySymbols(error)).toHaveLength(2);
    expect(
      JSON.parse(JSON.stringify(await thrown("return Object.assign(new Error, { errors: ['a'] })"))),
    ).toEqual({
      errors: ["a"],
    });
  });

  it("loses only what cannot be read, and of what cannot be copied only that", async () => {
    const error = await thrown(
      `const { proxy, revoke } = Proxy.revocable({}, {}); revoke();
       const response = { data: { items: [1, new Map([["k", 2]])] }, adapter() {}, socket: proxy,
                          get broken() { throw null }, request: new (process.getBuiltinModule("node:http").Agent)() };
       return Object.defineProperty(Object.assign(new RangeError("kept"), { code: "E", response }),
         "bad", { enumerable: true, get() { throw new Error("no") } })`,
    );
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "kept", code: "E" });
    expect(error).not.toHaveProperty("bad");
    expect(error.response).toEqual({
      data: { items: [1, new Map([["k", 2]])] },
      adapter: "[Function: adapter]",
      socket: "[Object]",
      request: "[Agent]",
    });
  });

  it.each([
    ["message", "[message]"],
    ["name", "[name]"],
    ["stack", "[stack]"],
  ])("loses its %s only, when that throws", async (key) => {
    const error = await thrown(
      `return Object.defineProperty(Object.assign(new TypeError("m"), { code: 1 }), "${key}", { get() { throw 1 } })`,
    );
    expect(error).toBeInstanceOf(TypeError);
    expect(error.code).toBe(1);
    expect(error.message).toBe(key === "message" ? "" : "m");
  });

  it("ends where getters make new errors without end, and where values are nested without end", async () => {
    const endless = await thrown(
      "const make = () => Object.defineProperty(new Error('x'), 'next', { get: make }); return make()",
    );
    expect(endless.next).toBeInstanceOf(Error);
    const deep = await thrown(
      "let deep = []; for (let i = 0; i < 20_000; i++) deep = [deep]; return Object.assign(new Error('d'), { deep })",
    );
    expect(deep.message).toBe("d");
    expect(JSON.stringify(deep.deep)).toMatch(/^\[{99}"\[Array\]"\]{99}$/);
  });

  it("keeps all of that also in a result, an argument and a message", async () => {
    const pool = makePool({ size: 1 });
    const settled = (await pool.submit(
      jobs.give,
      "return Promise.allSettled([Promise.reject(Object.assign(new RangeError('r'), { code: 7 }))])",
    )) as PromiseRejectedResult[];
    expect(settled[0]?.reason).toBeInstanceOf(RangeError);
    expect(settled[0]?.reason).toMatchObject({ message: "r", code: 7 });
    const error = Object.assign(new CancelledError("c"), { code: 8 });
    const [seen] = (await pool.submit((given: { error: Error }) => [given.error, given.error], {
      error,
    })) as Error[];
    expect(differenceOf(error, seen)).toBeNull();
  });

  it("is the same graph as was thrown, whatever it looks like", async () => {
    const pool = makePool({ size: 1 });
    const seeds = Array.from({ length: 1500 }, (_, i) => i);
    const arrived = await Promise.all(seeds.map((seed) => errorOf(pool.submit(graphs.throwGraph, seed))));
    for (const seed of seeds)
      expect([seed, differenceOf(graphs.errorGraph(seed), arrived[seed])]).toEqual([seed, null]);
  });
});

describe("WorkerTerminatedError", () => {
  it("tells the thread and the code it ended with, of a job, a neighbour and an actor", async () => {
    const pool = makePool({ size: 1 });
    const thread = await pool.submit(() => process.getBuiltinModule("node:worker_threads").threadId);
    const neighbour = pool.submit(() => new Promise(() => {}));
    const error = await errorOf(pool.submit(() => process.exit(7)));
    expect(error).toBeInstanceOf(WorkerTerminatedError);
    expect(error).toMatchObject({ threadId: thread, exitCode: 7, culprit: true });
    expect(await errorOf(neighbour)).toMatchObject({ threadId: thread, exitCode: 7, culprit: false });
    const next = await pool.submit(() => process.getBuiltinModule("node:worker_threads").threadId);
    expect(next).not.toBe(thread);
    class Counter {
      leave() {
        process.exit(3);
      }
    }
    const actor = await makePool({ size: 1 }).spawn(Counter);
    expect(await errorOf(actor.leave())).toMatchObject({ exitCode: 3 });
    await expect(async () => actor.leave()).rejects.toMatchObject({ exitCode: 3 });
  });
});
