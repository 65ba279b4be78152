// A source without its strings, comments and the text of its templates, in which a search by pattern would find code
// that is none. Regular expressions are left as they are: only a parser can tell them from divisions.

const TOKEN = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[`{}]/g;
/** The text of a template up to its end or to its next `${`. */
const TEMPLATE_TEXT = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(`|\$\{)?/y;

/** The source with `""` for each string, comment and text; what a template has between its texts is in parentheses. */
export function codeOnly(source: string): string {
  let code = "";
  let at = 0;
  /** The braces that are open: blocks, and places in templates. */
  const open: ("{" | "${")[] = [];
  const skipText = (start: number): number => {
    TEMPLATE_TEXT.lastIndex = start;
    const [text, end] = TEMPLATE_TEXT.exec(source)!;
    code += end === "${" ? '""(' : '""';
    if (end === "${") open.push(end);
    return start + text.length;
  };
  for (const { 0: token, index } of tokensOf(source, () => at)) {
    code += source.slice(at, index);
    at = index + token.length;
    if (token === "`") at = skipText(at);
    else if (token === "}" && open.pop() === "${") {
      code += ")";
      at = skipText(at);
    } else code += token.length === 1 ? token : '""';
    if (token === "{") open.push(token);
  }
  return code + source.slice(at);
}

/** The tokens, each searched for from where the last one was done with. */
function* tokensOf(source: string, from: () => number): Generator<RegExpExecArray> {
  for (;;) {
    TOKEN.lastIndex = from();
    const match = TOKEN.exec(source);
    if (!match) return;
    yield match;
  }
}
