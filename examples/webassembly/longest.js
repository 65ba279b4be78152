let instance;

/** The number of a range that takes the most steps to 1; it runs in a thread. */
export function longest({ module, from, to }) {
  instance ??= new WebAssembly.Instance(module);
  const best = { number: from, steps: -1 };
  for (let number = from; number < to; number++) {
    const steps = instance.exports.steps(BigInt(number));
    if (steps > best.steps) Object.assign(best, { number, steps });
  }
  return best;
}
