// The code of a thread, as text, in a program that was bundled. The build puts it here; in a thread it is what the thread
// was started with, as a thread may have a pool of its own.
import { getEnvironmentData } from "node:worker_threads";

/** Under which name the code is in the environment data of threads. */
export const THREAD_CODE = "threadloop:thread-code";

export const code: string = getEnvironmentData(THREAD_CODE) as string;
