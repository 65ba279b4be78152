/** This knows the words of one shared object: how they are laid out, made, and opened in a thread that got them. */
import { got, RuntimeError } from "../../src/core.ts";
import { Gate } from "./gate.ts";
import { home } from "./roster.ts";
import * as s from "./sections.ts";

/** How the words of a kind of object are laid out: the same in every thread. */
export interface Layout {
  /** The name of its class. */
  readonly name: string;
  /** A number of its own, by which its memory is recognised. */
  readonly kind: number;
  /** How many words it has beside its gates. */
  readonly own: number;
  /** For each gate, for how many threads it is known what they hold; 1 when no thread holds anything of its own. */
  readonly gates: readonly number[];
}

/** What a gate is at the beginning. */
export interface GateSetup {
  readonly value: number;
  /** Default: no bound. */
  readonly bound?: number;
  /** 0 when who passes takes nothing. Default 1. */
  readonly cost?: 0 | 1;
  /** Whether the death of a holder is an error for those who wait. Default false. */
  readonly fatal?: boolean;
}

/** How many threads can hold permits of one object at a time. */
export const HOLDERS = 64;

/** More permits than there can be. */
export const UNBOUNDED = 0x7fffffff;

/** Where an object's own words begin. */
export const OWN = s.FIRST_GATE;

/** The words of an object and its gates, as this thread sees them. */
export interface Opened {
  readonly m: Int32Array;
  readonly gates: readonly Gate[];
}

/** Makes the memory of a new object. */
export function create(layout: Layout, setups: readonly GateSetup[]): SharedArrayBuffer {
  const places = placesOf(layout);
  const memory = new SharedArrayBuffer(sizeOf(layout) * 4);
  const m = new Int32Array(memory);
  m[s.HOME] = home;
  m[s.KIND] = layout.kind;
  m[s.ID] = 1 + Math.floor(Math.random() * 0x7ffffffe);
  for (const [i, { value, bound = UNBOUNDED, cost = 1, fatal = false }] of setups.entries()) {
    const { at } = places[i]!;
    m[at + s.VALUE] = value;
    m[at + s.BOUND] = bound;
    m[at + s.COST] = cost;
    m[at + s.FATAL] = fatal ? 1 : 0;
  }
  return memory;
}

/**
 * Opens memory that `create` made here or in another thread. Throws TypeError on anything else, and RuntimeError when
 * it was made by a thread with which this one shares no process memory.
 */
export function open(layout: Layout, memory: SharedArrayBuffer): Opened {
  if (!(memory instanceof SharedArrayBuffer)) throw wrongMemory(layout, memory);
  const m = new Int32Array(memory);
  if (m.length < sizeOf(layout) || m[s.KIND] !== layout.kind) throw wrongMemory(layout, memory);
  if (m[s.HOME] !== home) {
    throw new RuntimeError(
      `This ${layout.name} was made by a thread that shares nothing with this one: import "threadloop" in the main thread before any thread is started`,
    );
  }
  return { m, gates: placesOf(layout).map((place) => new Gate(m, place)) };
}

function placesOf(layout: Layout) {
  let at = OWN + layout.own;
  return layout.gates.map((entryCount) => {
    const entries = at + s.GATE_WORDS;
    const place = { at, entries, entryCount };
    at = entries + entryCount * s.ENTRY_WORDS;
    return place;
  });
}

function sizeOf({ own, gates }: Layout): number {
  return gates.reduce((sum, count) => sum + s.GATE_WORDS + count * s.ENTRY_WORDS, OWN + own);
}

function wrongMemory(layout: Layout, value: unknown): TypeError {
  return new TypeError(`Expected the memory of a ${layout.name}, got ${got(value)}`);
}
