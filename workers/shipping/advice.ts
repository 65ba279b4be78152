// This is what errors and warnings tell people to do about a function: by whether the program was bundled with this
// package inside. Such a program has no modules that a thread could load, but for packages that stayed outside, and
// a declared function goes by value as any other. A bundle that has this package outside cannot be told from a
// program without one.
import { isBundled } from "../../src/core.ts";
import { codeOf } from "./reason.ts";

/** How something can get to threads with its module: `what` completes "export ... from a module". */
export function bringFromModule(what: string): string {
  return isBundled()
    ? `keep ${what} in a package that is external to the bundle`
    : `export ${what} from a module of its own`;
}

/** The same for a function, which can be declared as well. */
export function bringFunction(name: string): string {
  return isBundled()
    ? bringFromModule("the function")
    : `export the function from a module, or declare it with task(import.meta.url, "${name}", fn)`;
}

/** Where data can be that threads shall not get with each function. */
export function keepData(): string {
  return isBundled()
    ? "in a file that the worker reads, or in a package that is external to the bundle"
    : "in a module that the worker imports";
}

/** What the address of a module looks like; `otherwise` says it for a program that was not bundled. */
export function moduleAddress(otherwise: string): string {
  return isBundled()
    ? "the URL or absolute path of a file beside the bundle, which bundlers do not put there by themselves"
    : otherwise;
}

/** Why a thread did not find a module that was named by its address, if that is what happened. */
export function whereModulesAre(error: unknown): string {
  const code = codeOf(error);
  return isBundled() && /MODULE_NOT_FOUND$|^ENOENT$/.test(code)
    ? ". This program was bundled, and bundlers do not write what is imported by its address: put that file beside the bundle"
    : "";
}
