/** This runs programs in a Node of their own, the one that runs the tests. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | string | null;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What the program reads from its standard input. */
  readonly input?: string;
  /** The folder it runs in; default: that of the shipping programs. */
  readonly cwd?: string;
  /** After how many milliseconds it is ended; default: 100,000. */
  readonly timeout?: number;
}

export const programs: string = fileURLToPath(new URL("../fixtures/shipping/programs", import.meta.url));

export const nodeVersion: readonly number[] = process.versions.node.split(".").map(Number);

/** Whether this Node runs TypeScript without a loader. */
export const stripsTypes: boolean = Boolean((process.features as { typescript?: unknown }).typescript);

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs the source of a module, which may import "threadloop", to its end. */
export function runModule(source: string, ...flags: string[]): Promise<Outcome> {
  return runNode([...flags, "--input-type=module", "--eval", source], { cwd: root });
}

/** Runs `node ...args` to its end. */
export function runNode(args: readonly string[], options: ProgramOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    // Coverage of the tests is not that of the programs.
    const env = { ...process.env, NODE_V8_COVERAGE: "", NODE_OPTIONS: "", NO_COLOR: "1", ...options.env };
    const child = execFile(
      process.execPath,
      [...args],
      { cwd: options.cwd ?? programs, env, timeout: options.timeout ?? 100_000 },
      (error, stdout, stderr) => resolve({ stdout, stderr, exitCode: error?.code ?? child.exitCode }),
    );
    child.stdin?.end(options.input ?? "");
  });
}

/** Runs a program that prints one value as JSON. */
export async function runForJson(args: readonly string[], options?: ProgramOptions): Promise<unknown> {
  const { stdout, stderr, exitCode } = await runNode(args, options);
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`node ${args.join(" ")} (exit code ${exitCode}) printed no JSON:\n${stdout}\n${stderr}`);
  }
}
