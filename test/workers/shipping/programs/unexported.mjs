// These are programs that hand over what a module keeps to itself beside functions of that module: an object of a class
// that is not exported, a mark, a table. Each row: what the module has, the names that it exports, and the program; a
// fourth part is what the ShipError says that refuses it. Each is written with an ES module, with CommonJS by name and
// as a whole.
const CLASS =
  "class Wrapper { constructor(v) { this.v = v; } map(f) { return new Wrapper(this.v.map(f)); } value() { return this.v; } same(o) { return o instanceof Wrapper; } } const chain = (v) => new Wrapper(v); const isWrapper = (o) => o instanceof Wrapper;";

const rows = {
  "an object of a class": [
    CLASS,
    ["chain", "isWrapper"],
    "const w = chain([1, 2]); const job = () => [isWrapper(w), w.map((x) => x * 2).value(), w.same(chain([1]))];",
  ],
  "an object of a class, and one function that asks": [
    CLASS,
    ["chain", "isWrapper"],
    "const w = chain([1, 2]); const job = () => isWrapper(w);",
  ],
  "objects of a class in an array and in a Map": [
    CLASS,
    ["chain", "isWrapper"],
    "const list = [chain([1]), new Map([['k', chain([2])]])]; const job = () => [isWrapper(list[0]), isWrapper(list[1].get('k'))];",
  ],
  "the class itself, got by an object": [
    CLASS,
    ["chain", "isWrapper"],
    "const Type = chain([]).constructor; const job = () => [chain([1]) instanceof Type, isWrapper(new Type([2]))];",
  ],
  "a method of an object, taken off it": [
    CLASS,
    ["chain", "isWrapper"],
    "const { same } = chain([]); const job = () => [same(chain([1])), same({})];",
  ],
  "an object of a class that an old-style function makes": [
    "function Base() {} function Wrapped(v) { this.v = v; } Wrapped.prototype = Object.create(Base.prototype); Wrapped.prototype.constructor = Wrapped; Wrapped.prototype.twice = function () { return new Wrapped(this.v * 2); }; const wrap = (v) => new Wrapped(v); const unwrap = (w) => { if (w instanceof Wrapped && w instanceof Base) return w.v; throw new TypeError('not wrapped'); };",
    ["unwrap", "wrap"],
    "const w = wrap(3); const job = () => [unwrap(w), unwrap(w.twice())];",
  ],
  "an object of a function whose prototype is an object": [
    "function List() { this.items = []; } List.prototype = { add(x) { this.items.push(x); return this; } }; const list = () => new List(); const isList = (o) => o instanceof List;",
    ["isList", "list"],
    "const l = list().add(1); const job = () => [isList(l.add(2)), l.items];",
  ],
  "an object with a prototype": [
    "const proto = { hi() { return 'hi'; } }; const make = () => Object.create(proto); const isMade = (o) => proto.isPrototypeOf(o);",
    ["isMade", "make"],
    "const o = make(); const job = () => [isMade(o), o.hi(), Object.getPrototypeOf(make()) === Object.getPrototypeOf(o)];",
  ],
  "an object of a class in a table": [
    "const types = { Leaf: class { n = 1; }, Branch: class { kids = []; } }; const leaf = () => new types.Leaf(); const kind = (o) => (o instanceof types.Leaf ? 'leaf' : o instanceof types.Branch ? 'branch' : 'none');",
    ["kind", "leaf"],
    "const l = leaf(); const job = () => [kind(l), kind({})];",
  ],
  "an object of a class that extends an exported one": [
    "class Shape { area() { return 0; } } class Square extends Shape { side = 2; area() { return this.side ** 2; } } const square = () => new Square(); const isSquare = (o) => o instanceof Square;",
    ["Shape", "isSquare", "square"],
    "const s = square(); const job = () => [s instanceof Shape, isSquare(s), s.area(), isSquare(new Shape())];",
  ],
  "an error of a class": [
    "class ParseError extends Error { constructor(at) { super(`at ${at}`); this.at = at; } } const fail = (at) => new ParseError(at); const positionOf = (e) => (e instanceof ParseError ? e.at : -1);",
    ["fail", "positionOf"],
    "const e = fail(7); const job = () => [positionOf(e), positionOf(new Error('x')), e instanceof Error, e.message];",
  ],
  "a Map and an array of classes that extend those": [
    "class Registry extends Map { put(k) { return this.set(k, k); } } class Stack extends Array { top() { return this.at(-1); } } const registry = () => new Registry().put('a'); const stack = () => Stack.of(1, 2); const kindOf = (o) => (o instanceof Registry ? 'registry' : o instanceof Stack ? 'stack' : 'none');",
    ["kindOf", "registry", "stack"],
    "const r = registry(), s = stack(); const job = () => [kindOf(r.put('b')), [...r.keys()], kindOf(s), s.top()];",
  ],
  "objects that methods of an exported class know": [
    "class Item { n = 1; } class Doc { items = []; add(i) { if (!(i instanceof Item)) throw new TypeError('no item'); this.items.push(i); return this; } static item() { return new Item(); } }",
    ["Doc"],
    "const item = Doc.item(); const job = () => new Doc().add(item).items.length;",
  ],
  "objects that an exported object knows": [
    "class Item { n = 1; } class Doc { add(i) { return i instanceof Item; } item() { return new Item(); } } const doc = new Doc();",
    ["doc"],
    "const item = doc.item(); const job = () => doc.add(item);",
  ],
  "an exported class that was changed": [
    "class Point { x = 1; m() { return 1; } } const isPoint = (o) => o instanceof Point;",
    ["Point", "isPoint"],
    "Point.prototype.extra = () => 5; const p = new Point(); const job = () => [isPoint(p), p.extra(), isPoint(new Point())];",
  ],
  "a class beside functions of the language that its module exports": [
    "class Box { v = [1]; } const isArray = Array.isArray, own = Object.hasOwn; const box = () => new Box(); const isBox = (o) => o instanceof Box;",
    ["box", "isArray", "isBox", "own"],
    "const b = box(); const job = () => [isBox(b), isArray(b.v), own(b, 'v')];",
  ],
  "a mark that is an object": [
    "const NONE = {}; const none = () => NONE; const isNone = (x) => x === NONE;",
    ["isNone", "none"],
    "const n = none(); const job = () => [isNone(n), isNone({})];",
  ],
  "a mark that is a function": [
    "const idle = () => {}; const idleOf = () => idle; const isIdle = (f) => f === idle;",
    ["idleOf", "isIdle"],
    "const f = idleOf(); const job = () => [isIdle(f), isIdle(() => {})];",
  ],
  "what was noted of an object in a WeakMap": [
    "const secrets = new WeakMap(); const make = (s) => { const o = { name: 'o' }; secrets.set(o, s); return o; }; const read = (o) => secrets.get(o);",
    ["make", "read"],
    "const o = make(42); const job = () => [read(o), read({}), o.name];",
  ],
  "what was noted of the objects of an exported class": [
    "const hidden = new WeakMap(); class Account { constructor(n) { hidden.set(this, n); } get balance() { return hidden.get(this); } }",
    ["Account"],
    "const a = new Account(5); const job = () => [a.balance, a instanceof Account, new Account(6).balance];",
  ],
  "objects in a Set, an array and a Map": [
    "const known = new Set(), all = [], names = new Map(); const make = (name) => { const o = { name }; known.add(o); all.push(o); names.set(name, o); return o; }; const find = (o) => [known.has(o), all.indexOf(o), names.get(o.name) === o];",
    ["find", "make"],
    "const a = make('a'), b = make('b'); const job = () => [find(b), find(a), find({ name: 'b' })];",
  ],
  "functions that were registered": [
    "const plugins = new Set(); const use = (f) => { plugins.add(f); return f; }; const isUsed = (f) => plugins.has(f);",
    ["isUsed", "use"],
    "const f = use((x) => x + 1); const job = () => [isUsed(f), f(1), isUsed(() => 1)];",
  ],
  "a helper that shares a variable with what is exported": [
    "let items = []; const add = (x) => { items = [...items, x]; return items.length; }; const adder = () => add; const list = () => items;",
    ["adder", "list"],
    "const add = adder(); const job = () => { const before = list().length; add('a'); return list().length - before; };",
  ],
  "a class in a function around what is exported": [
    "const { isNode, node } = (() => { class Node { kids = []; add(n) { if (n instanceof Node) this.kids.push(n); return this; } } return { node: () => new Node(), isNode: (o) => o instanceof Node }; })();",
    ["isNode", "node"],
    "const n = node(); const job = () => [isNode(n), n.add(node()).kids.length, n.add({}).kids.length];",
  ],
  "an object of a class whose module has what cannot travel": [
    "class Ticket { n = 1; } const open = new Promise(() => {}); const ticket = () => new Ticket(); const check = (t) => t instanceof Ticket && open instanceof Promise;",
    ["check", "ticket"],
    "const t = ticket(); const job = () => check(t);",
    /takes along the class Ticket .*which its module does not export.*check.*Promise.*Export the class/s,
  ],
  "data of a module that has what cannot travel": [
    "const open = new Promise(() => {}); const table = { a: 1 }; const tableOf = () => table; const get = (k) => (open ? table[k] : 0);",
    ["get", "tableOf"],
    "const t = tableOf(); const job = () => [t.a, get('a')];",
  ],
};

/** Programs of more files. */
const written = {
  "an object of a class that another module knows": {
    "lib.mjs": `${CLASS} export { chain, isWrapper };`,
    "other.mjs": "import { isWrapper } from './lib.mjs'; export const check = (o) => isWrapper(o);",
    "main.mjs":
      "import { chain } from './lib.mjs'; import { check } from './other.mjs'; const w = chain([1]); export const job = () => [check(w), w.value()];",
  },
  "an object of a class that another module of CommonJS knows": {
    "lib.cjs": `${CLASS} module.exports = { chain, isWrapper };`,
    "other.cjs": "const lib = require('./lib.cjs'); exports.check = (o) => lib.isWrapper(o);",
    "main.mjs":
      "import { chain } from './lib.cjs'; import { check } from './other.cjs'; const w = chain([1]); export const job = () => [check(w), w.value()];",
  },
  "an object of a class that another module knows by a third one": {
    "lib.mjs": `${CLASS} export { chain, isWrapper };`,
    "middle.mjs": "import { isWrapper } from './lib.mjs'; export const isKnown = (o) => isWrapper(o);",
    "other.mjs": "import { isKnown } from './middle.mjs'; export const check = (o) => isKnown(o);",
    "main.mjs":
      "import { chain } from './lib.mjs'; import { check } from './other.mjs'; const w = chain([1]); export const job = () => [check(w), w.value()];",
  },
  "an object of a class that another module of CommonJS knows by a third one": {
    "lib.cjs": `${CLASS} module.exports = { chain, isWrapper };`,
    "middle.cjs": "const { isWrapper } = require('./lib.cjs'); exports.isKnown = (o) => isWrapper(o);",
    "other.cjs": "const { isKnown } = require('./middle.cjs'); exports.check = (o) => isKnown(o);",
    "main.mjs":
      "import { chain } from './lib.cjs'; import { check } from './other.cjs'; const w = chain([1]); export const job = () => [check(w), w.value()];",
  },
  "an object of a class, and a module that exports all of another one": {
    "lib.mjs": `${CLASS} export { chain, isWrapper };`,
    "index.mjs": "export * from './lib.mjs'; export const version = () => 1;",
    "main.mjs":
      "import * as lib from './index.mjs'; const w = lib.chain([1]); export const job = () => [lib.isWrapper(w), lib.version()];",
  },
  "an object of a class of the module that hands it over": {
    "lib.mjs":
      "class Task { n = 1; } export const isTask = (o) => o instanceof Task; export const prepare = () => { const t = new Task(); return () => [isTask(t), t.n]; };",
    "main.mjs": "import { prepare } from './lib.mjs'; export const job = prepare();",
  },
};

/** The files of each, or these and what refuses it. */
const programs = { ...written };
for (const [name, [code, names, main, refusal]] of Object.entries(rows)) {
  const list = names.join(", ");
  const program = `${main} export { job };`;
  const forms = {
    "": {
      "lib.mjs": `${code} export { ${list} };`,
      "main.mjs": `import { ${list} } from './lib.mjs'; ${program}`,
    },
    ", of CommonJS": {
      "lib.cjs": `${code} module.exports = { ${list} };`,
      "main.mjs": `import { ${list} } from './lib.cjs'; ${program}`,
    },
    ", of CommonJS as a whole": {
      "lib.cjs": `${code} module.exports = { ${list} };`,
      "main.mjs": `import lib from './lib.cjs'; ${main.replace(
        /\b[a-zA-Z]+\b(?=[(,.;\])]| \()/g,
        (word, at) => (names.includes(word) && main[at - 1] !== "." ? `lib.${word}` : word),
      )} export { job };`,
    },
  };
  for (const [form, files] of Object.entries(forms)) {
    programs[name + form] = refusal ? [files, refusal] : files;
  }
}

export default programs;
