// This tells whether Node itself loads this program's modules as they are, and gives those that are loaded at once.
import { isBundled } from "../../src/core.ts";

/** Whether this is a vm context, as Jest has them: what Node itself gives comes from another one. */
export const isForeignRealm = !(process.getBuiltinModule instanceof Function);

const { bun, deno } = process.versions;

/** Whether `require` takes ES modules, and gives the instances that `import` gives. */
export function mayRequireModules(): boolean {
  return (
    process.features.require_module === true &&
    !isForeignRealm &&
    bun === undefined &&
    deno === undefined &&
    !isBundled()
  );
}
