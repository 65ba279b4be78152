// These are programs of several files: each row has its files by name, of which `main.mjs` exports `job`, and `args` if
// it takes some. Bundlers to CommonJS refuse an `await` at the top, so those rows are run by Node alone.
export default {
  "an export that is assigned by its module": {
    "lib.mjs": "export let level = 1; export const up = () => { level++; };",
    "main.mjs": "import { level, up } from './lib.mjs'; up(); export const job = () => [level, typeof up];",
  },
  "a default export under another name": {
    "lib.mjs": "const twice = (x) => x * 2; class Box { v = 3; } export { twice as default, Box as Case };",
    "main.mjs":
      "import double, { Case } from './lib.mjs'; const box = new Case(); export const job = () => [double(4), box.v, box instanceof Case];",
  },
  "an anonymous default export": {
    "lib.mjs": "export default (x) => x + 1;",
    "main.mjs": "import inc from './lib.mjs'; export const job = () => [inc(1), inc.name];",
  },
  "a default export that is a class without a name": {
    "lib.mjs": "export default class { v = 1; get double() { return this.v * 2; } }",
    "main.mjs":
      "import Thing from './lib.mjs'; const t = new Thing(); t.v = 5; export const job = () => [t.double, t instanceof Thing, Thing.name];",
  },
  "re-exports of re-exports": {
    "a.mjs": "export const f = (x) => x + 1; export const g = (x) => f(x) * 2;",
    "b.mjs": "export * from './a.mjs'; export { f as first } from './a.mjs';",
    "c.mjs": "export * as all from './b.mjs'; export { g as default } from './b.mjs';",
    "main.mjs":
      "import g, { all } from './c.mjs'; export const job = () => [g(1), all.f(1), all.first(2), all.first === all.f, Object.keys(all)];",
  },
  "a captured namespace with optional chaining": {
    "lib.mjs": "export const add = (a, b) => a + b; export const nested = { deep: { f: () => 7 } };",
    "main.mjs":
      "import * as lib from './lib.mjs'; export const job = () => [lib?.add?.(1, 2), lib.nested?.deep?.f?.(), lib.nested?.['deep'] === lib.nested.deep];",
  },
  "a namespace by a name that is computed": {
    "lib.mjs":
      "export const sum = (xs) => xs.reduce((a, b) => a + b, 0); export const max = (xs) => Math.max(...xs);",
    "main.mjs":
      "import * as lib from './lib.mjs'; export const job = (name) => [lib[name]([1, 5, 2]), name in lib]; export const args = ['max'];",
  },
  "modules that import each other": {
    "even.mjs":
      "import { odd } from './odd.mjs'; export const even = (n) => n === 0 || odd(n - 1); export const kind = 'even';",
    "odd.mjs":
      "import { even, kind } from './even.mjs'; export const odd = (n) => n !== 0 && even(n - 1); export const other = () => kind;",
    "main.mjs":
      "import { even } from './even.mjs'; import { other } from './odd.mjs'; export const job = () => [even(10), even(7), other()];",
  },
  "state that functions of one module share": {
    "lib.mjs":
      "let items = []; export const add = (x) => { items = [...items, x]; return items.length; }; export const list = () => items;",
    "main.mjs":
      "import { add, list } from './lib.mjs'; export const job = () => { const before = list().length; add('a'); add('b'); return [list().slice(before), list().length - before]; };",
  },
  "a class of CommonJS as module.exports": {
    "lib.cjs":
      "module.exports = class Stack { items = []; push(x) { this.items.push(x); return this; } static of(...xs) { return xs.reduce((s, x) => s.push(x), new this()); } };",
    "main.mjs":
      "import Stack from './lib.cjs'; const s = Stack.of(1, 2); export const job = () => [s.push(3).items, s instanceof Stack, Stack.of(9).items];",
  },
  "an instance of a class of CommonJS, and one whose prototype was replaced": {
    "lib.cjs":
      "class Version { constructor(v) { this.v = v; } inc() { this.v++; return this; } } class Other {} Object.setPrototypeOf(Other.prototype, { o: 1 }); module.exports = { Version, Other };",
    "whole.cjs": "module.exports = class Whole { m() { return 1; } };",
    "main.mjs":
      "import Whole from './whole.cjs'; import lib from './lib.cjs'; const v = new lib.Version(1), o = new lib.Other(), w = new Whole(); export const job = () => [v.inc().v, v instanceof lib.Version, o.o, o instanceof lib.Other, w.m(), w instanceof Whole];",
  },
  "a function of CommonJS with properties": {
    "lib.cjs":
      "function lib(x) { return lib.defaults.by * x; } lib.defaults = { by: 3 }; lib.default = lib; lib.twice = (x) => lib(lib(x)); module.exports = lib;",
    "main.mjs":
      "import lib from './lib.cjs'; export const job = () => [lib(2), lib.twice(1), lib.default === lib];",
  },
  "exports of CommonJS that use each other": {
    "lib.cjs":
      "exports.base = 2; exports.pow = function (n) { return exports.base ** n; }; exports.all = function () { return [1, 2].map(this.pow ? (x) => this.pow(x) : () => 0); };",
    "main.mjs": "import lib from './lib.cjs'; export const job = () => [lib.pow(3), lib.all()];",
  },
  "CommonJS that requires CommonJS": {
    "leaf.cjs": "let n = 10; module.exports = { next: () => ++n };",
    "lib.cjs":
      "const { next } = require('./leaf.cjs'); exports.pair = () => { const a = next(); return next() - a; };",
    "main.mjs": "import { pair } from './lib.cjs'; export const job = () => pair();",
  },
  "a module of data in JSON": {
    "data.json": '{ "rates": { "eur": 1.5 }, "list": [1, 2] }',
    "main.mjs":
      "import data from './data.json' with { type: 'json' }; const rate = (c) => data.rates[c] ?? 0; export const job = () => [rate('eur'), rate('x'), data.list];",
  },
  "constants of another module that are objects": {
    "lib.mjs":
      "export const LIMITS = Object.freeze({ low: 1, high: 9 }); export const NAMES = new Map([['a', 1]]); export const PATTERN = /x+/g;",
    "main.mjs":
      "import { LIMITS, NAMES, PATTERN } from './lib.mjs'; const clamp = (n) => Math.min(LIMITS.high, Math.max(LIMITS.low, n)); export const job = () => [clamp(50), clamp(-1), NAMES.get('a'), 'xxyx'.match(PATTERN).length, Object.isFrozen(LIMITS)];",
  },
  "an instance of a class of another module": {
    "lib.mjs":
      "export class Point { constructor(x, y) { this.x = x; this.y = y; } get length() { return Math.hypot(this.x, this.y); } static origin = new Point(0, 0); }",
    "main.mjs":
      "import { Point } from './lib.mjs'; const p = new Point(3, 4); export const job = () => [p.length, p instanceof Point, Point.origin.length, Object.keys(p)];",
  },
  "a class that extends one of another module": {
    "lib.mjs":
      "let made = 0; export class Base { constructor() { this.id = ++made % 1; } hi() { return `hi ${this.who()}`; } static count() { return typeof made; } }",
    "main.mjs":
      "import { Base } from './lib.mjs'; class Sub extends Base { who() { return 'sub'; } hi() { return super.hi() + '!'; } } const s = new Sub(); export const job = () => [s.hi(), new Sub().id, s instanceof Base, Sub.count()];",
  },
  "an object that another module has filled": {
    "registry.mjs":
      "export const registry = new Map(); export const register = (name, fn) => registry.set(name, fn);",
    "plugin.mjs": "import { register } from './registry.mjs'; register('twice', (x) => x * 2);",
    "main.mjs":
      "import { registry, register } from './registry.mjs'; import './plugin.mjs'; register('own', (x) => -x); const entries = [...registry]; export const job = () => entries.map(([name, f]) => [name, f(4)]);",
  },
  "a wrapper of an imported function": {
    "lib.mjs":
      "export const slow = (x) => x * x; export const wrap = (f, log) => (...a) => { log.push(a.length); return f(...a); };",
    "main.mjs":
      "import { slow, wrap } from './lib.mjs'; const log = []; const fast = wrap(slow, log); fast(1); export const job = () => [fast(3), log];",
  },
  "two closures that a factory of another module made, one of them exported": {
    "lib.mjs":
      "export const make = (k) => (x) => x * k; export const double = make(2); export const triple = make(3);",
    "main.mjs":
      "import { double, triple, make } from './lib.mjs'; const ten = make(10); const all = { double, triple, ten }; export const job = () => [double(1), triple(1), ten(1), all.triple(2)];",
  },
  "an export that was exchanged for another of its factory": {
    "lib.mjs":
      "const make = (k) => (x) => x * k; export let scale = make(2); export const use = (k) => { scale = make(k); };",
    "main.mjs": "import { scale, use } from './lib.mjs'; use(7); export const job = () => scale(3);",
  },
  "a method of an exported object that was exchanged for another of its factory": {
    "lib.mjs": "export const make = (k) => (x) => x * k; export const api = { scale: make(2) };",
    "main.mjs":
      "import { api, make } from './lib.mjs'; api.scale = make(5); const { scale } = api; export const job = () => [scale(3), api.scale(3)];",
  },
  "an export that was exchanged for another of its factory, with a name": {
    "lib.mjs":
      "function make(k) { return function scale(x) { return x * k; }; } export let scale = make(2); export const use = (k) => { scale = make(k); };",
    "main.mjs": "import { scale, use } from './lib.mjs'; use(7); export const job = () => scale(3);",
  },
  "a bound export that was exchanged": {
    "lib.mjs":
      "const mul = (a, b) => a * b; export const api = { twice: mul.bind(null, 2) }; export const use = (k) => { api.twice = mul.bind(null, k); };",
    "main.mjs": "import { api, use } from './lib.mjs'; use(7); export const job = () => api.twice(3);",
  },
  "a wrapper that was exchanged for one of another function": {
    "lib.mjs":
      "export const make = (k) => (x) => x * k; const wrap = (f) => (...a) => f(...a); export const api = { run: wrap(make(2)) }; export const use = (k) => { api.run = wrap(make(k)); };",
    "main.mjs": "import { api, use } from './lib.mjs'; use(7); export const job = () => api.run(3);",
  },
  "a setting that a closure of an exported function was given": {
    "lib.mjs":
      "export const { configure, run } = (() => { let level = 1; return { configure(l) { level = l; }, run: (x) => x * level }; })();",
    "main.mjs": "import { configure, run } from './lib.mjs'; configure(5); export const job = () => run(2);",
  },
  "a setting of CommonJS that a closure was given": {
    "lib.cjs":
      "const by = 10; module.exports = (function () { var level = 1; return { configure: function (l) { level = l; }, run: function (x) { return x * level * by; } }; })();",
    "main.mjs": "import lib from './lib.cjs'; lib.configure(5); export const job = () => lib.run(2);",
  },
  "a getter of an imported class that was replaced": {
    "lib.mjs": "export class A { get v() { return 1; } static get s() { return 1; } }",
    "main.mjs":
      "import { A } from './lib.mjs'; Object.defineProperty(A.prototype, 'v', { get: () => 2, configurable: true }); Object.defineProperty(A, 's', { get: () => 3 }); export const job = () => [new A().v, A.s];",
  },
  "a method of an imported class that was deleted": {
    "lib.mjs": "export class A { m() { return 1; } }",
    "main.mjs":
      "import { A } from './lib.mjs'; delete A.prototype.m; export const job = () => typeof new A().m;",
  },
  "a method with a symbol that was replaced": {
    "lib.mjs": "export class A { *[Symbol.iterator]() { yield 1; } }",
    "main.mjs":
      "import { A } from './lib.mjs'; A.prototype[Symbol.iterator] = function* () { yield 2; }; export const job = () => [...new A()];",
  },
  "one of very many functions that was replaced": {
    "lib.mjs":
      "export const table = {}; for (let i = 0; i < 200; i++) table['f' + i] = (x) => x + i; export class Big {} for (let i = 0; i < 100; i++) Big.prototype['m' + i] = () => i;",
    "main.mjs":
      "import { Big, table } from './lib.mjs'; table.f150 = () => 'other'; Big.prototype.m7 = () => 'own'; export const job = () => [table.f1(1), table.f150(1), new Big().m8(), new Big().m7()];",
  },
  "a table of very many functions": {
    "lib.mjs": "export const table = {}; for (let i = 0; i < 200; i++) table['f' + i] = (x) => x + i;",
    "main.mjs": "import { table } from './lib.mjs'; export const job = () => [table.f1(1), table.f150(1)];",
  },
  "a counter of a factory, exported": {
    "lib.mjs": "const counter = () => { let n = 0; return () => ++n; }; export const next = counter();",
    "main.mjs":
      "import { next } from './lib.mjs'; const own = () => [next(), next()]; export const job = () => { const [a, b] = own(); return b - a; };",
  },
  "functions of Node's modules": {
    "main.mjs":
      "import { join } from 'node:path'; import * as util from 'node:util'; import { createHash } from 'node:crypto'; const hash = (s) => createHash('sha1').update(s).digest('hex').slice(0, 6); export const job = () => [join('a', 'b'), util.format('%d', 3), hash('x')];",
  },
  "promisified functions of Node's modules": {
    "main.mjs":
      "import { readFile } from 'node:fs/promises'; import { setTimeout as delay } from 'node:timers/promises'; const later = (x) => delay(1, x); export const job = async () => [await later(3), typeof readFile];",
  },
  "import.meta in a helper": {
    "lib.mjs": "export const here = () => typeof import.meta.url;",
    "main.mjs":
      "import { here } from './lib.mjs'; const own = () => import.meta.url.startsWith('file:'); export const job = () => [here(), own()];",
  },
  "a dynamic import in a closure": {
    "lib.mjs": "export const value = 42; export default (x) => x + value;",
    "main.mjs": "export const job = async () => typeof (await import('node:os')).cpus;",
  },
  "a lazy singleton in another module": {
    "lib.mjs":
      "let db; export const getDb = () => (db ??= { rows: [], add(r) { this.rows.push(r); return this.rows.length; } });",
    "main.mjs":
      "import { getDb } from './lib.mjs'; export const job = () => { const before = getDb().rows.length; return [getDb() === getDb(), getDb().add('r') - before]; };",
  },
  "a module that waits at its top": {
    "lib.mjs":
      "const value = await new Promise((r) => setTimeout(r, 1, 5)); export const get = () => value; export { value };",
    "main.mjs": "import { get, value } from './lib.mjs'; export const job = () => [get(), value];",
  },
  "a program that waits at its top for what it captures": {
    "main.mjs":
      "const { sep } = await import('node:path'); const list = await Promise.all([1, 2]); export const job = () => [sep.length, list];",
  },
  "a class whose statics were awaited": {
    "lib.mjs":
      "const loaded = await Promise.resolve({ a: 1 }); export class Config { static values = loaded; static get(k) { return Config.values[k]; } }",
    "main.mjs": "import { Config } from './lib.mjs'; export const job = () => Config.get('a');",
  },
};
