import { describe, expect, it } from "vitest";
import { explore, type Limits } from "./slotmodel.ts";

describe("the slot protocol", () => {
  it("settles each of two jobs once in every interleaving of moves, cancels and a thread's death", () => {
    expect(explore({ hosts: 2, jobs: 2, moves: 1, cancels: 1, deaths: 1 })).toBeGreaterThan(10_000);
  });

  it("settles each of three jobs once in every interleaving in one worker", () => {
    expect(explore({ hosts: 1, jobs: 3, moves: 1, cancels: 1, deaths: 1 })).toBeGreaterThan(10_000);
  });

  it("survives every thread dying again and again", () => {
    expect(explore({ hosts: 2, jobs: 2, moves: 0, cancels: 0, deaths: 3 })).toBeGreaterThan(1000);
  });

  it("settles each of two jobs once when one cannot be sent, whenever that shows", () => {
    const limits = { hosts: 2, jobs: 2, moves: 1, cancels: 1, deaths: 1, unsendable: 1 };
    expect(explore(limits)).toBeGreaterThan(10_000);
  });

  it("settles each of two jobs once when neither can be sent", () => {
    expect(explore({ hosts: 1, jobs: 2, moves: 1, cancels: 1, deaths: 1, unsendable: 2 })).toBeGreaterThan(
      100,
    );
  });

  it("runs each job with its own details, though some cannot be sent", () => {
    const limits = { hosts: 2, jobs: 2, moves: 1, cancels: 1, deaths: 1, unsendable: 1, detailed: 1 };
    expect(explore(limits)).toBeGreaterThan(10_000);
  });

  it("settles each job once when the thread holds replies that the host may fetch, also from a dead one", () => {
    const limits = { hosts: 1, holds: true, deaths: 1 };
    expect(explore({ ...limits, jobs: 3, moves: 0, cancels: 0 })).toBeGreaterThan(1000);
    expect(explore({ ...limits, jobs: 2, moves: 1, cancels: 1 })).toBeGreaterThan(1000);
  });

  it("gives each item before the end of its job, though the end is fetched and the item lies in the port", () => {
    const limits = { hosts: 1, holds: true, gives: true, deaths: 1 };
    expect(explore({ ...limits, jobs: 3, moves: 0, cancels: 0 })).toBeGreaterThan(1000);
    expect(explore({ ...limits, jobs: 2, moves: 1, cancels: 1 })).toBeGreaterThan(1000);
  });

  const limits = { hosts: 2, jobs: 3, moves: 1, cancels: 0, deaths: 0 };
  const death = { hosts: 1, jobs: 2, moves: 0, cancels: 0, deaths: 1, unsendable: 1 };
  const faults: [fault: NonNullable<Limits["fault"]>, limits: Limits, found: RegExp][] = [
    [
      "a slot that was taken back is used again before the thread has skipped it",
      limits,
      /runs under the claim|reaches the slot/,
    ],
    ["the thread claims without looking", limits, /runs under the claim|reaches the slot/],
    ["a job is moved without looking", limits, /started 2 times|reaches the slot/],
    ["a session flushes after its end", death, /refused in place of|slot was lost/],
    [
      "the slot of a job that was taken back and cannot be sent is not freed",
      { ...limits, jobs: 2, cancels: 1, unsendable: 1 },
      /slot was lost/,
    ],
    [
      "a reply is fetched without a look at its slot",
      { ...limits, hosts: 1, holds: true },
      /a reply .* reaches|settled as|runs under|never settled/,
    ],
    [
      "a reply is fetched before what lies in the port is read",
      { ...limits, hosts: 1, jobs: 2, holds: true, gives: true },
      /an item of job . comes after its end/,
    ],
    [
      "details go ahead of their record, and wait in the thread by slot",
      { ...limits, hosts: 1, jobs: 2, unsendable: 1, detailed: 1 },
      /runs with the details of/,
    ],
  ];

  it.each(faults)("does not forgive when %s", (fault, limits, found) => {
    expect(() => explore({ ...limits, fault })).toThrow(found);
  });
});
