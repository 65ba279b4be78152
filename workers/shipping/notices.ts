// What people are told about a function that went by value: a log of what it took along (NODE_DEBUG=threadloop), and
// warnings, once per place in a file, about what hardly can be meant.
import { debuglog } from "node:util";
import type { Copying } from "./copying.ts";
import type { Plan } from "./plan.ts";

/** From here on a copy is worth a warning. */
const LARGE = 1024 * 1024;

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
    warnOnce(
      plan,
      "size",
      "THREADLOOP_LARGE_CAPTURE",
      `Function ${plan.code.title} takes ${bytes(size)} of captured data along at every call. ` +
        "Keep the data in a module that the worker imports, share it in a SharedArrayBuffer, or send one function for many items with pool.map",
    );
  }
}

/** Tells about assignments that will not be seen on this thread. */
export function noticeAssignments(plan: Plan): void {
  for (const name of plan.captured) {
    if (plan.imports?.has(name) || !assigns(plan.code.source, name)) continue;
    warnOnce(
      plan,
      name,
      "THREADLOOP_CAPTURE_ASSIGNED",
      `Function ${plan.code.title} assigns to its captured variable ${name}: a worker thread has a copy of it, so this thread will not ` +
        "see the change. Return the value instead, or keep it in a SharedArrayBuffer",
    );
  }
}

function warnOnce(plan: Plan, topic: string, code: string, message: string): void {
  if (plan.warned.has(topic)) return;
  plan.warned.add(topic);
  process.emitWarning(message, { code });
}

/** By text, so a variable of the same name inside may be taken for it: it is a hint, not a rule. */
function assigns(source: string, name: string): boolean {
  const text = source.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""');
  const variable = `(?<![\\w$.])${name.replaceAll("$", "\\$")}(?![\\w$])`;
  if (new RegExp(`\\b(?:let|const|var)\\s+${variable}`).test(text)) return false;
  return new RegExp(
    `${variable}\\s*(?:(?:[-+*/%&|^]|\\*\\*|<<|>>>?|&&|\\|\\||\\?\\?)?=(?![=>])|\\+\\+|--)|(?:\\+\\+|--)\\s*${variable}(?!\\s*[.[])`,
  ).test(text);
}

function bytes(count: number): string {
  if (count < 1024) return `${count} bytes`;
  return count < LARGE ? `${(count / 1024).toFixed(1)} kB` : `${(count / LARGE).toFixed(1)} MB`;
}
