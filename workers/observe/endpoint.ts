// This is where other processes look in: `threadloop ps PID` opens the inspector of a process and evaluates what
// stands here, in every thread. A process may have loaded several copies of this package; each adds itself.

import { PACKAGE_ROOT } from "../../src/core.ts";

/** One copy of the package in one thread. What it takes and gives is JSON, as the asker may be of another version. */
export interface DebugEndpoint {
  /** Where its files are: their frames are not the user's. */
  readonly files: string;
  /** A ThreadSnapshot. */
  snapshot(): string;
  /** ThreadNumbers; what they are made of is counted on for so many milliseconds. */
  numbers(lease: number): string;
  /**
   * Records this thread and the workers of its pools; given up when it is not kept for so many milliseconds. Throws when
   * they are recorded already.
   */
  startTrace(lease: number): void;
  /** Goes on recording for so many milliseconds from now on. */
  keepTrace(lease: number): void;
  /** Ends the recording and gives it, in Chrome's trace event format. */
  stopTrace(): Promise<string>;
}

/** The well-known name under which the debug endpoints of a thread are found. */
const NAME = Symbol.for("threadloop.inside");

/** What this copy has offered. */
let offered: DebugEndpoint | null = null;

/** Has other processes find this; it takes the place of what this copy of the package has offered before. */
export function offer(endpoint: DebugEndpoint): void {
  const place = globalThis as { [NAME]?: DebugEndpoint[] };
  place[NAME] ??= [];
  const at = offered === null ? -1 : place[NAME].indexOf(offered);
  if (at < 0) place[NAME].push(endpoint);
  else place[NAME][at] = endpoint;
  offered = endpoint;
}

/** The same until more is loaded, which is loaded when somebody looks: `load` has it offer itself. */
export function offerLate(load: () => void): void {
  if (offered !== null) return;
  const inside = (): DebugEndpoint => {
    load();
    return offered as DebugEndpoint;
  };
  offer({
    files: PACKAGE_ROOT,
    snapshot: () => inside().snapshot(),
    numbers: (lease) => inside().numbers(lease),
    startTrace: (lease) => inside().startTrace(lease),
    keepTrace: (lease) => inside().keepTrace(lease),
    stopTrace: () => inside().stopTrace(),
  });
}
