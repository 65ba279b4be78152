import { expect, it } from "vitest";
import { runLoad } from "../../support/sharingload.ts";

/** Hand-overs and items; `npm run load` asks for a million. */
const COUNT = Number(process.env.SHARED_LOAD ?? 2000);
const DEATHS = Math.max(6, Math.ceil(COUNT / 10_000));

it(
  "Shared objects lose and double nothing under load, with random cancels and thread deaths",
  async () => {
    const report = await runLoad(COUNT, DEATHS, (progress) => {
      if (process.env.SHARED_LOAD) process.stderr.write(`${progress}\n`);
    });
    if (process.env.SHARED_LOAD) console.log(report);
    expect(report).toMatchObject({ violations: 0, doubled: 0, lost: 0, ghosts: 0, permits: 2 });
    expect(report.deaths).toBeGreaterThanOrEqual(DEATHS);
  },
  process.env.SHARED_LOAD ? 3_600_000 : 60_000,
);
