// This is what another's error says, to be quoted in a message of ours. What was thrown may be anything: a Proxy whose
// traps throw, an object that becomes no text. Invariant: nothing here throws, whatever it is given.

/** What an error says, also one that arrived as plain data, or what another thrown value is as text. */
export function reasonOf(thrown: unknown): string {
  try {
    const { message } = Object(thrown) as { message?: unknown };
    return String(message ?? thrown);
  } catch {
    return "what was thrown cannot be shown";
  }
}

/** The same without its full stop, for a sentence of ours that goes on or sets its own. */
export function clauseOf(thrown: unknown): string {
  return reasonOf(thrown).replace(/\.$/, "");
}

/** Where an error comes from, as far as it says so, else what was thrown as text. */
export function stackOrReasonOf(thrown: unknown): string {
  try {
    const { stack } = Object(thrown) as { stack?: unknown };
    return typeof stack === "string" && stack !== "" ? stack : reasonOf(thrown);
  } catch {
    return reasonOf(thrown);
  }
}

/** The code of an error; empty where it has none. */
export function codeOf(thrown: unknown): string {
  try {
    return String((Object(thrown) as { code?: unknown }).code ?? "");
  } catch {
    return "";
  }
}
