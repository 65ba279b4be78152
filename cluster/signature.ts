// These are signed messages: HMAC-SHA256 over all parts of one, each with its length before it, so that no part can
// be moved into its neighbour. The first secret signs and all of them are accepted, so that a secret can be
// replaced: first it is added behind the old one everywhere, then it goes first, then the old one is left out.

import { createHmac, timingSafeEqual } from "node:crypto";

export class Signer {
  readonly #secrets: readonly string[];

  /** Without secrets nothing is signed, and what is signed is refused: both sides have the secret, or none has. */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
  }

  /** Whether messages are signed here. */
  get hasSecret(): boolean {
    return this.#secrets.length > 0;
  }

  /** The signature of a message, or undefined where there is no secret. */
  sign(parts: readonly (string | Uint8Array)[]): string | undefined {
    const [secret] = this.#secrets;
    return secret === undefined ? undefined : hmac(secret, parts).toString("base64");
  }

  /** Whether a message is what somebody with the same secret has signed. */
  isSigned(parts: readonly (string | Uint8Array)[], signature: unknown): boolean {
    if (!this.hasSecret) return signature === undefined;
    if (typeof signature !== "string") return false;
    const given = Buffer.from(signature, "base64");
    return this.#secrets.some((secret) => {
      const own = hmac(secret, parts);
      return own.length === given.length && timingSafeEqual(own, given);
    });
  }
}

function hmac(secret: string, parts: readonly (string | Uint8Array)[]): Buffer {
  const made = createHmac("sha256", secret);
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    made.update(`${bytes.length}:`).update(bytes);
  }
  return made.digest();
}
