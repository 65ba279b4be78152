// These are the same little jobs in every form in which a function travels.
import { task } from "../../index.ts";

export const exported = (n: number): number => n + 1;

export const declared: typeof exported = task(import.meta.url, "declared", (n: number) => n + 1);

/** CPU-bound, by reference. */
export function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
