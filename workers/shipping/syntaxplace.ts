// This tells, on the worker's side, where a module's syntax is wrong. V8 knows, and Node prints it when the error ends
// a program; the error itself does not say. The inspector tells line and column, but no file: that is certain where the
// module imports nothing.
import { readFileSync } from "node:fs";

interface Details {
  readonly exceptionDetails?: { readonly lineNumber: number; readonly columnNumber: number };
}

/** In brackets, with a space before them; empty where it cannot be told. */
export function syntaxPlace(error: unknown, url: string): string {
  if (!(error instanceof SyntaxError)) return "";
  try {
    const place = placeOf(error);
    if (place === null) return "";
    const { line, column } = place;
    if (isAlone(url)) return ` (${url}:${line}:${column})`;
    return ` (line ${line}, column ${column} of it or of a module that it imports)`;
  } catch {
    return "";
  }
}

function isAlone(url: string): boolean {
  return url.startsWith("file:") && !/\b(?:import|from|require)\b/.test(readFileSync(new URL(url), "utf8"));
}

function placeOf(error: SyntaxError): { line: number; column: number } | null {
  const { Session } = process.getBuiltinModule("node:inspector");
  const session = new Session();
  const holder = globalThis as { [HOLDER]?: SyntaxError };
  let found: Details["exceptionDetails"];
  session.connect();
  try {
    holder[HOLDER] = error;
    session.post("Runtime.evaluate", { expression: `globalThis[Symbol.for("${NAME}")]` }, (_, evaluated) => {
      const errorObjectId = evaluated?.result.objectId as string;
      session.post(
        "Runtime.getExceptionDetails" as never,
        { errorObjectId } as never,
        ((_: unknown, details?: Details) => {
          found = details?.exceptionDetails;
        }) as never,
      );
    });
  } finally {
    delete holder[HOLDER];
    session.disconnect();
  }
  return found === undefined ? null : { line: found.lineNumber + 1, column: found.columnNumber + 1 };
}

const NAME = "threadloop.syntaxerror";
const HOLDER = Symbol.for(NAME);
