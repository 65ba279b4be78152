// This is the screen of `threadloop top`, as lines: a state, and the size of the terminal, and nothing else.

import { styleText } from "node:util";
import { printable } from "../src/errors/printable.ts";
import type { TaskNode } from "../workers/observe/tasktree.ts";
import type { Rates } from "./rates.ts";
import { widthOf } from "./terminal.ts";

/** By what the functions and the tasks are ordered. */
export const ORDERS = ["time", "name", "longest"] as const;
export type Order = (typeof ORDERS)[number];

/** What was seen at a look. */
export interface Sight {
  readonly rates: Rates;
  readonly tasks: readonly TaskNode[];
  /** Where a task is, in a word; null for one that is nowhere yet. */
  placeOf(task: TaskNode): string | null;
  /** What could not be seen, if anything. */
  readonly notice: string;
}

export interface ScreenState extends Sight {
  /** What is looked at. */
  readonly subject: string;
  /** What has the threads, as the head of its table. */
  readonly owners: "POOL" | "MACHINE";
  readonly order: Order;
  /** The task that is marked, by its place among those that are listed. */
  readonly marked: number;
  /** Whether the tree of the marked task is shown instead of the lists. */
  readonly isOpen: boolean;
  readonly isPaused: boolean;
}

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
  readonly hasColor: boolean;
}

type Style = Parameters<typeof styleText>[0];

/** Lists have at most so many lines, but for that of the tasks, which takes what is left. */
const MOST_POOLS = 6;
const MOST_THREADS = 12;
const MOST_FUNCTIONS = 8;
const BAR = 20;

/** The tasks and jobs as they are listed. */
export function listedTasks({ tasks, order }: Pick<ScreenState, "tasks" | "order">): TaskNode[] {
  const byName = (a: TaskNode, b: TaskNode) => a.name.localeCompare(b.name);
  const bySince = (a: TaskNode, b: TaskNode) => (b.since ?? 0) - (a.since ?? 0);
  return [...tasks].sort(order === "name" ? byName : bySince);
}

/** The lines of the screen. */
export function linesOf(state: ScreenState, size: ScreenSize): string[] {
  const paint = new Paint(size);
  const more = [state.isPaused ? "paused" : "", state.notice].filter((text) => text !== "");
  const head = paint.line(
    [`threadloop top ${state.subject}`, `by ${state.order}`, ...more].join("   "),
    "bold",
  );
  const keys = paint.line("q quit   s order   p pause   up/down mark   enter its tree   esc back", "dim");
  const room = Math.max(3, size.rows - 2);
  const body = state.isOpen ? treeLines(state, paint) : listLines(state, paint, room);
  return [head, ...body.slice(0, room), keys];
}

function listLines(state: ScreenState, paint: Paint, room: number): string[] {
  const above = [
    ...paint.table(state.owners, poolRows(state), MOST_POOLS),
    ...paint.table("THREAD", threadRows(state), MOST_THREADS),
    ...paint.table("FUNCTION", functionRows(state), MOST_FUNCTIONS),
  ];
  return [...above, ...taskLines(state, paint, Math.max(3, room - above.length))];
}

function poolRows({ rates: { pools }, owners }: ScreenState): string[][] {
  const head = [owners, "THREADS", "RUNNING", "QUEUED", "JOBS/S", "NOT OK/S"];
  const rows = pools.map(({ name, threads, lost, running, queued, rate, unsuccessful }) => [
    name,
    lost === 0 ? String(threads) : `${threads} + ${lost} lost`,
    String(running),
    String(queued),
    perSecond(rate),
    perSecond(unsuccessful),
  ]);
  return [head, ...rows];
}

function threadRows({ rates: { threads }, owners }: ScreenState): string[][] {
  const head = ["THREAD", owners, "BUSY", "", "RUNNING", "WAITING"];
  const rows = threads.map(({ thread, name, pool, busy, running, waiting }) => [
    thread === 0 ? "main" : `${thread}${name === null ? "" : ` ${name}`}`,
    pool ?? "-",
    `${Math.round(busy * 100)} %`,
    "█".repeat(Math.round(busy * BAR)).padEnd(BAR, "·"),
    thread === 0 ? "-" : String(running),
    thread === 0 ? "-" : String(waiting),
  ]);
  return [head, ...rows];
}

function functionRows({ rates, order }: ScreenState): string[][] {
  const orders = {
    time: (a: Row, b: Row) => b.threads - a.threads,
    longest: (a: Row, b: Row) => b.longest - a.longest,
    name: (a: Row, b: Row) => a.name.localeCompare(b.name),
  };
  type Row = Rates["functions"][number];
  const rows = [...rates.functions].sort(orders[order]);
  const cells = rows.map(({ name, threads, longest }) => [name, threads.toFixed(2), duration(longest)]);
  return [["FUNCTION", "THREADS", "LONGEST"], ...cells];
}

/** The tasks, as many as there is room for, the marked one among them. */
function taskLines(state: ScreenState, paint: Paint, room: number): string[] {
  const tasks = listedTasks(state);
  const shown = room - 2;
  const first = Math.max(0, Math.min(state.marked - shown + 1, tasks.length - shown));
  const head = ["TASK", "KIND", "THREAD", "STATE", "FOR", "WAITS ON"];
  const rows = tasks
    .slice(first, first + shown)
    .map((task) => [
      task.name,
      task.kind,
      state.placeOf(task) ?? "-",
      task.state,
      task.since === null ? "-" : duration(task.since),
      task.waitsOn ?? "-",
    ]);
  return paint.table("TASK", [head, ...rows], shown, state.marked - first);
}

/** The marked task with what it waits for, and who waits for it. */
function treeLines(state: ScreenState, paint: Paint): string[] {
  const task = listedTasks(state)[state.marked];
  if (task === undefined) return [paint.line("There is no task any more.")];
  const lines: string[] = [];
  const seen = new Set<TaskNode>();
  const add = (node: TaskNode, depth: number): void => {
    const isKnown = seen.has(node);
    seen.add(node);
    lines.push(
      `${"   ".repeat(depth)}${describe(node, state.placeOf(node))}${isKnown ? " (see above)" : ""}`,
    );
    if (!isKnown) for (const next of node.waitsFor) add(next, depth + 1);
  };
  add(task, 0);
  if (task.stack.length > 0) lines.push("", ...task.stack);
  const awaiters = task.awaitedBy.map(({ name }) => name).join(", ");
  return [...lines, "", `awaited by ${awaiters || "nobody"}`].map((line) => paint.line(line));
}

function describe({ kind, name, state, waitsOn, since }: TaskNode, place: string | null): string {
  const where = place === null ? "" : ` in thread ${place}`;
  const waits = waitsOn === null ? "" : `, waits on ${waitsOn}`;
  return `${kind} ${name}: ${state}${where}${waits}${since === null ? "" : ` for ${duration(since)}`}`;
}

/** Writes text into the width there is; what it is given may hold anything. */
class Paint {
  readonly #size: ScreenSize;

  constructor(size: ScreenSize) {
    this.#size = size;
  }

  line(text: string, style?: Style): string {
    return this.#styled(cut(printable(text), this.#size.columns), style);
  }

  /** A head and its rows, of which `marked` stands out; nothing when there are no rows. */
  table(name: string, [head, ...rows]: string[][], most: number, marked = -1): string[] {
    if (head === undefined || rows.length === 0) return [this.line(`${name} none`, "dim"), ""];
    const shown = rows.slice(0, most).map((row) => row.map(printable));
    const widths = head.map((title, i) =>
      Math.max(...[title, ...shown.map((row) => row[i] ?? "")].map((cell) => widthOf(cell))),
    );
    const line = (row: readonly string[]): string =>
      row.map((cell, i) => cell + " ".repeat((widths[i] as number) - widthOf(cell))).join("  ");
    const more = rows.length - shown.length;
    return [
      this.line(line(head), "dim"),
      ...shown.map((row, i) => this.line(line(row), i === marked ? "inverse" : undefined)),
      ...(more > 0 && marked === -1 ? [this.line(`and ${more} more`, "dim")] : []),
      "",
    ];
  }

  #styled(text: string, style: Style | undefined): string {
    return style === undefined || !this.#size.hasColor
      ? text
      : styleText(style, text, { validateStream: false });
  }
}

/** As much of a text as fits, told when something is left out. */
function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = "";
  let width = 1;
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) break;
    kept += character;
  }
  return `${kept}…`;
}

function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.floor(milliseconds / 60_000)} min ${Math.floor((milliseconds % 60_000) / 1000)} s`;
}

function perSecond(rate: number): string {
  return rate >= 100 || rate === 0 ? String(Math.round(rate)) : rate.toPrecision(2);
}
