import { QueueFull, TimeoutError } from "threadloop";
import { pool } from "../../../pool.js";
import { countPrimes } from "../../../primes.js";

export async function GET(request, { params }) {
  const jobs = pool.with({ signal: request.signal, timeout: 1000 });
  try {
    return Response.json({ count: await jobs.submit(countPrimes, Number((await params).limit)) });
  } catch (error) {
    if (error instanceof QueueFull)
      return new Response("busy", { status: 503, headers: { "Retry-After": "1" } });
    if (error instanceof TimeoutError) return new Response("too much work", { status: 504 });
    if (request.signal.aborted) return new Response(null, { status: 499 }); // nobody waits for it any more
    throw error;
  }
}
