// This is what a process asks machines by way of their inboxes, and the answers that it waits for.

import { realTime } from "../workers/executor/time.ts";
import type { Outboxes } from "./outbox.ts";
import type { Order } from "./protocol.ts";

type Answered = (answer: unknown) => void;

export class Questions {
  readonly #outboxes: Outboxes<Order>;
  readonly #open = new Map<number, Answered>();
  #last = 0;

  constructor(outboxes: Outboxes<Order>) {
    this.#outboxes = outboxes;
  }

  /** Asks each of the machines; null stands for one that does not answer within so many milliseconds. */
  ask(
    machines: readonly string[],
    patience: number,
    orderOf: (question: number) => Order,
  ): Promise<(unknown | null)[]> {
    return Promise.all(machines.map((machine) => this.#askOne(machine, patience, orderOf)));
  }

  /** What was said to a question; nobody asked it any more when it is late. */
  answer(question: number, answer: unknown): void {
    this.#open.get(question)?.(answer);
  }

  #askOne(machine: string, patience: number, orderOf: (question: number) => Order): Promise<unknown> {
    return new Promise((resolve) => {
      const number = ++this.#last;
      const answered: Answered = (answer) => {
        callOff();
        this.#open.delete(number);
        resolve(answer);
      };
      const callOff = realTime.after(patience, () => answered(null));
      this.#open.set(number, answered);
      this.#outboxes.to(machine).add(orderOf(number));
    });
  }
}
