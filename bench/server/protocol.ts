// This is what the bench and its load process say to each other: one order at a time, answered by one report; a
// drive is accompanied by progress.
//
//   bench                                        load process
//     | -- visit: every path once, in order ------> |
//     | <- visited: the digest of each body ------- |
//     | -- drive: connections, for so long -------> |
//     | <- warm: what comes now is measured ------- |
//     | <- progress: a few times a second --------- |
//     | <- driven: each page's and ping's time ---- |

export type Order =
  | { readonly kind: "visit"; readonly origin: string; readonly paths: readonly string[] }
  | ({ readonly kind: "drive" } & Drive);

export interface Drive {
  readonly origin: string;
  readonly paths: readonly string[];
  /** How many clients there are; each asks for its next page as soon as it has one. */
  readonly connections: number;
  /** For how many seconds the clients ask before anything is measured. */
  readonly warmup: number;
  /** For how many seconds it is measured. */
  readonly seconds: number;
  /** Milliseconds from one ping to the next, whether or not the last has been answered. */
  readonly pingEvery: number;
}

export type Report =
  | { readonly kind: "visited"; readonly digests: Digests }
  | { readonly kind: "warm" }
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "driven"; readonly driven: Driven }
  | { readonly kind: "failed"; readonly message: string };

export interface Progress {
  /** Seconds of measuring; negative while the clients warm up. */
  readonly seconds: number;
  readonly pages: number;
  /** The worst ping of those sent in the last second; 0 when none was answered. */
  readonly worstPing: number;
}

export interface Driven {
  /** How long was really measured. */
  readonly seconds: number;
  readonly pages: readonly Sample[];
  readonly pings: readonly Sample[];
  /** As the server's ETags say it; a visit computes them from the bytes instead. */
  readonly digests: Digests;
}

/** By path, the digests of the bodies it was answered with: one each, if the server always sends the same bytes. */
export type Digests = Readonly<Record<string, readonly string[]>>;

/** When it was asked, in milliseconds since measuring began, and how many milliseconds the answer took. */
export type Sample = readonly [at: number, took: number];
