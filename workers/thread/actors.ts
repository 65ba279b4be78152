// These are actors on the worker's side: objects that live in this thread and are called by jobs of their host.

/** The actors of this thread, by id. */
export type Actors = Map<number, object>;

export function makeActor(actors: Actors, id: number, fn: unknown, args: readonly unknown[]): void {
  const Class = fn as new (...args: readonly unknown[]) => object;
  actors.set(id, new Class(...args));
}

export function callActor(actors: Actors, id: number, method: string, args: readonly unknown[]): unknown {
  const actor = actors.get(id) as Record<string, unknown> | undefined;
  if (actor === undefined)
    throw new ReferenceError(`The actor of method \`${method}\` is not in this worker any more`);
  const fn = actor[method];
  if (typeof fn === "function") return fn.apply(actor, args);
  throw new TypeError(`Actor ${actor.constructor.name} has no method \`${method}\``);
}

/** Forgets an actor, after it has disposed of itself. */
export async function dropActor(actors: Actors, id: number): Promise<void> {
  const actor = actors.get(id) as Partial<AsyncDisposable & Disposable> | undefined;
  actors.delete(id);
  await actor?.[Symbol.asyncDispose]?.();
  if (actor?.[Symbol.asyncDispose] === undefined) actor?.[Symbol.dispose]?.();
}
