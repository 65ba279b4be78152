// This is what the package exports, known by identity, for programs that were bundled: there is no module that a
// thread could import it from, and by value the state of the loop would go along. A thread has its own, by the same
// names.
import * as runtime from "../../src/core.ts";
import { checkCancelled } from "../executor/currentjob.ts";
import { bindContext, jobContext } from "../executor/jobcontext.ts";
import {
  OwnerDiedError,
  SharedBarrier,
  SharedBoundedSemaphore,
  SharedCondition,
  SharedEvent,
  SharedLock,
  SharedQueue,
  SharedSemaphore,
} from "../shared/index.ts";
import { task } from "../shipping/declared.ts";
import { learnLoopClasses } from "../shipping/loopclasses.ts";
import { learnOwn } from "../shipping/modules.ts";
import { ShipError } from "../shipping/shiperror.ts";
import { registerErrors } from "../wire/errorclasses.ts";
import { BrokenPoolError, CloneError, PoolClosedError, WorkerTerminatedError } from "../wire/errors.ts";
import { packed, unpacked } from "../wire/message.ts";
import { transfer } from "../wire/transfer.ts";
import { addedExports } from "./addedexports.ts";

export function learnOwnExports(): void {
  const exports = ownExports();
  learnOwn(exports);
  learnLoopClasses(exports);
}

/** All of them, by their names. */
export function ownExports(): object {
  const errors = {
    BrokenPoolError,
    CloneError,
    OwnerDiedError,
    PoolClosedError,
    ShipError,
    WorkerTerminatedError,
  };
  const semaphores = { SharedBoundedSemaphore, SharedSemaphore };
  const shared = { ...semaphores, SharedBarrier, SharedCondition, SharedEvent, SharedLock, SharedQueue };
  const inJobs = {
    bindContext,
    checkCancelled,
    jobContext,
    packed,
    registerErrors,
    task,
    transfer,
    unpacked,
  };
  return Object.assign({}, runtime, errors, shared, inJobs, addedExports());
}
