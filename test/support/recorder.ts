import { Queue, type Transport } from "threadloop";

/** A protocol that notes what it is told. */
export class Recorder {
  readonly events = new Queue<[what: string, detail?: unknown]>();
  keepOpen = false;

  connectionMade(transport: Transport) {
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
