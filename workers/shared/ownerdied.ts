import { named, RuntimeError } from "../../src/core.ts";
import { registerErrors } from "../wire/errorclasses.ts";

/**
 * Is thrown to those who wait for a shared lock, condition or barrier when the thread of one they wait for dies.
 *
 * The lock is free again afterwards. What it protects may have been left half changed: this error is the one chance to
 * look after it, so it is thrown to everybody who waits, or when nobody does to the next who comes.
 */
export class OwnerDiedError extends RuntimeError {}
named(OwnerDiedError, "OwnerDiedError");

registerErrors(OwnerDiedError);
