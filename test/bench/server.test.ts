import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { XMLValidator } from "fast-xml-parser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../../bench/server/outcome.ts";
import { differing } from "../../dist/bench/server/compare.js";
import { percentile } from "../../dist/bench/server/figures.js";
import { findPages, fingerprint } from "../../dist/bench/server/pages.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const quick = ["--seconds", "1", "--warmup", "0.2", "--connections", "4", "--pages", "5"];

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "threadloop-"));
});
afterAll(() => rm(out, { recursive: true }));

describe("npm start", () => {
  it("measures both ways and leaves a table, the figures and a picture", async () => {
    const { code, printed, complaint } = await ended(start([...quick, "--out", out]));
    expect(code, complaint).toBe(0);
    expect(printed).toContain("5 of 5 pages byte-identical both ways");
    for (const row of [
      "pages/s",
      "page p99",
      "ping p99",
      "ping max",
      "loop delay p99",
      "worker utilisation",
    ]) {
      expect(printed).toContain(row);
    }
    const outcome: Outcome = JSON.parse(await readFile(join(out, "server.json"), "utf8"));
    expect(outcome.different).toEqual([]);
    for (const { figures, pages, pings } of [outcome.loop, outcome.threads]) {
      expect(pages).toHaveLength(figures.pages);
      expect(pings).toHaveLength(figures.pings);
      expect(figures.pages).toBeGreaterThan(0);
      expect(figures.pings).toBeGreaterThan(0);
      for (const value of Object.values(figures)) expect(value).toBeGreaterThanOrEqual(0);
    }
    const picture = await readFile(join(out, "server.svg"), "utf8");
    expect(XMLValidator.validate(picture)).toBe(true);
    expect(picture).not.toMatch(/<script|<image|href=|NaN/);
  }, 90_000);

  it("ends with its load process, and without results, when it is interrupted", async () => {
    const folder = join(out, "interrupted");
    const child = start(["--out", folder]);
    child.stderr?.once("data", () => child.kill("SIGINT"));
    const { code } = await ended(child);
    expect(code).toBe(130);
    await expect(access(folder)).rejects.toThrow("ENOENT");
  });

  it("names the option that it does not understand", async () => {
    const { code, complaint } = await ended(start(["--seconds", "soon"]));
    expect(code).toBe(1);
    expect(complaint).toContain("Expected `--seconds` to be a number above 0, got `soon`");
  });
});

describe("differing", () => {
  const pages = ["a", "b"].map((name) => ({ name, markdown: "" }));
  const same = { "/loop/0": ["x"], "/threads/0": ["x"], "/loop/1": ["y"], "/threads/1": ["y"] };

  it("finds nothing when each page had the same bytes in every answer", () => {
    expect(differing(pages, [same, same])).toEqual([]);
  });

  it("names a page whose bytes the two ways do not agree on", () => {
    expect(differing(pages, [{ ...same, "/threads/1": ["z"] }])).toEqual(["b"]);
  });

  it("names a page that one answer under load gave other bytes", () => {
    expect(differing(pages, [same, { "/loop/0": ["x", "z"] }])).toEqual(["a"]);
  });

  it("names a page that was never answered", () => {
    expect(differing(pages, [])).toEqual(["a", "b"]);
  });
});

describe("findPages", () => {
  it("gives the same list, sorted by name, each time", async () => {
    const [first, second] = [
      await findPages(join(root, "node_modules")),
      await findPages(join(root, "node_modules")),
    ];
    const names = first.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(fingerprint(first)).toBe(fingerprint(second));
  });

  it("says what to do when no package is installed", async () => {
    await expect(findPages(out)).rejects.toThrow("run `npm ci` first");
  });
});

describe("percentile", () => {
  it("takes the nearest rank", () => {
    expect([0.5, 0.99, 1].map((share) => percentile([1, 2, 3, 4], share))).toEqual([2, 4, 4]);
    expect(percentile([], 0.5)).toBe(0);
  });
});

function start(args: string[]): ChildProcess {
  return spawn(process.execPath, [join(root, "dist/bench/server/main.js"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Waits until the pipes are closed as well, which the load process inherits: nothing is left running then. */
async function ended(child: ChildProcess) {
  const closed = once(child, "close");
  const [printed, complaint] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  const [code] = await closed;
  return { code, printed, complaint };
}
