// This is what people are told about a function that went by value: a log of what it took along
// (NODE_DEBUG=threadloop), and warnings, once per place in a file, about what hardly can be meant.
import { debuglog } from "node:util";
import { emitWarning } from "../../src/core.ts";
import { keepData } from "./advice.ts";
import type { Copying } from "./copying.ts";
import { assignedBy, type Plan } from "./plan.ts";

/** From here on a copy is worth a warning. */
const LARGE = 1024 * 1024;

/** Topics of `plan.warned`. */
const SIZE = "size";
const ASSIGNMENTS = "assignments";

export const log = debuglog("threadloop");

/** Tells about a finished copy. */
export function noticeCopy(plan: Plan, { captures, size, stable }: Copying): void {
  if (log.enabled) {
    const taken = captures.map(({ name, how }) => `${name} (${how})`).join(", ") || "nothing";
    log(
      "%s goes by value%s; it takes along %s: %s",
      plan.code.title,
      stable ? ", once" : "",
      bytes(size),
      taken,
    );
  }
  if (size > LARGE) {
    if (plan.warned.has(SIZE)) return;
    plan.warned.add(SIZE);
    emitWarning(
      "THREADLOOP_LARGE_CAPTURE",
      `Function ${plan.code.title} takes ${bytes(size)} of captured data along at every call. ` +
        `Keep the data ${keepData()}, share it in a SharedArrayBuffer, or send one function for many items with pool.map`,
    );
  }
}

/** What transpilers and coverage put into a source keeps state of its own. */
const NOT_THE_USERS = /^(__|cov_)/;

/** Tells about assignments that will not be seen on this thread, by any of the functions that go by value. */
export function noticeAssignments({ shipped }: Copying): void {
  for (const { plan } of shipped) {
    if (plan.warned.has(ASSIGNMENTS)) continue;
    plan.warned.add(ASSIGNMENTS);
    for (const name of assignedBy(plan)) {
      if (plan.imports?.has(name) || NOT_THE_USERS.test(name)) continue;
      emitWarning(
        "THREADLOOP_CAPTURE_ASSIGNED",
        `Function ${plan.code.title} assigns to its captured variable ${name}: a worker thread has a copy of it, so this thread will not ` +
          "see the change. Return the value instead, or keep it in a SharedArrayBuffer",
      );
    }
  }
}

function bytes(count: number): string {
  if (count < 1024) return `${count} bytes`;
  return count < LARGE ? `${(count / 1024).toFixed(1)} kB` : `${(count / LARGE).toFixed(1)} MB`;
}
