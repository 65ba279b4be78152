/**
 * These are the functions of the fixture, which threads load by its address: the test's own loader must not make copies
 * of them.
 */
export async function functionsOf(): Promise<Record<string, () => unknown>> {
  const url = new URL("../fixtures/compare/functions.mjs", import.meta.url);
  return (await import(/* @vite-ignore */ url.href)) as Record<string, () => unknown>;
}
