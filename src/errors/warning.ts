/**
 * These are process warnings of the runtime. Each has a code, and an entry in docs/errors.md, which says why it
 * comes and what to do: the warning itself says in one line how to read it.
 */

/** Emits a process warning. */
export function emitWarning(code: `THREADLOOP_${string}`, message: string): void {
  process.emitWarning(message, {
    type: "RuntimeWarning",
    code,
    detail: `(\`npx threadloop explain ${code}\` says more)`,
  });
}
