// This is what a source says, where a pattern cannot know: which names it uses from around and assigns, where
// `this`, `super` and `import.meta` stand, what the members of a class are. acorn reads it; it is loaded when it is
// first needed (6 ms).
import type * as acorn from "acorn";
import { LruMap } from "./lrumap.ts";
import { parts } from "./parts.ts";

/** A node of acorn's tree; what else it has depends on its type. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [part: string]: unknown;
}

/** One use of a name that the source does not declare itself. */
export interface Use {
  readonly name: string;
  readonly start: number;
  readonly assigns: boolean;
  /** `property` in `name.property`, when that is all that is done with it here; undefined: it is used as a whole. */
  readonly property?: string;
  /** It is the name of a function expression that is around it. */
  readonly isOwnName?: true;
}

export interface Syntax {
  readonly root: SyntaxNode;
  readonly uses: readonly Use[];
  /** The names among them that are assigned somewhere. */
  readonly assigned: ReadonlySet<string>;
  /** Where a `this` stands that is the one around the source. */
  readonly thises: readonly number[];
  /** Where `import.meta` stands, from and to. */
  readonly metas: readonly (readonly [number, number])[];
  /** It uses the `super` of what is around it. */
  readonly usesSuper: boolean;
  /** It calls `eval`, which may do anything to what is around it. */
  readonly evaluates: boolean;
  /** What of its own constants it assigns: each such use. */
  readonly toConstants: readonly Use[];
}

/** Names declared in one scope of the source. */
interface Scope {
  readonly names: Set<string>;
  /** Those of them that cannot be assigned. */
  readonly constants: Set<string>;
  /** It is around a function expression, and has its name: strict code cannot assign that, sloppy code does so in vain. */
  readonly isOwnName?: true;
  readonly outer: Scope | null;
}

/** Where the walk is. */
interface Place {
  readonly scope: Scope;
  /** `this` and `super` here are those around the source. */
  readonly thisIsOuter: boolean;
  readonly superIsOuter: boolean;
}

interface Findings {
  readonly uses: Use[];
  readonly toConstants: Use[];
  readonly thises: number[];
  readonly metas: [number, number][];
  usesSuper: boolean;
}

const OPTIONS: acorn.Options = {
  ecmaVersion: "latest",
  sourceType: "script",
  allowImportExportEverywhere: true, // import.meta
  allowReturnOutsideFunction: true,
  allowSuperOutsideMethod: true,
  checkPrivateFields: false,
} as acorn.Options;

const known = new LruMap<string, Syntax | "unknown">(300);

/** What an expression says; undefined when acorn does not know its syntax. */
export function syntaxOf(source: string): Syntax | undefined {
  let syntax = known.get(source);
  if (syntax === undefined) {
    const root = parsed(source);
    syntax = root === undefined ? "unknown" : syntaxIn(root);
    known.set(source, syntax);
  }
  return syntax === "unknown" ? undefined : syntax;
}

/** A source with the escapes in its names, as esbuild writes them (`gr\u00f6\u00dfe`), as the characters they stand for. */
export function decoded(source: string): string {
  if (!source.includes("\\u")) return source;
  return source.replace(/\\u(?:\{([\da-f]+)\}|([\da-f]{4}))/gi, (written, code?: string, four?: string) => {
    const point = Number.parseInt(code ?? four ?? "", 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : written;
  });
}

/** The tree of a source: a program, or an expression in parentheses. */
export function parsed(source: string, sourceType: "script" | "module" = "script"): SyntaxNode | undefined {
  const { parse } = parts().acorn;
  try {
    return parse(source, { ...OPTIONS, sourceType }) as unknown as SyntaxNode;
  } catch {
    return undefined;
  }
}

/** What a tree says. */
export function syntaxIn(root: SyntaxNode): Syntax {
  const found: Findings = { uses: [], toConstants: [], thises: [], metas: [], usesSuper: false };
  const scope: Scope = { names: new Set(), constants: new Set(), outer: null };
  visit(found, root, { scope, thisIsOuter: true, superIsOuter: true });
  return {
    root,
    ...found,
    assigned: new Set(found.uses.filter(({ assigns }) => assigns).map(({ name }) => name)),
    evaluates: found.uses.some(({ name }) => name === "eval"),
  };
}

type Visit = (found: Findings, node: SyntaxNode, place: Place) => void;

function visit(found: Findings, node: SyntaxNode, place: Place): void {
  const special = VISITS[node.type];
  if (special) special(found, node, place);
  else visitParts(found, node, place);
}

const visitParts: Visit = (found, node, place) => {
  for (const part of partsOf(node)) visit(found, part, place);
};

/** The nodes right below a node. */
export function* partsOf(node: SyntaxNode): Generator<SyntaxNode> {
  for (const key of Object.keys(node)) {
    const part = node[key];
    if (Array.isArray(part)) yield* part.filter(isNode);
    else if (isNode(part)) yield part;
  }
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof (value as SyntaxNode | null | undefined)?.type === "string";

const part = (node: SyntaxNode, name: string): SyntaxNode | null => (node[name] as SyntaxNode | null) ?? null;
const list = (node: SyntaxNode, name: string): readonly SyntaxNode[] =>
  ((node[name] as (SyntaxNode | null)[] | undefined) ?? []).filter((item) => item !== null);

/** Visits these parts only, if they are there. */
function visitThese(found: Findings, place: Place, ...parts: (SyntaxNode | null | undefined)[]): void {
  for (const each of parts) if (each) visit(found, each, place);
}

const visitFunction: Visit = (found, node, place) => {
  const isArrow = node.type === "ArrowFunctionExpression";
  const id = part(node, "id");
  const named = node.type === "FunctionExpression" && id ? ownName(id, place.scope) : place.scope;
  const own = below(named);
  if (!isArrow) own.names.add("arguments");
  for (const param of list(node, "params")) declarePattern(param, own.names);
  const here: Place = isArrow
    ? { ...place, scope: own }
    : { scope: own, thisIsOuter: false, superIsOuter: place.superIsOuter };
  visitThese(found, here, ...list(node, "params"));
  const body = part(node, "body")!;
  const inner = below(own);
  declareVariables(body, inner.names);
  if (body.type === "BlockStatement") declareBlock(list(body, "body"), inner);
  visitThese(
    found,
    { ...here, scope: inner },
    ...(body.type === "BlockStatement" ? list(body, "body") : [body]),
  );
};

function ownName(id: SyntaxNode, outer: Scope): Scope {
  const scope: Scope = { ...below(outer), isOwnName: true };
  declareConstant(id, scope);
  return scope;
}

const visitBlock: Visit = (found, node, place) => {
  const scope = below(place.scope);
  declareBlock(list(node, "body"), scope);
  for (const statement of list(node, "body")) visit(found, statement, { ...place, scope });
};

const visitLoop: Visit = (found, node, place) => {
  const scope = below(place.scope);
  for (const head of [part(node, "init"), part(node, "left")]) {
    if (head?.type === "VariableDeclaration") declareLexical(head, scope);
    else if (head && node.type !== "ForStatement") assign(found, head, { ...place, scope });
  }
  visitParts(found, node, { ...place, scope });
};

const visitClass: Visit = (found, node, place) => {
  const scope = below(place.scope);
  const id = part(node, "id");
  if (id) declareConstant(id, scope);
  const inside = { ...place, scope };
  visitThese(found, inside, ...list(node, "decorators"), part(node, "superClass"));
  for (const member of list(part(node, "body")!, "body")) visitMember(found, member, inside);
};

const visitMember: Visit = (found, node, place) => {
  if (node.computed) visitThese(found, place, part(node, "key"));
  visitThese(found, place, ...list(node, "decorators"));
  const own = { ...place, thisIsOuter: false, superIsOuter: false };
  if (node.type !== "StaticBlock") return visitThese(found, own, part(node, "value"));
  const scope = below(place.scope);
  declareVariables(node, scope.names);
  declareBlock(list(node, "body"), scope);
  for (const statement of list(node, "body")) visit(found, statement, { ...own, scope });
};

/** Methods and getters of an object have a `super` of their own, but for the one that is the source itself. */
const visitObject: Visit = (found, node, place) => {
  for (const property of list(node, "properties")) {
    if (property.type !== "Property") visit(found, property, place);
    else {
      if (property.computed) visitThese(found, place, part(property, "key"));
      const isMethod = property.method === true || property.kind !== "init";
      const superIsOuter = place.superIsOuter && (!isMethod || node.start === 1);
      visitThese(found, { ...place, superIsOuter }, part(property, "value"));
    }
  }
};

const VISITS: Readonly<Record<string, Visit>> = {
  Program: (found, node, place) => {
    declareVariables(node, place.scope.names);
    visitBlock(found, node, place);
  },
  FunctionDeclaration: visitFunction,
  FunctionExpression: visitFunction,
  ArrowFunctionExpression: visitFunction,
  ClassDeclaration: visitClass,
  ClassExpression: visitClass,
  BlockStatement: visitBlock,
  SwitchStatement: (found, node, place) => {
    visitThese(found, place, part(node, "discriminant"));
    const scope = below(place.scope);
    for (const one of list(node, "cases")) declareBlock(list(one, "consequent"), scope);
    visitThese(found, { ...place, scope }, ...list(node, "cases"));
  },
  ForStatement: visitLoop,
  ForInStatement: visitLoop,
  ForOfStatement: visitLoop,
  CatchClause: (found, node, place) => {
    const scope = below(place.scope);
    const param = part(node, "param");
    if (param) declarePattern(param, scope.names);
    visitParts(found, node, { ...place, scope });
  },
  ObjectExpression: visitObject,
  Property: (found, node, place) => {
    // Of a pattern: those of objects are seen to above.
    if (node.computed) visitThese(found, place, part(node, "key"));
    visitThese(found, place, part(node, "value"));
  },
  MemberExpression: (found, node, place) => {
    const object = part(node, "object")!;
    const property = part(node, "property")!;
    if (object.type === "Identifier" && !node.computed && property.type === "Identifier")
      use(found, object, place, { property: property.name as string });
    else visit(found, object, place);
    if (node.computed) visit(found, property, place);
  },
  LabeledStatement: (found, node, place) => visitThese(found, place, part(node, "body")),
  BreakStatement: () => {},
  ContinueStatement: () => {},
  MetaProperty: (found, node) => {
    if (part(node, "meta")!.name === "import") found.metas.push([node.start, node.end]);
  },
  AssignmentExpression: (found, node, place) => {
    assign(found, part(node, "left")!, place);
    visitParts(found, node, place);
  },
  UpdateExpression: (found, node, place) => {
    assign(found, part(node, "argument")!, place);
    visitParts(found, node, place);
  },
  ThisExpression: (found, node, place) => {
    if (place.thisIsOuter) found.thises.push(node.start);
  },
  Super: (found, _node, place) => {
    if (place.superIsOuter) found.usesSuper = true;
  },
  Identifier: (found, node, place) => use(found, node, place, {}),
};

const below = (outer: Scope): Scope => ({ names: new Set(), constants: new Set(), outer });

function use(
  found: Findings,
  { name, start }: SyntaxNode,
  { scope }: Place,
  how: { property?: string; assigns?: boolean },
): void {
  const one: Use = { name: name as string, start, assigns: false, ...how };
  for (let at: Scope | null = scope; at; at = at.outer) {
    if (!at.names.has(one.name)) continue;
    if (one.assigns && at.constants.has(one.name))
      found.toConstants.push(at.isOwnName ? { ...one, isOwnName: true } : one);
    return;
  }
  found.uses.push(one);
}

/** Notes what a pattern assigns to. */
function assign(found: Findings, target: SyntaxNode, place: Place): void {
  for (const name of targetsOf(target)) use(found, name, place, { assigns: true });
}

/** The identifiers that a pattern binds or assigns. */
function* targetsOf(pattern: SyntaxNode): Generator<SyntaxNode> {
  switch (pattern.type) {
    case "Identifier":
      yield pattern;
      break;
    case "ObjectPattern":
      for (const property of list(pattern, "properties"))
        yield* targetsOf(part(property, property.type === "RestElement" ? "argument" : "value")!);
      break;
    case "ArrayPattern":
      for (const element of list(pattern, "elements")) yield* targetsOf(element);
      break;
    case "AssignmentPattern":
      yield* targetsOf(part(pattern, "left")!);
      break;
    case "RestElement":
      yield* targetsOf(part(pattern, "argument")!);
      break;
    case "ParenthesizedExpression":
      yield* targetsOf(part(pattern, "expression")!);
  }
}

function declarePattern(pattern: SyntaxNode, names: Set<string>): void {
  for (const { name } of targetsOf(pattern)) names.add(name as string);
}

function declareConstant({ name }: SyntaxNode, { names, constants }: Scope): void {
  names.add(name as string);
  constants.add(name as string);
}

const isVariable = ({ kind }: SyntaxNode): boolean => kind === "var" || kind === "let";

function declareLexical(declaration: SyntaxNode, { names, constants }: Scope): void {
  for (const one of list(declaration, "declarations")) {
    declarePattern(part(one, "id")!, names);
    if (!isVariable(declaration)) declarePattern(part(one, "id")!, constants);
  }
}

/** What the statements of a block declare in it. */
function declareBlock(statements: readonly SyntaxNode[], scope: Scope): void {
  for (const statement of statements) {
    const declaration = /^Export/.test(statement.type) ? part(statement, "declaration") : statement;
    if (declaration?.type === "VariableDeclaration") declareLexical(declaration, scope);
    else if (declaration && /^(Function|Class)Declaration$/.test(declaration.type)) {
      const id = part(declaration, "id"); // none of a default export
      if (id) scope.names.add(id.name as string);
    }
  }
}

/** What `var`, and sloppy functions in blocks, declare in a function. */
function declareVariables(node: SyntaxNode, names: Set<string>): void {
  for (const each of partsOf(node)) {
    if (each.type === "VariableDeclaration" && each.kind === "var")
      for (const one of list(each, "declarations")) declarePattern(part(one, "id")!, names);
    if (each.type === "FunctionDeclaration" && node.type !== "BlockStatement") {
      const id = part(each, "id");
      if (id) names.add(id.name as string);
    }
    if (!/Function|^Class|Method|PropertyDefinition|StaticBlock/.test(each.type))
      declareVariables(each, names);
  }
}
