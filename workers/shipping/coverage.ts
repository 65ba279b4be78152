// This tells whether somebody may be counting coverage, which switching the Debugger off erases. V8 does not tell:
// the environment does, of Node's own counts, vitest's, and Jest's.

/** Where Jest (and vitest) keep it for those who extend their `expect`. */
const MATCHERS = Symbol.for("$$jest-matchers-object");

interface TestRunners {
  readonly __vitest_worker__?: { readonly config?: { readonly coverage?: { readonly enabled?: boolean } } };
  readonly [MATCHERS]?: object;
}

export function mayCountCoverage(): boolean {
  if (process.env.NODE_V8_COVERAGE) return true;
  const { __vitest_worker__: vitest, [MATCHERS]: jest } = globalThis as TestRunners;
  return vitest ? vitest.config?.coverage?.enabled !== false : jest !== undefined;
}
