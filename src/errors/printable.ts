/**
 * These are names in text that people read. A name may come from a user of the program, and a terminal obeys control
 * characters: one name could clear the screen, set its title or make up a line of a table or a log.
 */

/** Control characters, line separators, and marks that turn the direction of the text. */
const CONTROLS = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** The text with what is not printed shown as an escape: `\x1b`, `\n`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(CONTROLS, escaped);
}

/** The same for a text of several lines, which keeps its ends of lines. */
export function printableLines(text: string): string {
  return text.replace(CONTROLS, (character) => (character === "\n" ? character : escaped(character)));
}

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return (
    NAMED[character] ?? (code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`)
  );
}
