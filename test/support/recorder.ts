import { type EventLoop, type ExceptionContext, Queue } from "threadloop";

/** A protocol that notes what it is told. */
export class Recorder {
  readonly events = new Queue<[what: string, detail?: unknown]>();
  keepOpen = false;

  connectionMade(transport: object) {
    this.events.putNowait(["made", transport]);
  }
  dataReceived(data: Buffer) {
    this.events.putNowait(["data", String(data)]);
  }
  eofReceived() {
    this.events.putNowait(["eof"]);
    return this.keepOpen;
  }
  connectionLost(error: Error | null) {
    this.events.putNowait(["lost", error]);
  }
  pauseWriting() {
    this.events.putNowait(["pause"]);
  }
  resumeWriting() {
    this.events.putNowait(["resume"]);
  }
}

/** What a loop's exception handler is told from now on. */
export function reportsOf(loop: EventLoop): ExceptionContext[] {
  const reported: ExceptionContext[] = [];
  loop.setExceptionHandler((_loop, context) => reported.push(context));
  return reported;
}
