// This asks for /ping at a fixed rate, whether or not earlier pings have been answered: a server that stands still
// for 200 ms is seen by every ping due in that time, not by one. All pings go over connections opened beforehand,
// since a busy loop accepts one connection a turn: new ones would starve and make its figures look worse still.
import { Agent, get } from "node:http";
import type { Sample } from "./protocol.ts";

const CONNECTIONS = 64;

export interface Probe {
  /** When each ping was sent, by `performance.now()`, and how many milliseconds its answer took. */
  readonly samples: readonly Sample[];
  /** Sends no more pings and waits for the answers to those under way; rejects when a ping has failed. */
  stop(): Promise<void>;
}

/** Opens the connections, then pings `origin` every `every` ms. */
export async function startProbe(origin: string, every: number): Promise<Probe> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: CONNECTIONS });
  await Promise.all(Array.from({ length: CONNECTIONS }, () => ping(origin, agent)));
  const samples: Sample[] = [];
  const underway = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const sent = performance.now();
    const answer = ping(origin, agent).then(() => {
      samples.push([sent, performance.now() - sent]);
      underway.delete(answer);
    });
    answer.catch(() => {}); // a ping that fails stays under way, and fails stop()
    underway.add(answer);
  }, every);
  return {
    samples,
    async stop() {
      clearInterval(timer);
      await Promise.all(underway);
      agent.destroy();
    },
  };
}

function ping(origin: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(`${origin}/ping`, { agent }, (response) => response.resume().once("end", resolve)).once(
      "error",
      reject,
    );
  });
}
