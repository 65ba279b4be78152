// These tests show that the scenarios would tell: each fault is put into a copy of the compiled package, and the copy
// must differ.
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

interface Fault {
  readonly file: string;
  /** Code of the compiled file, which must be there exactly once, and what stands there instead. */
  readonly code: string;
  readonly instead: string;
}

const FAULTS: Record<string, Fault> = {
  "a lock that a newcomer takes ahead of those who wait": {
    file: "sync/lock",
    code: "this.#locked || this.#waiters.waiting",
    instead: "this.#locked",
  },
  "a callback that runs in the iteration in which it was scheduled": {
    file: "scheduling/pump",
    code: "this.#todo--;",
    instead: "this.#todo = this.#ready.length - 1;",
  },
  "a pending cancel that is ignored at the next wait": {
    file: "task/task",
    code: "future._addCallback(this);\n        if (this._undelivered !== 0)",
    instead: "future._addCallback(this);\n        if (false)",
  },
  "a pending cancel that is ignored when the task ends": {
    file: "task/task",
    code: "if ((this._undelivered & OWN_PENDING) !== 0) {\n            this._dropPending();",
    instead: "if (false) {\n            this._dropPending();",
  },
  "an uncancel that leaves the cancel pending": {
    file: "task/scope",
    code: "at._dropPending();\n        if (at._signals !== null)",
    instead: "if (at._signals !== null)",
  },
  "a sleep of zero that makes a timer": { file: "combine/sleep", code: "delay <= 0", instead: "delay < 0" },
  "timers of equal deadline that fire last-in first-out": {
    file: "scheduling/timerheap",
    code: "age < this.#ages[than]",
    instead: "age > this.#ages[than]",
  },
  "a notification that is lost with a cancelled waiter": {
    file: "sync/condition",
    code: "this.#waiters.wake(1);",
    instead: "",
  },
  "a permit that is lost with a cancelled waiter": {
    file: "sync/semaphore",
    code: "if (woken)\n                this.#value++;",
    instead: "",
  },
  "an item that wakes nobody else when the woken getter is cancelled": {
    file: "sync/queues",
    code: "if (woken && !this.empty())",
    instead: "if (false)",
  },
  "a shield that passes the cancel on": {
    file: "combine/shield",
    code: "inner._removeCallback(passing);",
    instead: "inner._removeCallback(passing);\n        inner.cancel();",
  },
  "a timeout that takes another's cancel for its own": {
    file: "combine/timeout",
    code: "scope.uncancel() <= this.#cancelling",
    instead: "scope.uncancel() >= 0",
  },
  "a group that swallows the cancel that came with an error": {
    file: "combine/taskgroup",
    code: "scope.cancelling() > 0",
    instead: "false",
  },
  "a cancelled gather that does not wait for its children": {
    file: "combine/gather",
    code: "this.#cancelRequested = true;",
    instead: "super.cancel(message, cause);",
  },
};

const root = fileURLToPath(new URL("../..", import.meta.url));
const corpus = fileURLToPath(new URL("corpus-2000.jsonl.gz", import.meta.url));
let copies = "";

/** Compiled and not bundled: there the code of a file can be told from that of others. */
beforeAll(() => {
  copies = mkdtempSync(join(tmpdir(), "threadloop-faults-"));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const options = ["--outDir", join(copies, "dist"), "--noCheck", "--declaration", "false"];
  execFileSync(process.execPath, [compiler, "-p", root, ...options]);
  cpSync(join(root, "package.json"), join(copies, "package.json"));
}, 60_000);
afterAll(() => rmSync(copies, { recursive: true, force: true }), 30_000);

/** A copy of the package and, if one is given, with a fault in it. */
function copyOfPackage(name: string, fault?: Fault): string {
  const copy = join(copies, name.replaceAll(" ", "-"));
  for (const path of [
    "package.json",
    "dist/index.js",
    "dist/node.js",
    "dist/testing.js",
    "dist/src",
    "dist/workers",
    "dist/test",
  ]) {
    cpSync(join(copies, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  if (fault !== undefined) putIn(fault, join(copy, "dist/src", `${fault.file}.js`));
  return copy;
}

function putIn({ code, instead }: Fault, file: string): void {
  const parts = readFileSync(file, "utf8").split(code);
  expect(parts, `${file} must have this code exactly once: ${code}`).toHaveLength(2);
  writeFileSync(file, parts.join(instead));
}

/** Goes through the corpus up to the first scenario that is not equal, in a process of its own. */
function firstDifference(copy: string): Promise<string> {
  const modules = join(copy, "dist/test/conformance");
  const program = `
    import { readCases } from ${JSON.stringify(join(modules, "cases.js"))};
    import { compare } from ${JSON.stringify(join(modules, "compare.js"))};
    process.on("exit", (code) => code === 13 && console.log("a scenario hangs"));
    for (const example of await readCases(${JSON.stringify(corpus)})) {
      const verdict = await compare(example);
      if (verdict.kind === "equal") continue;
      console.log(example.scenario.name, verdict.kind);
      process.exit();
    }
    console.log("all equal");
  `;
  return new Promise((resolve) => {
    const flags = ["--input-type=module", "--eval", program];
    execFile(process.execPath, flags, { timeout: 25_000 }, (error, stdout) => {
      resolve(stdout.trim() || String(error));
    });
  });
}

describe("the scenarios", () => {
  it("are all equal in a copy without a fault", async () => {
    expect(await firstDifference(copyOfPackage("no fault"))).toBe("all equal");
  });

  it.each(Object.keys(FAULTS))("tell %s", async (name) => {
    expect(await firstDifference(copyOfPackage(name, FAULTS[name]))).toMatch(
      /^seed-\d+ different$|^a scenario hangs$/,
    );
  });
});
