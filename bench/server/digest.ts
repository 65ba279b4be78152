// This names the bytes of a page. It is written once, so that server and load process mean the same.
import { createHash } from "node:crypto";

/** Names the bytes of a body, in an ETag's quotes: the server sends it as the ETag, the load process computes it from what arrives. */
export function digest(body: string | Uint8Array): string {
  return `"${createHash("sha256").update(body).digest("base64url")}"`;
}
