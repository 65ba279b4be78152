/** This is what a worker thread loads: the thread's side of a pool, and what others may see of it. */
import { answerTo } from "./observe/answer.ts";
import { installDebugEndpoint } from "./observe/debugendpoint.ts";
import session, { answerWith } from "./thread/worker.ts";

answerWith(answerTo);
installDebugEndpoint();

export default session;
