/** Where the package's own code is: its frames are not the user's. */

/** The folder of the built package, as a URL. This module is in a folder of its own in there, or in `modules/src`. */
export const PACKAGE_ROOT: string = import.meta.url.replace(/(?:modules\/)?[^/]+\/[^/]*$/, "");

const FOLDERS = ["chunks/", "modules/", "src/", "workers/"].map((folder) => PACKAGE_ROOT + folder);

/** Tells whether a line of a stack, or the address of a script, lies in the package's own code. */
export function isOwn(text: string): boolean {
  return FOLDERS.some((folder) => text.includes(folder));
}
