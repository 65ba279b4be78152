/** The number of each signal that this system has, by its name. Few programs ask, and each thread would load the module. */
export function signalNumbers(): Readonly<Record<string, number>> {
  return process.getBuiltinModule("node:os").constants.signals;
}
