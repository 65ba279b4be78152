// This has a program for each row of the tables of docs/functions.md, by what the row says first.
const nodeVersion = Number.parseInt(process.versions.node, 10);

const captures = {
  "primitives; plain objects, arrays, Maps, Sets; Dates, RegExps, Errors, typed arrays, Buffers, URLs":
    "const all = { n: 1n, list: [1], map: new Map([[1, 2]]), set: new Set([3]), date: new Date(4), re: /x/g, error: Object.assign(new Error('e', { cause: 1 }), { code: 'E' }), bytes: new Uint8Array([5]), buffer: Buffer.from('6'), url: new URL('https://a.b/') }; all.self = all; job = () => [all.self === all, all.n, all.list, all.map.get(1), all.set.has(3), all.date.getTime(), all.re.flags, all.error.cause, all.error.code, all.bytes[0], String(all.buffer), all.url.host];",
  "a `SharedArrayBuffer`":
    "const shared = new Int32Array(new SharedArrayBuffer(4)); job = () => Atomics.add(shared, 0, 0);",
  "a `ContextVar`": null,
  "what the file imports: functions, classes, objects, namespaces":
    "job = () => [util.format('%s', 1), util.types === util.types];",
  "an imported primitive": null,
  "other functions: helpers, generators, async functions, methods, bound functions, recursion":
    "const help = (x) => x + 1; function* gen() { yield help(1); } const later = async () => 2; const o = { m() { return 3; } }; const bound = help.bind(null, 9); const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2)); job = async () => [help(0), ...gen(), await later(), o.m(), bound(), fib(9)];",
  "a class":
    "class A { static made = 1; static { A.made++; } m() { return 1; } old() {} } A.made = 7; A.prototype.m = function () { return 2; }; delete A.prototype.old; job = () => [A.made, new A().m(), 'old' in new A()];",
  "an object of a class, also of an old-style one; an `EventEmitter` and its listeners, but for those of `once`":
    "class A { v = 1; m() { return this.v; } } class B extends A { m() { return super.m() + 1; } } function Old() { this.o = 1; } Old.prototype.get = function () { return this.o; }; const b = new B(), old = new Old(); const { EventEmitter } = process.getBuiltinModule('node:events'); const bus = new EventEmitter(); bus.on('x', () => {}); job = () => [b.m(), b instanceof A, old.get(), old instanceof Old, bus.emit('x')];",
  "getters and setters; properties that are read-only or not enumerable; frozen and sealed objects; holes of arrays":
    "const o = { net: 1, get gross() { return this.net * 2; }, set gross(v) { this.net = v / 2; } }; Object.defineProperty(o, 'hidden', { value: 1 }); const frozen = Object.freeze({ a: 1 }), sealed = Object.seal([1, , 3]); job = () => { o.gross = 8; return [o.net, Object.keys(o), o.hidden, Object.isFrozen(frozen), Object.isSealed(sealed), 1 in sealed]; };",
  "a WeakMap or WeakSet":
    "const key = {}; const names = new WeakMap([[key, 'k'], [{}, 'gone']]), seen = new WeakSet([key]); job = () => [names.get(key), seen.has(key), seen.has({})];",
  "the `this` of an arrow function": "const o = { n: 1, make() { return () => this.n; } }; job = o.make();",
  "globals: `Math`, `console`, `process`, `process.env`, `Buffer`, also by another name":
    "const M = Math, { env } = process, B = Buffer; job = () => [M === Math, env === process.env, B === Buffer, typeof console.log];",
  "`import()`, `import.meta` without `resolve`, `require`, `__dirname`, the outer `arguments`":
    "function outer() { return async () => [arguments.length, typeof (await import('node:os')).cpus]; } job = outer(1, 2);",
};

const refusals = {
  "a socket, server, stream, promise, WeakRef, Proxy; an iterator or generator under way": [
    "const p = Promise.resolve(1); job = () => p;",
    /p is a Promise, which belongs to this thread/,
  ],
  "an `ArrayBuffer` that was transferred, or a view of it": [
    "const bytes = new Uint8Array(4); structuredClone(bytes, { transfer: [bytes.buffer] }); job = () => bytes.length;",
    /bytes is an instance of Uint8Array, whose bytes were transferred away/,
  ],
  "values that are nested some hundreds of levels deep": [
    "let deep = { f: () => 1 }; for (let i = 0; i < 2_000; i++) deep = { deep, f: () => i }; job = () => typeof deep;",
    /nested too deeply to be copied/,
  ],
  "an object with `#private` members": [
    "class C { #v = 1; get v() { return this.#v; } } const c = new C(); job = () => c.v;",
    /instance of C, whose #private members/,
  ],
  "a `Symbol()`, an object with one as an enumerable key": [
    "const s = Symbol('s'); job = () => s;",
    /Symbol\(s\), a symbol of this thread/,
  ],
  "a function that assigns to a constant": [
    "const n = 1; job = () => { n = 2; };",
    /assigns to a constant: n in job/,
  ],
  "a method that uses `super` or `#private`": [
    "class A { #p = 1; m() { return this.#p; } } const { m } = A.prototype; job = () => m();",
    /its source does not stand by itself/,
  ],
  "a class with a field whose name is computed": [
    "const k = 'k'; class A { [k] = 1; } job = () => new A().k;",
    /a field whose name is computed, \[k\]/,
  ],
  "an arrow function that uses the `new.target` around it": [
    "function F() { this.f = () => new.target; } const { f } = new F(); job = () => typeof f();",
    /uses new.target/,
  ],
  "a variable that is not initialised yet":
    // Its inspector calls it undefined.
    nodeVersion === 20
      ? null
      : ["job = (() => { return () => late; let late = 1; })();", /late is not initialised yet/],
  "a global that only your program set":
    "globalThis.onlyHere$ = undefined; delete globalThis.onlyHere$; job = () => { try { return onlyHere$; } catch (e) { return e.name; } };",
};

/** Those that take several files. */
export const files = {
  "a `ContextVar`": {
    "main.mjs":
      "import { ContextVar } from 'threadloop'; const user = new ContextVar('user', { default: 'nobody' }), plain = new ContextVar('plain'); export const job = () => [user.get(), user.name, plain.get('none'), user instanceof ContextVar];",
  },
  "an imported primitive": {
    "lib.mjs": "export let level = 1; export const up = () => { level = 7; };",
    "main.mjs": "import { level, up } from './lib.mjs'; up(); export const job = () => level;",
  },
};

/** The rows that have files, or none in this version of Node. */
const isProgram = ([, row]) => row !== null;

export const rows = { captures: Object.keys(captures), refusals: Object.keys(refusals) };
export default Object.fromEntries(
  [...Object.entries(captures), ...Object.entries(refusals)].filter(isProgram),
);
