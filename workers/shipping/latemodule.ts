// This is a part of the package that is loaded when it is first needed, so that a program that only imports the package
// does not wait for it.
//
// It is loaded at once, so that captured variables are read at the moment of the call. In a program that was bundled it
// comes by `import`, and who needs it before it is there waits for it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PACKAGE_ROOT, RuntimeError, requireFrom } from "../../src/core.ts";
import { evaluated, mayEvaluate } from "./evaluated.ts";
import { isForeignRealm, mayRequireModules } from "./native.ts";

export class LateModule<Exports extends object> {
  readonly #file: string;
  readonly #isOurs: (found: Exports) => boolean;
  readonly #load: (() => Promise<Exports>) | null;
  #loaded: Exports | null = null;
  #loading: Promise<Exports> | null = null;

  /**
   * `file` is below the built package; `isOurs` tells whether what was found belongs to this instance; `load` imports it
   * where it cannot be had at once.
   */
  constructor(
    file: string,
    isOurs: (found: Exports) => boolean,
    load: (() => Promise<Exports>) | null = null,
  ) {
    this.#file = file;
    this.#isOurs = isOurs;
    this.#load = load;
  }

  /** Its exports, loaded now if need be; null where they have to be waited for. */
  get exports(): Exports | null {
    this.#loaded ??= this.#require();
    return this.#loaded;
  }

  /** The same where nothing can wait. */
  get needed(): Exports {
    const { exports } = this;
    if (exports !== null) return exports;
    throw new RuntimeError(
      `Expected \`require\` to give the module that \`import\` gives, got another one of ${this.#file}: a loader of this ` +
        "program changes modules for one of them only. Have it leave out threadloop, as it should all packages",
    );
  }

  /** Whether it is there. */
  get isLoaded(): boolean {
    return this.#loaded !== null;
  }

  /** Loads it where it cannot be had at once. */
  import(): Promise<Exports> {
    this.#loading ??= this.#import();
    return this.#loading;
  }

  /** In a vm context that has loaded the package as a whole it is on its way from the beginning: it cannot be had at once. */
  expect(): void {
    if (!isForeignRealm || mayEvaluate()) return;
    void Promise.resolve()
      .then(() => this.import())
      .catch(() => {}); // it is told to whoever needs it
  }

  #require(): Exports | null {
    const url = new URL(this.#file, PACKAGE_ROOT);
    if (mayEvaluate()) return evaluated(url.href) as Exports;
    if (!mayRequireModules()) return null;
    const file = fileURLToPath(url);
    for (const way of ways) {
      const found = way(file) as Exports | null;
      if (found === null || !this.#isOurs(found)) continue;
      ways = [way];
      return found;
    }
    return null;
  }

  /** The promise of `import` itself may be one of another realm. */
  async #import(): Promise<Exports> {
    if (this.#load === null) return this.needed;
    this.#loaded = await this.#load();
    return this.#loaded;
  }
}

/** How a module is had at once; from the first that gives this instance of the package on, that one only. */
let ways: readonly ((file: string) => object | null)[] = [(file) => requireFrom()(file), requireFromLoader];

type Compile = (this: NodeJS.Module, code: string, file: string, format: "module") => void;

/** What `require` gives where nobody has changed it: a loader as tsx has it make another module of each file. */
function requireFromLoader(file: string): object | null {
  const { Module } = process.getBuiltinModule("node:module");
  const module = new Module(file);
  module.filename = file;
  try {
    const { _compile: compile } = Module.prototype as unknown as { _compile: Compile };
    compile.call(module, readFileSync(file, "utf8"), file, "module");
    return module.exports as object;
  } catch {
    return null; // it is no part of Node's interface
  }
}
