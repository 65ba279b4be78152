/** `rootsOf` finds the roots of a forest that may have circles, as tasks that wait for each other are. */

/** How a node is linked. */
export interface Links<N> {
  readonly hasParent: (node: N) => boolean;
  readonly childrenOf: (node: N) => Iterable<N>;
}

/**
 * Returns the nodes from which all others can be reached: those without a parent and, of what hangs on a circle that
 * no such node reaches, the first one.
 */
export function rootsOf<N>(nodes: Iterable<N>, { hasParent, childrenOf }: Links<N>): N[] {
  const all = [...nodes];
  const roots: N[] = [];
  const reached = new Set<N>();
  const add = (root: N) => {
    roots.push(root);
    const open = [root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (reached.has(node)) continue;
      reached.add(node);
      for (const child of childrenOf(node)) open.push(child);
    }
  };
  for (const node of all) if (!hasParent(node)) add(node);
  if (reached.size < all.length) for (const node of onCircles(all, reached, childrenOf)) add(node);
  return roots;
}

/** Nodes on circles, so that what hangs on one does not become a root of its own; of each circle the first. */
function* onCircles<N>(
  all: readonly N[],
  reached: ReadonlySet<N>,
  childrenOf: (node: N) => Iterable<N>,
): Generator<N> {
  const places = new Map(all.map((node, place) => [node, place]));
  const parents = new Map<N, N>();
  for (const node of all)
    for (const child of childrenOf(node)) if (!parents.has(child)) parents.set(child, node);
  for (const node of all) {
    if (reached.has(node)) continue;
    const circle = circleAbove(node, parents);
    yield circle.reduce((first, each) =>
      (places.get(each) as number) < (places.get(first) as number) ? each : first,
    );
  }
}

/** Where the way up ends that never comes to a node without a parent. */
function circleAbove<N>(node: N, parents: ReadonlyMap<N, N>): N[] {
  const walked = new Set<N>();
  let at = node;
  for (; !walked.has(at); at = parents.get(at) as N) walked.add(at);
  const way = [...walked];
  return way.slice(way.indexOf(at));
}
