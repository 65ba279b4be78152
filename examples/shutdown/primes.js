import { checkCancelled } from "threadloop/workers";

/** How many primes there are below a limit; it runs in a thread, and ends there when its job is cancelled. */
export function countPrimes(limit) {
  let count = 0;
  for (let n = 2; n < limit; n++) {
    checkCancelled();
    if (isPrime(n)) count++;
  }
  return count;
}

function isPrime(n) {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}
