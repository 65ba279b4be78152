// This is a class as it is, not as it was written: its text without what runs when a class is made (static fields
// and blocks, computed keys), and what it and its prototype have now that is not in that text. So nothing of the
// user runs a second time over there, and what was set, replaced or removed since is as it is here.
import { freeName } from "./code.ts";
import { parsed, type SyntaxNode } from "./syntax.ts";

/** A method or accessor in the text of a class. */
export interface Written {
  readonly isStatic: boolean;
  readonly kind: "method" | "get" | "set";
  /** Undefined: it is computed, and over there is the value of `variable`. */
  readonly key: string | undefined;
  readonly variable?: string;
  /** As the function says of itself. */
  readonly text: string;
}

export interface ClassText {
  readonly text: string;
  readonly members: readonly Written[];
  /** Static #private fields. */
  readonly privates: readonly string[];
  /** The variable through which they are set. */
  readonly holder: string;
  /** Its computed keys for which nothing tells the value: of fields. */
  readonly unknownKey?: string;
}

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

interface Reading {
  readonly source: string;
  readonly edits: Edit[];
  readonly members: Written[];
  readonly privates: string[];
  unknownKey: string | undefined;
}

/** The text of a class without what runs when it is made; undefined when acorn does not know its syntax. */
export function classText(source: string): ClassText | undefined {
  const program = parsed(`(${source})`);
  const [statement] = (program?.body as SyntaxNode[] | undefined) ?? [];
  const body = (statement?.expression as SyntaxNode | undefined)?.body as SyntaxNode | undefined;
  if (!body) return undefined;
  const reading: Reading = { source, edits: [], members: [], privates: [], unknownKey: undefined };
  for (const member of body.body as SyntaxNode[]) readMember(reading, member);
  const { members, privates, unknownKey } = reading;
  const holder = freeName("privates$", source);
  if (privates.length > 0) {
    const end = body.end - 2;
    const targets = privates.map((name) => `this.#${name}`).join(",");
    reading.edits.push({ start: end, end, text: `;static{${holder}.set=(values)=>{[${targets}]=values}}` });
  }
  return {
    text: edited(source, reading.edits),
    members,
    privates,
    holder,
    ...(unknownKey !== undefined && { unknownKey }),
  };
}

/** A source with other text in some places. */
export function edited(source: string, edits: readonly Edit[]): string {
  let text = "";
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    text += source.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + source.slice(at);
}

function readMember(reading: Reading, node: SyntaxNode): void {
  const key = node.key as SyntaxNode | null | undefined;
  if (node.type === "StaticBlock") cut(reading, node.start, node.end);
  else if (node.type === "PropertyDefinition") readField(reading, node, key!);
  else if (key!.type !== "PrivateIdentifier" && node.kind !== "constructor") readMethod(reading, node, key!);
}

function readField(reading: Reading, node: SyntaxNode, key: SyntaxNode): void {
  if (!node.static) {
    if (node.computed && !isConstant(key)) reading.unknownKey ??= sliceOf(reading, key);
  } else if (key.type === "PrivateIdentifier") {
    reading.privates.push(key.name as string);
    cut(reading, key.end, (node.value as SyntaxNode | null)?.end ?? key.end);
  } else cut(reading, node.start, node.end);
}

function readMethod(reading: Reading, node: SyntaxNode, key: SyntaxNode): void {
  const whole = sliceOf(reading, node);
  const variable =
    node.computed && !isConstant(key) ? freeName(`key${reading.members.length}$`, reading.source) : undefined;
  reading.members.push({
    isStatic: node.static as boolean,
    kind: node.kind as Written["kind"],
    key: node.computed ? undefined : String(key.name ?? key.value),
    ...(variable !== undefined && { variable }),
    text: node.static ? whole.replace(/^static\b(?:\s|\/\*[\s\S]*?\*\/|\/\/.*\n)*/, "") : whole,
  });
  if (variable === undefined) return;
  const text = variable.padEnd(key.end - key.start);
  reading.edits.push({ start: key.start - 1, end: key.end - 1, text });
}

/** Offsets of acorn are one more than those of the source, which it read in parentheses. */
const sliceOf = ({ source }: Reading, node: SyntaxNode): string => source.slice(node.start - 1, node.end - 1);

/** Takes a part out. */
function cut({ source, edits }: Reading, start: number, end: number): void {
  edits.push({ start: start - 1, end: end - 1, text: blank(source.slice(start - 1, end - 1)) });
}

/** As long, with the same lines: positions stay what they were. */
const blank = (text: string): string => text.replace(/[^\n]/g, " ");

/** A key that is the same in every thread: `["a-b"]`, `[Symbol.iterator]`. */
function isConstant(key: SyntaxNode): boolean {
  if (key.type === "Literal") return true;
  const object = key.object as SyntaxNode | undefined;
  return (
    key.type === "MemberExpression" &&
    !key.computed &&
    object?.type === "Identifier" &&
    object.name === "Symbol"
  );
}

/** Whether a property of a class, or of its prototype, is the method or accessor that its text has under that name. */
export function isAsWritten(
  key: string | symbol,
  descriptor: PropertyDescriptor,
  members: readonly Written[],
  isStatic: boolean,
): boolean {
  if (descriptor.enumerable || !descriptor.configurable) return false;
  const has = (kind: Written["kind"], fn: unknown): boolean => {
    if (typeof fn !== "function") return false;
    const text = Function.prototype.toString.call(fn);
    return members.some(
      (member) =>
        member.isStatic === isStatic &&
        member.kind === kind &&
        member.text === text &&
        (member.key === undefined || member.key === key),
    );
  };
  if ("value" in descriptor) return descriptor.writable === true && has("method", descriptor.value);
  const isWritten = (kind: "get" | "set"): boolean => {
    const fn = descriptor[kind];
    return fn
      ? has(kind, fn)
      : !members.some((member) => member.key === key && member.kind === kind && member.isStatic === isStatic);
  };
  return isWritten("get") && isWritten("set");
}

/** The key under which a member with a computed name is found; undefined when it is not there any more. */
export function keyOfMember(member: Written, holder: object): string | symbol | undefined {
  const part = member.kind === "method" ? "value" : member.kind;
  return Reflect.ownKeys(holder).find((key) => {
    const fn: unknown = Object.getOwnPropertyDescriptor(holder, key)?.[part];
    return typeof fn === "function" && Function.prototype.toString.call(fn) === member.text;
  });
}
