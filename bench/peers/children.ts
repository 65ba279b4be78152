// This runs a contender in a process of its own, in which it is alone, and gives what that prints as JSON.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as peers from "./index.ts";
import type { Peer } from "./peer.ts";

const execute = promisify(execFile);

/** Where a contender lies, as the program needs it that imports nothing else: its module of this folder, and its export. */
export interface Place {
  readonly peer: Peer;
  readonly module: string;
  readonly name: string;
}

const places: readonly (readonly [Peer, module: string, name: string])[] = [
  [peers.threadloop, "threadloop", "threadloop"],
  [peers.threadloopAlone, "threadloop", "threadloopAlone"],
  [peers.postMessage, "postMessage", "postMessage"],
  [peers.piscinaDefault, "piscina", "piscinaDefault"],
  [peers.piscinaAsync, "piscina", "piscinaAsync"],
  [peers.piscinaDisabled, "piscina", "piscinaDisabled"],
  [peers.tinypool, "tinypool", "tinypool"],
  [peers.workerpool, "workerpool", "workerpool"],
  [peers.poolifier, "poolifier", "poolifier"],
  [peers.comlink, "comlink", "comlink"],
  [peers.jestWorker, "jestWorker", "jestWorker"],
];

export function placeOf(peer: Peer): Place {
  const [, module, name] = places.find(([known]) => known === peer)!;
  return { peer, module, name };
}

/** Runs a program of this folder with `arguments_`, after the words of `before`, such as `taskset -c 0`. */
export async function runProgram<T>(
  program: string,
  arguments_: readonly string[],
  before: readonly string[] = [],
): Promise<T> {
  const path = fileURLToPath(new URL(`./${program}.js`, import.meta.url));
  const [command, ...rest] = [...before, process.execPath, "--expose-gc", path, ...arguments_];
  const { stdout } = await execute(command!, rest);
  return JSON.parse(stdout) as T;
}
