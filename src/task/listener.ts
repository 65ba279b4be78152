/** A done callback of the runtime's own: it runs no code of the user's, so it needs no context. */
import { DONE, type Outcome, type Runnable } from "../scheduling/events.ts";
import { Handle } from "../scheduling/handle.ts";

export class Listener<F> implements Runnable {
  readonly _listen: (future: F) => void;
  readonly #future: F;
  /** The future that this callback will settle: an edge of the graph of who awaits whom. */
  readonly _for: F | null;
  /** Whether this callback looks at an error, or leaves that to somebody else. */
  readonly _looks: boolean;

  constructor(listen: (future: F) => void, future: F, settles: F | null, looks: boolean) {
    this._listen = listen;
    this.#future = future;
    this._for = settles;
    this._looks = looks;
  }

  _run(): Outcome {
    this._listen(this.#future);
    return DONE;
  }
}

/** Tells whether a callback will look at an error; one of the user's may or may not. */
export function looks(entry: Runnable): boolean {
  return entry instanceof Listener ? entry._looks : !(entry instanceof Handle);
}
