// These are the visitors: autocannon's connections, each asking for its next page as soon as it has one (a closed
// loop, so both ways are driven as hard as they can go and no arrival rate has to be chosen).
import autocannon from "autocannon";
import type { Drive, Sample } from "./protocol.ts";

export interface Visits {
  /** Every page that was answered: when it was asked for, by `performance.now()`, and the milliseconds it took. */
  readonly pages: readonly Sample[];
  /** The ETags each path was answered with. */
  readonly etags: ReadonlyMap<string, ReadonlySet<string>>;
  /** Resolves once the drive's time is over. */
  readonly over: Promise<void>;
}

/** Starts `drive.connections` clients that go round `drive.paths`, each beginning at another page. */
export function startClients(drive: Drive): Visits {
  const pages: Sample[] = [];
  const etags = new Map(drive.paths.map((path) => [path, new Set<string>()]));
  const requests = drive.paths.map((path) => makeRequest(path, etags.get(path)!));
  let client = 0;
  const over = new Promise<void>((resolve, reject) => {
    const options: autocannon.Options = {
      url: drive.origin,
      connections: drive.connections,
      duration: drive.warmup + drive.seconds,
      sampleInt: 100,
      bailout: 1,
      setupClient: (each) =>
        each.setRequests(turn(requests, (client++ * requests.length) / drive.connections)),
    };
    const instance = autocannon(options, (error, result) =>
      error ? reject(error) : settle(result, resolve, reject),
    );
    instance.on("response", (_client, _status, _bytes, took) => pages.push([performance.now() - took, took]));
  });
  return { pages, etags, over };
}

function makeRequest(path: string, etags: Set<string>): autocannon.Request {
  return { path, onResponse: (_status, _body, _context, headers) => etags.add(String(headers?.etag)) };
}

function turn<T>(list: readonly T[], by: number): T[] {
  const first = Math.floor(by);
  return [...list.slice(first), ...list.slice(0, first)];
}

function settle(
  { non2xx, errors }: autocannon.Result,
  resolve: () => void,
  reject: (error: Error) => void,
): void {
  if (non2xx + errors === 0) resolve();
  else
    reject(
      new Error(
        `Expected every page to be answered with 200, but ${non2xx} were not and ${errors} requests failed`,
      ),
    );
}
