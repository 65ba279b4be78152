import { threadId } from "node:worker_threads";
import { checkCancelled } from "threadloop/workers";

/**
 * How many points of one row of a picture of the Mandelbrot set are in it; and where and when that was found out. It
 * runs on whichever machine takes it.
 */
export function countRow(row, rows) {
  const from = Date.now();
  const y = (1.2 * row) / rows - 0.6;
  let inside = 0;
  for (let x = -2; x < 0.6; x += 0.002) {
    checkCancelled();
    if (isInside(x, y)) inside++;
  }
  return { row, inside, pid: process.pid, thread: threadId, from, to: Date.now() };
}

function isInside(x, y) {
  let [a, b] = [0, 0];
  for (let step = 0; step < 10_000; step++) {
    [a, b] = [a * a - b * b + x, 2 * a * b + y];
    if (a * a + b * b > 4) return false;
  }
  return true;
}
