/** Counts primes, and tells after each hundredth how far it is. It runs in a thread. */
export async function* countPrimes(limit) {
  let count = 0;
  const step = Math.ceil(limit / 100);
  for (let n = 2; n <= limit; n++) {
    if (isPrime(n)) count++;
    if (n % step === 0) yield { done: n / limit, count };
  }
  yield { done: 1, count };
}

function isPrime(n) {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}
