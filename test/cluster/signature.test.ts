import { describe, expect, it } from "vitest";
import { Signer } from "../../dist/cluster/signature.js";

const message = ["batch", "sender", Buffer.from("body")];

describe("Signer", () => {
  it("accepts what was signed with the same secret, and nothing else", () => {
    const signature = new Signer(["one"]).sign(message);
    expect(new Signer(["one"]).isSigned(message, signature)).toBe(true);
    expect(new Signer(["two"]).isSigned(message, signature)).toBe(false);
    expect(new Signer(["one"]).isSigned(["batch", "other", Buffer.from("body")], signature)).toBe(false);
  });

  it("does not take a part for the end of the one before it", () => {
    const signer = new Signer(["one"]);
    expect(signer.isSigned(["ab", "c"], signer.sign(["a", "bc"]))).toBe(false);
    expect(signer.isSigned(["abc"], signer.sign(["abc", ""]))).toBe(false);
  });

  it("lets a secret be replaced step by step", () => {
    const steps = [["old"], ["old", "new"], ["new", "old"], ["new"]];
    for (const [at, step] of steps.slice(1).entries()) {
      const [before, after] = [new Signer(steps[at] as string[]), new Signer(step)];
      expect(after.isSigned(message, before.sign(message))).toBe(true);
      expect(before.isSigned(message, after.sign(message))).toBe(true);
    }
    expect(new Signer(["new"]).isSigned(message, new Signer(["old"]).sign(message))).toBe(false);
  });

  it("refuses what is signed where there is no secret, and what is not where there is one", () => {
    const [open, closed] = [new Signer([]), new Signer(["one"])];
    expect(open.sign(message)).toBe(undefined);
    expect(open.isSigned(message, undefined)).toBe(true);
    expect(open.isSigned(message, closed.sign(message))).toBe(false);
    for (const signature of [undefined, null, "", "AAAA", 7, {}, Buffer.alloc(32)])
      expect(closed.isSigned(message, signature)).toBe(false);
  });
});
