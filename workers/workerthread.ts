/** This is what a worker thread loads: the thread's side of a pool, and what others may see of it. */
import { answerTo } from "./observe/answer.ts";
import "./observe/debugendpoint.ts";
import session, { answerWith } from "./thread/worker.ts";

answerWith(answerTo);

export default session;
