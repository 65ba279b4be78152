// These are random programs from a seed: scopes in scopes, names that are shared and shadowed, functions of every kind
// that read, assign and call each other, classes that are changed after their bodies, assignments before, between and
// after.
//
// A program is the body of a function that gives { job, after }: `job` is to be run here and there, and `after`
// assigns what a job that is on its way must not see.
import { randomFrom } from "./random.mjs";

const NAMES = ["a", "b", "c", "d"];
const DEEPEST = 3;
const MOST_STATEMENTS = 5;

/** The text of the program with this seed. */
export function programOf(seed) {
  const state = { random: randomFrom(seed), count: 0, calls: [], budget: 0 };
  state.budget = 6 + state.random.below(16);
  const scope = { variables: [], functions: [], outer: null, isFunction: true };
  const body = statements(state, scope, 0);
  const order = Array.from({ length: 2 + state.random.below(8) }, () => state.random.below(1_000));
  return `const fns = [];
${body}
const job = () => { const out = []; for (const k of ${JSON.stringify(order)}) { const f = fns[k % fns.length]; try { out.push(f ? f() : null); } catch (e) { out.push(e.name + ': ' + e.message); } } return out; };
const after = () => { ${assignableIn(scope)
    .map((name) => `${name} = 'late';`)
    .join(" ")} };
return { job, after };`;
}

function statements(state, outer, depth, isFunction = false) {
  const scope = { variables: [], functions: [], outer, isFunction };
  // What the whole program can assign at its top belongs to the scope that `after` sees.
  const own = depth === 0 ? outer : scope;
  const lines = [];
  const count = 2 + state.random.below(MOST_STATEMENTS);
  for (let i = 0; i < count; i++) lines.push(declaration(state, own));
  for (let i = 0; i < count && state.budget > 0; i++) lines.push(statement(state, own, depth));
  return lines.filter((line) => line !== "").join("\n");
}

function declaration(state, scope) {
  const free = NAMES.filter((name) => !scope.variables.some((variable) => variable.name === name));
  if (free.length === 0) return "";
  const name = state.random.of(free);
  const kind = state.random.of(["let", "let", "let", "const", scope.isFunction ? "var" : "let"]);
  // Of an outer variable with this name nothing can be read before this one is there.
  const value = String(state.random.below(100));
  scope.variables.push({ name, kind });
  return `${kind} ${name} = ${value};`;
}

function statement(state, scope, depth) {
  state.budget--;
  const kinds = [arrow, arrow, declared, generator, asyncless, object, classes, assignment, assignment, call];
  if (depth < DEEPEST) kinds.push(block, block, loop, factory, factory, immediate, caught, parameters);
  return state.random.of(kinds)(state, scope, depth);
}

const fresh = (state, prefix) => `${prefix}${state.count++}`;

function visible(scope, what) {
  const found = [];
  for (let at = scope; at; at = at.outer) found.push(...at[what]);
  return found;
}

/** Names that can be assigned here: those that no constant of an inner scope hides. */
function assignableIn(scope) {
  const seen = new Map();
  for (let at = scope; at; at = at.outer) {
    for (const { name, kind } of at.variables) if (!seen.has(name)) seen.set(name, kind);
  }
  return [...seen].filter(([, kind]) => kind !== "const").map(([name]) => name);
}

const readable = (scope) => [...new Set(visible(scope, "variables").map(({ name }) => name))];

function expression(state, scope) {
  const names = readable(scope);
  const functions = visible(scope, "functions");
  const { random } = state;
  if (names.length === 0) return String(random.below(9));
  if (functions.length > 0 && random.below(4) === 0) return `${random.of(functions)}()`;
  return random.of([
    () => random.of(names),
    () => `${random.of(names)} + ${random.below(9)}`,
    () => `[${random.of(names)}, ${random.of(names)}]`,
    () => `\`\${${random.of(names)}}\``,
    () => `(${random.of(names)} > 5 ? ${random.of(names)} : ${random.below(9)})`,
  ])();
}

/** Something that may change a variable. */
function change(state, scope) {
  const names = assignableIn(scope);
  if (names.length === 0) return "";
  const { random } = state;
  const name = random.of(names);
  return random.of([
    () => `${name}++;`,
    () => `${name} += ${random.below(9)};`,
    () => `${name} = ${expression(state, scope)};`,
    () => `${name} ??= 4;`,
    () => `[${name}] = [${random.below(50)}];`,
    () => `({ x: ${name} } = { x: ${random.below(50)} });`,
    () => `--${name};`,
    () => `for (${name} of [1, ${random.below(9)}]);`,
  ])();
}

function body(state, scope) {
  const inner = { variables: [], functions: [], outer: scope };
  const lines = [];
  if (state.random.below(4) === 0) lines.push(declaration(state, inner));
  for (let i = state.random.below(3); i > 0; i--) lines.push(change(state, inner));
  lines.push(`return ${expression(state, inner)};`);
  return lines.join(" ");
}

function named(scope, name, code) {
  scope.functions.push(name);
  return `${code} fns.push(${name});`;
}

function arrow(state, scope) {
  const name = fresh(state, "f");
  const code = body(state, scope);
  return named(scope, name, `const ${name} = (x = ${expression(state, scope)}) => { ${code} };`);
}

function declared(state, scope) {
  const name = fresh(state, "f");
  return named(scope, name, `function ${name}() { ${body(state, scope)} }`);
}

function asyncless(state, scope) {
  const name = fresh(state, "f");
  return named(scope, name, `const ${name} = function inner() { ${body(state, scope)} };`);
}

function generator(state, scope) {
  const name = fresh(state, "g");
  const code = `function* ${name}() { ${change(state, scope)} yield ${expression(state, scope)}; ${change(state, scope)} yield ${expression(state, scope)}; }`;
  return `${code} fns.push(() => [...${name}()]);`;
}

function object(state, scope) {
  const name = fresh(state, "o");
  const code = `const ${name} = { n: 1, m() { ${body(state, scope)} }, get v() { return ${expression(state, scope)}; }, own() { this.n++; return this.n; }, late: () => { ${body(state, scope)} } };`;
  return `${code} fns.push(() => [${name}.m(), ${name}.v, ${name}.own()], ${name}.late);`;
}

function classes(state, scope) {
  const name = fresh(state, "C");
  const { random } = state;
  const parent = random.below(3) === 0 && state.lastClass ? ` extends ${state.lastClass.name}` : "";
  const usable = parent && visible(scope, "functions").includes(state.lastClass.name);
  const code = `class ${name}${usable ? parent : ""} { static s = ${expression(state, scope)}; static { ${change(state, scope)} } f = ${expression(state, scope)}; m() { ${body(state, scope)} } get p() { return ${expression(state, scope)}; } static q() { ${change(state, scope)} return this.s; } #h = ${random.below(9)}; h() { return this.#h++; } r = () => this.f; }`;
  const later = random.of([
    "",
    `${name}.s = ${random.below(9)};`,
    `${name}.prototype.m = function () { return 'replaced'; };`,
    `{ const m = ${name}.prototype.m; ${name}.prototype.m = function () { return ['wrapped', m.call(this)]; }; }`,
    `Object.defineProperty(${name}.prototype, 'p', { get() { return 'other'; } });`,
    `delete ${name}.prototype.m; ${name}.prototype.m = () => 'arrow';`,
    `Object.assign(${name}.prototype, { extra() { return 1; } });`,
  ]);
  return `${code} ${later} fns.push(() => { const i = new ${name}(); return [i.m(), i.f, i.p, i.h(), i.h(), i.r(), ${name}.s, ${name}.q(), Object.keys(${name}), Object.keys(${name}.prototype)]; });`;
}

function assignment(state, scope) {
  return change(state, scope);
}

/** Calls here, before the job is on its way. */
function call(state, scope) {
  const functions = visible(scope, "functions");
  return functions.length > 0 ? `${state.random.of(functions)}();` : "";
}

function block(state, scope, depth) {
  return `{ ${statements(state, scope, depth + 1)} }`;
}

function loop(state, scope, depth) {
  const name = state.random.of(NAMES);
  const inner = { variables: [{ name, kind: "let" }], functions: [], outer: scope };
  const head = state.random.of([
    `let ${name} = 0; ${name} < 2; ${name}++`,
    `let ${name} of [1, 1]`,
    `let ${name} in { x: 1, y: 2 }`,
  ]);
  // In the body a function must not change the variable of the first head, or the loop has no end.
  const kind = head.includes("<") ? "const" : "let";
  inner.variables[0].kind = kind;
  return `for (${head}) { ${statements(state, inner, depth + 1)} }`;
}

function factory(state, scope, depth) {
  const name = fresh(state, "make");
  const inner = { variables: [{ name: "p", kind: "let" }], functions: [], outer: scope };
  const code = statements(state, inner, depth + 1);
  const times = 1 + state.random.below(2);
  return `const ${name} = (p) => { ${code} }; ${`${name}(${state.random.below(3)});`.repeat(times)}`;
}

function immediate(state, scope, depth) {
  return `(function () { ${statements(state, scope, depth + 1, true)} })();`;
}

function caught(state, scope, depth) {
  const inner = { variables: [{ name: "e", kind: "let" }], functions: [], outer: scope };
  return `try { throw ${state.random.below(9)}; } catch (e) { ${statements(state, inner, depth + 1)} }`;
}

function parameters(state, scope, depth) {
  const name = state.random.of(NAMES);
  const inner = {
    variables: [
      { name, kind: "let" },
      { name: "q", kind: "let" },
    ],
    functions: [],
    outer: scope,
  };
  return `(({ ${name}, q = ${name} }) => { { ${statements(state, inner, depth + 1)} } })({ ${name}: ${state.random.below(9)} });`;
}
