// This marks what a chunk does when it is loaded, so that bundlers leave out what nobody uses of it: they know that
// a class or a function does nothing by being there, but not that about a call, `new WeakMap()` say.
import { parseAst } from "rolldown/parseAst";

const PURE = "/* @__PURE__ */ ";
/** What is done to a class right after it is declared, by functions that give it back. */
const DECORATIONS = new Set(["actAsFuture", "named", "ownThen"]);

/**
 * The code with each value that it makes marked as one that nobody misses who does not use it. What is done to a class by a
 * statement of its own, `named(TimeoutError, "TimeoutError")`, goes where the class is made.
 */
export function withoutEffects(code) {
  const { body } = parseAst(code);
  const decorations = new Map(
    body.filter(isDecoration).map((statement) => [statement.expression.arguments[0].name, statement]),
  );
  const edits = body
    .flatMap(({ declarations = [] }) => declarations)
    .filter(({ id, init }) => id.type === "Identifier" && init !== null)
    .flatMap(({ id, init }) => {
      const decoration = decorations.get(id.name);
      if (decoration !== undefined) return decorated(code, id, init, decoration);
      return isPure(init) ? [] : [...marked(init, isMade(init)), ...nameOf(id, init)];
    });
  // From the end to the beginning, what stands at one place from the right to the left.
  edits.sort((one, other) => other.at - one.at || other.order - one.order);
  return edits.reduce((text, { at, end = at, by }) => text.slice(0, at) + by + text.slice(end), code);
}

const isDecoration = ({ expression }) =>
  expression?.type === "CallExpression" && DECORATIONS.has(expression.callee.name?.replace(/\$\d+$/, ""));

function decorated(code, id, init, { start, end, expression }) {
  const { callee, arguments: given } = expression;
  return [
    ...marked(init, isPure(init)),
    { at: init.start, order: 1, by: `${callee.name}(` },
    ...nameOf(id, init),
    { at: init.end, order: 2, by: code.slice(given[0].end, expression.end) },
    { at: start, end, order: 0, by: "" },
  ];
}

function marked({ start, end }, isCall) {
  if (isCall) return [{ at: start, order: 0, by: PURE }];
  return [
    { at: start, order: 0, by: `${PURE}(() => (` },
    { at: end, order: 3, by: "))()" },
  ];
}

/** Of a class that would have its name of the variable. */
function nameOf(variable, { type, id, start }) {
  if (type !== "ClassExpression" || id !== null) return [];
  return [{ at: start + "class".length, order: 0, by: ` ${variable.name}` }];
}

/** A call that does nothing but give its value. */
const isMade = ({ type, arguments: given }) =>
  (type === "CallExpression" || type === "NewExpression") && given.every(isPure);

/** Bundlers know that it does nothing. */
function isPure(node) {
  switch (node.type) {
    case "ArrayExpression":
      return node.elements.every((each) => each !== null && isPure(each));
    case "ObjectExpression":
      return node.properties.every((each) => each.type === "Property" && isPure(each.value) && isKnown(each));
    case "BinaryExpression":
      return isPure(node.left) && isPure(node.right);
    case "UnaryExpression":
      return isPure(node.argument);
    case "ClassExpression":
      return (
        [null, "Identifier"].includes(node.superClass?.type ?? null) && node.body.body.every(isPureMember)
      );
    case "TemplateLiteral":
      return node.expressions.every(isPure);
    default:
      return /^(?:Literal|FunctionExpression|ArrowFunctionExpression|Identifier)$/.test(node.type);
  }
}

function isPureMember(member) {
  if (member.type === "StaticBlock" || !isKnown(member)) return false;
  return !member.static || member.value === null || isPure(member.value);
}

/** Other names than these may be objects, which are asked for their text. */
const isKnown = ({ computed, key }) =>
  !computed || key.type === "Literal" || (key.type === "MemberExpression" && key.object.name === "Symbol");
