import { pool } from "../../pool.js";

export const dynamic = "force-dynamic";

export function GET() {
  const { running, queued, settled } = pool.stats();
  return Response.json({ running, queued, settled });
}
