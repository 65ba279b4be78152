// What the doctor tells of a function that `threadloop compare` is to measure: the command, where importing the file of the
// function does no more than define it.

import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { parse } from "acorn";
import type { Finding } from "./diagnosis.ts";
import { pathOf } from "./places.ts";

/**
 * Lines that lead to `compare`, where the function's file says that it exports it; `main` is the file that the thread began
 * with. compare imports the file of the function, and what a program does at its start it would do there again.
 */
export function handoverOf({ advice, name, file }: Finding, main: string | null): string[] {
  if (advice !== "offload" || !/^[\w$]+$/.test(name) || !existsSync(file)) return [];
  const text = readFileSync(file, "utf8");
  if (!isExported(text, name)) return [];
  const command = (module: string) => `npx threadloop compare ${module}#${name} --args '[...]'`;
  if (!startsAgain(file, text, main)) return [command(pathOf(file))];
  return [
    `${pathOf(file)} would start the program again when compare imports it: move ${name} to a module of its own, then run`,
    command("MODULE"),
  ];
}

function isExported(text: string, name: string): boolean {
  const escaped = name.replaceAll("$", "\\$");
  return new RegExp(
    `^export\\s+(?:async\\s+)?(?:function\\*?|const|let|var)\\s+${escaped}(?![\\w$])|^export\\s*\\{[^}]*(?<![\\w$])${escaped}(?![\\w$])|^(?:module\\.)?exports\\.${escaped}\\s*=|^module\\.exports\\s*=\\s*\\{[^}]*(?<![\\w$])${escaped}(?![\\w$])`,
    "m",
  ).test(text);
}

/** Whether a file starts something when it is imported, as far as its text says so. */
function startsAgain(file: string, text: string, main: string | null): boolean {
  if (main !== null && isSameFile(file, main) && !GUARD.test(text)) return true;
  const program = treeOf(text);
  return program === null ? STARTING_LINE.test(text) : startsSomething(program, text);
}

/** `node .` and `node server` name a file too. */
function isSameFile(file: string, main: string): boolean {
  try {
    return realpathSync(createRequire(file).resolve(main)) === realpathSync(file);
  } catch {
    return false;
  }
}

/** What stands in an `if` around that which only the started file does. */
const GUARD =
  /\brequire\.main\b|\bimport\.meta\.(?:main|url|filename)\s*===?|===?\s*import\.meta\.|\bprocess\.argv\[1\]/;
/** Calls by these names start what goes on. */
const STARTS = /^(?:listen|serve|start|run|main|launch|bootstrap|setInterval|spawn|fork|exit)$/;
/** The same in a text that acorn does not read, as TypeScript. */
const STARTING_LINE =
  /^(?:(?:void|await)\s+)?(?!(?:if|for|while|switch|function|import|require)\b)[\w$]+\(|^[\w$].*\b(?:listen|serve|setInterval)\(/m;

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [part: string]: unknown;
}

function treeOf(text: string): SyntaxNode | null {
  for (const sourceType of ["module", "script"] as const)
    try {
      return parse(text, {
        ecmaVersion: "latest",
        sourceType,
        allowHashBang: true,
        allowReturnOutsideFunction: true,
      }) as unknown as SyntaxNode;
    } catch {} // the next one, or none: TypeScript, JSX
  return null;
}

/** Looks at what runs when the module is evaluated. */
function startsSomething(node: SyntaxNode, text: string): boolean {
  if (node.type === "IfStatement" && GUARD.test(text.slice(...rangeOf(node.test as SyntaxNode))))
    return false;
  if (/Function|^MethodDefinition$/.test(node.type)) return false;
  if (node.type === "ExpressionStatement" && callsByName(node.expression as SyntaxNode)) return true;
  if (node.type === "CallExpression") {
    const callee = node.callee as SyntaxNode;
    if (STARTS.test(lastNameOf(callee))) return true;
    if (/Function/.test(callee.type) && startsSomething(callee.body as SyntaxNode, text)) return true;
  }
  return childrenOf(node).some((child) => startsSomething(child, text));
}

/** `start()`, `await start()`, `start().then(...)`: a statement that is the call of a function by its mere name. */
function callsByName(expression: SyntaxNode): boolean {
  for (let at: SyntaxNode = expression; ; )
    if (at.type === "AwaitExpression" || at.type === "UnaryExpression") at = at.argument as SyntaxNode;
    else if (at.type === "MemberExpression") at = at.object as SyntaxNode;
    else if (at.type !== "CallExpression") return false;
    else if ((at.callee as SyntaxNode).type === "Identifier")
      return (at.callee as SyntaxNode).name !== "require";
    else at = at.callee as SyntaxNode;
}

function lastNameOf(callee: SyntaxNode): string {
  const named = callee.type === "MemberExpression" ? (callee.property as SyntaxNode) : callee;
  return named.type === "Identifier" ? String(named.name) : "";
}

const rangeOf = ({ start, end }: SyntaxNode): [number, number] => [start, end];

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  return Object.values(node)
    .flat()
    .filter((part): part is SyntaxNode => typeof (part as SyntaxNode | null)?.type === "string");
}
