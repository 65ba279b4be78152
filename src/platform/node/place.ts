/** Where the package's own code is: its frames are not the user's. */

/** Set by webpack and its kind, which write the address that this file had where it was bundled into `import.meta.url`. */
declare const __webpack_require__: unknown;

/** What the code of a thread is called in a program that was bundled, where it is no file. */
const THREAD_SCRIPT = "threadloop:worker";

/** In a bundle in CommonJS some bundlers leave nothing of it. */
const written: string | undefined = import.meta.url;
const { pathToFileURL } = process.getBuiltinModule("node:url");
const HERE: string = written?.startsWith("file:")
  ? written
  : pathToFileURL(written === undefined && typeof __filename === "string" ? __filename : process.execPath)
      .href;

/**
 * The folder of the built package, as a URL. This module is in a folder of its own in there, or in
 * `modules/src/platform/node`. In a program that was bundled it is a folder without the package's files.
 */
export const PACKAGE_ROOT: string = HERE.replace(/(?:modules\/src\/platform\/)?[^/]+\/[^/]*$/, "");

let bundled: boolean | null = null;

/** Whether this code is in a bundle with the program that uses it: then the package's other files are not beside it. */
export function isBundled(): boolean {
  bundled ??=
    typeof __webpack_require__ !== "undefined" || written === THREAD_SCRIPT || !hasFile("workers/entry.cjs");
  return bundled;
}

function hasFile(name: string): boolean {
  return process.getBuiltinModule("node:fs").existsSync(new URL(name, PACKAGE_ROOT));
}

/** Node's own `require` as a file has it, by default this one: no bundler looks for what it loads. */
export function requireFrom(place: string | URL = HERE): NodeJS.Require {
  return process.getBuiltinModule("node:module").createRequire(place);
}

let own: readonly string[] | null = null;

/** Tells whether a line of a stack, or the address of a script, lies in the package's own code. */
export function isOwn(text: string): boolean {
  own ??= isBundled()
    ? [THREAD_SCRIPT]
    : ["chunks/", "modules/", "src/", "workers/"].map((folder) => PACKAGE_ROOT + folder);
  return own.some((name) => text.includes(name));
}
