import { describe, expect, it } from "vitest";
import { explore } from "./slotmodel.ts";

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

  it("needs a slot that was taken back to stay taken until the thread has skipped it", () => {
    expect(() =>
      explore({ hosts: 2, jobs: 3, moves: 1, cancels: 0, deaths: 0, reusesTooEarly: true }),
    ).toThrow();
  });
});
