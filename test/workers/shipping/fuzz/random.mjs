// These are random numbers from a seed.

/** `below(n)`: an integer from 0; `of(list)`: one of its items. */
export function randomFrom(seed) {
  let state = Math.imul(seed, 0x9e3779b9) | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (n) => next() % n;
  return { below, of: (list) => list[below(list.length)] };
}
