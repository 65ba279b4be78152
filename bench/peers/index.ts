// This is every contender, in the order of the tables.
import { comlink } from "./comlink.ts";
import { handBatched, handSliced } from "./handBatched.ts";
import { jestWorker } from "./jestWorker.ts";
import type { Peer } from "./peer.ts";
import { piscina8, piscina64, piscinaAsync, piscinaDefault, piscinaDisabled } from "./piscina.ts";
import { poolifier } from "./poolifier.ts";
import { postMessage } from "./postMessage.ts";
import { threadloop, threadloopAlone } from "./threadloop.ts";
import { tinypool, tinypool64 } from "./tinypool.ts";
import { workerpool } from "./workerpool.ts";

export {
  comlink,
  handBatched,
  handSliced,
  jestWorker,
  piscina8,
  piscina64,
  piscinaAsync,
  piscinaDefault,
  piscinaDisabled,
  poolifier,
  postMessage,
  threadloop,
  threadloopAlone,
  tinypool,
  tinypool64,
  workerpool,
};

/** The pools of the field, each in the settings its users choose between. */
export const pools: readonly Peer[] = [
  piscinaDefault,
  piscinaAsync,
  piscinaDisabled,
  piscina8,
  piscina64,
  tinypool,
  tinypool64,
  workerpool,
  poolifier,
  comlink,
  jestWorker,
];
