/** This is what `threadloop worker` starts: a machine, whose threads run the calls of a queue. */

export type { MachineOptions } from "../options.ts";
export { type Machine, startMachine } from "./machine.ts";
