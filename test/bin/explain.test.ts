import { describe, expect, it } from "vitest";
import { command } from "../support/processes.ts";

describe("threadloop explain", () => {
  it("says of a code what the documentation says, in whatever case it is written", async () => {
    const { code, output, errors } = await command("explain", "err_ship_value");
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toMatch(/^ERR_SHIP_VALUE\n\nThe function captures a value that belongs to this thread/);
    expect((await command("explain", "CancelledError")).output).toMatch(/Cancelling \(docs\/tasks\.md\)\n$/);
  });

  it("tells the names there are when it does not know one", async () => {
    const { code, errors } = await command("explain", "nope");
    expect(code).toBe(1);
    expect(errors).toMatch(/There is no entry for `nope`; those there are:\n {2}CancelledError\n/);
    expect(errors).toContain("THREADLOOP_BLOCKED");
    expect(errors).not.toContain("Pools and jobs");
  });
});
