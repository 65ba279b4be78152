// A body may return a thenable of others, which keeps the rules or does not: it ends the task as an await of it would.
import { createTask, run } from "threadloop";
import { describe, expect, it } from "vitest";

type Then = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void;
const thenable = (then: Then): PromiseLike<unknown> => ({ then }) as PromiseLike<unknown>;

const bodies: [what: string, body: () => unknown][] = [
  ["resolves twice", () => thenable((resolve) => [1, 2].forEach(resolve))],
  [
    "resolves, and rejects then",
    () => thenable((resolve, reject) => [resolve(1), reject(new Error("late"))]),
  ],
  [
    "throws after it has resolved",
    () =>
      thenable((resolve) => {
        resolve(1);
        throw new Error("late");
      }),
  ],
  ["resolves twice, later", () => thenable((resolve) => setTimeout(() => [1, 2].forEach(resolve), 1))],
  ["resolves with a promise", () => thenable((resolve) => resolve(Promise.resolve(1)))],
  ["resolves with a thenable", () => thenable((resolve) => resolve(thenable((again) => again(1))))],
  [
    "is a function",
    () =>
      Object.assign(
        () => 2,
        thenable((resolve) => resolve(1)),
      ),
  ],
  ["is a promise of a class that calls back twice", () => new Hasty(() => {})],
];

class Hasty extends Promise<unknown> {
  override then(resolve?: unknown): never {
    [1, 2].forEach(resolve as (value: unknown) => void);
    return this as never;
  }
}

describe("a task whose body returns a thenable that", () => {
  it.each(bodies)("%s ends once, with its first value", async (_, body) => {
    await run(async () => {
      const task = createTask(body as () => Promise<unknown>);
      expect(await task).toBe(1);
      expect(await createTask(async () => "next")).toBe("next");
    });
  });

  it("throws at once fails", async () => {
    const body = () =>
      thenable(() => {
        throw new RangeError("no");
      });
    await expect(run(() => createTask(body as () => Promise<unknown>))).rejects.toThrow(RangeError);
  });
});

describe("a task that throws what cannot be looked at", () => {
  it("fails with it", async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    await run(async () => {
      const task = createTask(async () => {
        throw proxy;
      });
      const eager = createTask(
        (() => {
          throw proxy;
        }) as () => Promise<never>,
        { eagerStart: true },
      );
      const outcomes = await Promise.allSettled([task.toPromise(), eager.toPromise()]);
      expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason === proxy)).toEqual([
        true,
        true,
      ]);
    });
  });
});
