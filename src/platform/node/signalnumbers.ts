import { constants } from "node:os";

/** The number of each signal that this system has, by its name. */
export const signalNumbers: Readonly<Record<string, number>> = constants.signals;
