/**
 * The ready queue: first-in first-out in a ring, since a task switch costs little more than one push and one shift.
 */
export class ReadyQueue<T> {
  #items: (T | undefined)[] = new Array(1024).fill(undefined);
  #head = 0;
  #mask = 1023;
  length = 0;

  push(item: T): void {
    if (this.length > this.#mask) this.#grow();
    this.#items[(this.#head + this.length++) & this.#mask] = item;
  }

  /** Takes the oldest item; the queue must not be empty. */
  shift(): T {
    const head = this.#head;
    const item = this.#items[head] as T;
    this.#items[head] = undefined;
    this.#head = (head + 1) & this.#mask;
    this.length--;
    return item;
  }

  /** Takes all. */
  clear(): T[] {
    const items = Array.from({ length: this.length }, () => this.shift());
    this.#items = new Array(1024).fill(undefined);
    this.#head = 0;
    this.#mask = 1023;
    return items;
  }

  #grow(): void {
    const old = this.#items;
    const items: (T | undefined)[] = new Array(old.length * 2).fill(undefined);
    for (let i = 0; i < old.length; i++) items[i] = old[(this.#head + i) & this.#mask];
    this.#items = items;
    this.#head = 0;
    this.#mask = items.length - 1;
  }
}
