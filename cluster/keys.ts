// These are the names of all that a queue has in Redis. They have one prefix, so that a user of Redis can be kept to
// one queue, and it is in braces, so that a Redis Cluster has all of it in one place.

export interface Keys {
  /** All keys begin with it, those of BullMQ as well. */
  readonly prefix: string;
  /** The set of the machines. */
  readonly workers: string;
  /** What a machine tells of itself. */
  worker(id: string): string;
  /** The stream that the process with this id reads. */
  inbox(id: string): string;
  /** A value that is too large for its message. */
  blob(id: string): string;
  /** What was said to a process while nobody read its inbox. */
  late(id: string): string;
}

export function keysOf(queue: string): Keys {
  const prefix = `{threadloop:${queue}}`;
  return {
    prefix,
    workers: `${prefix}:workers`,
    worker: (id) => `${prefix}:worker:${id}`,
    inbox: (id) => `${prefix}:inbox:${id}`,
    blob: (id) => `${prefix}:blob:${id}`,
    late: (id) => `${prefix}:late:${id}`,
  };
}
