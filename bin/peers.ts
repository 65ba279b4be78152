// BullMQ and ioredis are there only where a program asked for them.

import { Problem } from "./problem.ts";

/** Loads a part of the cluster; throws Problem where the packages that it needs are not installed. */
export async function withPeers<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Problem(
      `A cluster needs BullMQ and ioredis, which are not installed here: npm install bullmq ioredis (${(error as Error).message})`,
    );
  }
}
