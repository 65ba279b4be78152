// This is the default executor of a program whose pools are loaded with it, as a bundler has them: it leaves them out
// where nobody uses one of these.
import * as executor from "./defaultexecutor.ts";
import { installPools } from "./poolparts.ts";

const runInExecutor: typeof executor.runInExecutor = withPools(executor.runInExecutor);
const toThread: typeof executor.toThread = withPools(executor.toThread);

function withPools<T>(fn: T): T {
  installPools();
  return fn;
}

export { runInExecutor, toThread };
