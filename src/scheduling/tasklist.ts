/**
 * These are the tasks of a loop that are not done, in the order of creation: a list through the tasks themselves,
 * since each task is added and removed once and a Set would be a tenth of its price. It keeps them alive, so that a
 * task nobody refers to is not lost.
 */

/** What a member of the list carries. */
export interface Listed<T> {
  _next: T | null;
  _previous: T | null;
}

/** The list, as those see it who add to it. */
export interface Tasks<T> extends Iterable<T> {
  readonly size: number;
  add(task: T): void;
  remove(task: T): void;
}

export class TaskList<T extends Listed<T>> implements Tasks<T> {
  #first: T | null = null;
  #last: T | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(task: T): void {
    task._previous = this.#last;
    if (this.#last === null) this.#first = task;
    else this.#last._next = task;
    this.#last = task;
    this.#size++;
  }

  remove(task: T): void {
    if (task._previous === null) this.#first = task._next;
    else task._previous._next = task._next;
    if (task._next === null) this.#last = task._previous;
    else task._next._previous = task._previous;
    task._next = null;
    task._previous = null;
    this.#size--;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let task = this.#first; task !== null; task = task._next) yield task;
  }
}
