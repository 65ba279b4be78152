// These are processes that a test starts, talks to, and ends.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach } from "vitest";

const running = new Set<ChildProcess>();
/** Tests may run side by side: what they leave goes with the last of them. */
let testsAtOnce = 0;

beforeEach(() => {
  testsAtOnce += 1;
});
afterEach(() => {
  testsAtOnce -= 1;
  if (testsAtOnce > 0) return;
  for (const child of running) child.kill("SIGKILL");
  running.clear();
});

/** A process of a test. */
export class Program {
  readonly child: ChildProcess;
  output = "";
  errors = "";
  readonly ended: Promise<number | null>;
  #told: () => void = () => {};

  constructor(args: readonly string[], cwd?: string, env?: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, args, { stdio: "pipe", cwd, env: { ...process.env, ...env } });
    running.add(this.child);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
      this.#told();
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    this.ended = new Promise((resolve) =>
      this.child.once("close", (code) => {
        running.delete(this.child);
        this.#told();
        resolve(code);
      }),
    );
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Waits until it has printed this; throws when it ends before. */
  async said(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (!running.has(this.child)) throw new Error(`The program ended:\n${this.output}${this.errors}`);
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
  }

  say(text: string): void {
    this.child.stdin?.write(text);
  }
}

/** Starts a program of the fixtures; its inspector, if it is opened, takes a port that is free. */
export function startFixture(path: string, ...args: string[]): Program {
  const file = fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
  return new Program(["--inspect-port=0", file, ...args]);
}

/** Starts the `threadloop` command. */
export function startCommand(...args: string[]): Program {
  return new Program([fileURLToPath(new URL("../../dist/bin/threadloop.js", import.meta.url)), ...args]);
}

/** The same in another folder. */
export function startCommandIn(folder: string, ...args: string[]): Program {
  return new Program(
    [fileURLToPath(new URL("../../dist/bin/threadloop.js", import.meta.url)), ...args],
    folder,
  );
}

/** Runs the `threadloop` command; gives what it printed and how it ended. */
export async function command(
  ...args: string[]
): Promise<{ code: number | null; output: string; errors: string }> {
  const program = startCommand(...args);
  const code = await program.ended;
  return { code, output: program.output, errors: program.errors };
}
