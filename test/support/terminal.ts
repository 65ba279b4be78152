// This is a program in a pseudo-terminal.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

const COMMAND = fileURLToPath(new URL("../../dist/bin/threadloop.js", import.meta.url));

/** `threadloop`, or another program of Node, in a pseudo-terminal of 100 columns and 40 rows. */
export class Terminal {
  written = "";
  readonly ended: Promise<number | null>;
  readonly #child;
  #from = 0;
  #told: () => void = () => {};

  constructor(line: string, program = COMMAND, cwd?: string) {
    const run = `stty cols 100 rows 40; exec ${process.execPath} ${program} ${line}`;
    const env = { ...process.env, TERM: "xterm" };
    this.#child = spawn("script", ["-qefc", run, "/dev/null"], { cwd, env });
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.written += text;
      this.#told();
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("close", (code) => {
        resolve(code);
        this.#told();
      });
    });
  }

  press(key: string): void {
    this.#from = this.written.length;
    this.#child.stdin.write(key);
  }

  /** Waits until something that was written since the last key looks so. */
  async shows(text: RegExp): Promise<void> {
    while (!text.test(stripVTControlCharacters(this.written.slice(this.#from)))) {
      if (this.#child.exitCode !== null) throw new Error(`The command ended:\n${this.written}`);
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
  }
}
