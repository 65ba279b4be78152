// Functions travel in a process whose inspector is open, and whoever is connected to it notices nothing of that.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Remote } from "../../../dist/bin/remote.js";
import { Program } from "../../support/processes.ts";
import { nodeVersion, runForJson } from "../../support/programs.ts";

const program = fileURLToPath(new URL("../../fixtures/shipping/programs/inspected.mjs", import.meta.url));
const RESULTS = "results [4,5,4,4,3,55]\n";
/** The module loader of Node 20 catches errors of its own. */
const EXCEPTIONS = nodeVersion[0] === 20 ? "uncaught" : "all";

async function started(): Promise<{ app: Program; remote: Remote }> {
  const app = new Program(["--inspect=0", program]);
  await app.said("at ws:");
  return { app, remote: await Remote.connect(/at (\S+)/.exec(app.output)![1]!) };
}

async function shipsAndEnds(app: Program, remote: Remote): Promise<void> {
  app.say("go\n");
  await app.said(RESULTS);
  await remote.close();
  expect(await app.ended).toBe(0);
}

describe("with the inspector open", () => {
  it("functions travel while nobody is connected, and the program ends by itself", async () => {
    const app = new Program(["--inspect=0", program]);
    await app.said("at ws:");
    app.say("go\n");
    expect(await app.ended).toBe(0);
    expect(app.output).toContain(RESULTS);
  });

  it("a client that did not switch the debugger on hears nothing of one", async () => {
    const { app, remote } = await started();
    const heard: string[] = [];
    for (const event of ["scriptParsed", "scriptFailedToParse", "paused", "resumed"])
      remote.main.on(`Debugger.${event}`, () => heard.push(event));
    remote.main.on("Runtime.exceptionThrown", () => heard.push("exception"));
    await remote.main.call("Runtime.enable");
    await shipsAndEnds(app, remote);
    expect(heard).toEqual([]);
  });

  it("a debugger stops at its breakpoints only, even when it pauses on caught exceptions", async () => {
    const { app, remote } = await started();
    const pauses: unknown[] = [];
    remote.main.on("Debugger.paused", (pause) => {
      pauses.push((pause.hitBreakpoints as string[]).length === 1 ? "breakpoint" : pause);
      void remote.main.call("Debugger.resume");
    });
    await remote.main.call("Debugger.enable");
    await remote.main.call("Debugger.setPauseOnExceptions", { state: EXCEPTIONS });
    const breakpoint = { lineNumber: 21, urlRegex: "inspected\\.mjs$" };
    expect((await remote.main.call("Debugger.setBreakpointByUrl", breakpoint))?.locations).toHaveLength(1);
    await shipsAndEnds(app, remote);
    expect(pauses).toEqual(["breakpoint", "breakpoint"]);
  });
});

describe("the Debugger", () => {
  it.each([
    ["off", false],
    ["left on", true],
  ])(
    "is asked once for functions that are sent many times, and stops nothing of other turns: %s",
    async (_, isCounted) => {
      const counted = isCounted ? mkdtempSync(join(tmpdir(), "threadloop-")) : "";
      // Where coverage may be counted it stays on.
      const args = [
        "--no-warnings",
        "--import",
        `data:text/javascript,process.env.NODE_V8_COVERAGE="${counted}"`,
      ];
      const outcome = await runForJson([...args, "stops.mjs"]);
      expect(outcome).toEqual({ right: true, first: isCounted ? 1 : 2, again: 0, ran: true });
      if (isCounted) rmSync(counted, { recursive: true });
    },
  );
});
