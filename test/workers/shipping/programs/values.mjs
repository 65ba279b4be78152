// These programs have values that a function captures.
export default {
  "an object with a getter":
    "const box = { net: 100, get gross() { return this.net * 2; } }; job = () => { box.net = 5; return box.gross; };",
  "an object with a setter":
    "const o = { v: 1, set x(n) { this.v = n; } }; job = () => { o.x = 9; return [o.v, o.x]; };",
  "a getter and a setter":
    "let v = 1; const o = { get x() { return v; }, set x(n) { v = n * 2; } }; job = () => { o.x = 4; return [o.x, v]; };",
  "a getter that throws":
    "const o = { get x() { throw new Error('no x'); }, y: 1 }; job = () => { try { return o.x; } catch (e) { return [e.message, o.y]; } };",
  "a getter of a plain object with others":
    "const o = { a: 1, get b() { return this.a + 1; }, c() { return this.b + 1; } }; job = () => { o.a = 10; return [o.b, o.c(), Object.keys(o)]; };",
  "a lazy getter":
    "const o = { get v() { const value = Math.hypot(3, 4); Object.defineProperty(this, 'v', { value }); return value; } }; job = () => [o.v, o.v, typeof Object.getOwnPropertyDescriptor(o, 'v').value];",
  "a property that is not enumerable":
    "const o = { a: 1 }; Object.defineProperty(o, 'b', { value: 2 }); job = () => [o.b, Object.keys(o)];",
  "a property that is read-only":
    "const o = {}; Object.defineProperty(o, 'a', { value: 1, enumerable: true }); job = () => { 'use strict'; try { o.a = 2; } catch (e) { return [o.a, e.name]; } return o.a; };",
  "a frozen object":
    "const o = Object.freeze({ a: 1, b: { c: 2 } }); job = () => { 'use strict'; o.b.c = 3; try { o.a = 2; } catch (e) { return [o, e.name]; } return o; };",
  "a frozen array":
    "const l = Object.freeze([1, 2]); job = () => { 'use strict'; try { l.push(3); } catch (e) { return [l.length, e.name, Object.isFrozen(l)]; } return l; };",
  "a sealed object":
    "const o = Object.seal({ a: 1 }); job = () => { 'use strict'; o.a = 5; try { o.b = 2; } catch (e) { return [o, e.name]; } return o; };",
  "an object that is closed":
    "const o = Object.preventExtensions({ a: 1 }); job = () => { 'use strict'; delete o.a; try { o.b = 2; } catch (e) { return [o, e.name]; } return o; };",
  "frozen things in cycles":
    "const a = { n: 1 }; const b = { a }; a.b = b; Object.freeze(a); Object.freeze(b); job = () => [a.b.a === a, Object.isFrozen(a), Object.isFrozen(b)];",
  "an arguments object":
    "const given = (function () { return arguments; })(1, 2, 3); job = () => [Array.from(given), given.length, Object.prototype.toString.call(given)];",
  "the arguments around an arrow": "function outer() { return () => [...arguments]; } job = outer(1, 2);",
  holes: "const l = [1, , 3, () => 4]; job = () => [1 in l, l.length, l.map(String).length, Object.keys(l)];",
  "holes at the end": "const l = [() => 1]; l.length = 3; job = () => [l.length, 2 in l];",
  "holes of data": "const l = [1, , 3]; job = () => [1 in l, l.length];",
  "an array with properties":
    "const l = Object.assign([1, 2], { extra: 'x' }); job = () => [l.extra, l.length];",
  "a match": "const m = /b(?<x>c)/.exec('abc'); job = () => [m[0], m.index, m.groups.x, m.input];",
  "a RegExp with a position":
    "const re = /a/g; re.test('aa'); job = () => [re.lastIndex, re.test('aa'), re.test('aa')];",
  "a sticky RegExp": "const re = /\\d/y; re.lastIndex = 2; job = () => re.exec('ab3')?.[0];",
  "a Buffer and a part of it":
    "const whole = Buffer.from('abcdef'); const part = whole.subarray(1, 3); job = () => { part[0] = 88; return [whole.toString(), part.toString()]; };",
  "two parts of a Buffer":
    "const whole = Buffer.alloc(8, 1); const a = whole.subarray(0, 4), b = whole.subarray(2, 6); job = () => { a[3] = 9; return [[...a], [...b]]; };",
  "two views of an ArrayBuffer":
    "const bytes = new ArrayBuffer(8); const a = new Uint8Array(bytes), b = new DataView(bytes, 2); job = () => { b.setUint8(0, 7); return [...a]; };",
  "a Buffer and a view":
    "const a = Buffer.alloc(16); const b = new Uint8Array(a.buffer, a.byteOffset, 4); job = () => { b[0] = 5; return a[0]; };",
  "a large Buffer":
    "const a = Buffer.alloc(100_000, 3); const b = a.subarray(99_990); job = () => { b[0] = 4; return [a[99_990], b.length]; };",
  "a SharedArrayBuffer":
    "const s = new Int32Array(new SharedArrayBuffer(8)); job = () => { Atomics.add(s, 0, 5); return s[0]; };",
  "an array iterator": [
    "const it = [1, 2][Symbol.iterator](); job = () => it.next();",
    /it is an iterator, which may be under way/,
  ],
  "an iterator of matches": ["const it = 'aXbX'.matchAll(/X/g); job = () => [...it];", /it is an iterator/],
  "an iterator of a Map": [
    "const it = new Map([[1, 2]]).entries(); job = () => [...it];",
    /it is an iterator/,
  ],
  "an iterator of a string": [
    "const it = 'ab'[Symbol.iterator](); job = () => [...it];",
    /it is an iterator/,
  ],
  "a running generator": [
    "const it = (function* () { yield 1; })(); job = () => [...it];",
    /it is a running generator/,
  ],
  "an iterator of one's own":
    "const it = { i: 0, next() { return { done: this.i >= 2, value: this.i++ }; }, [Symbol.iterator]() { return this; } }; it.next(); job = () => [...it];",
  "a WeakMap as a cache":
    "const cache = new WeakMap(); const size = (o) => { if (!cache.has(o)) cache.set(o, Object.keys(o).length); return cache.get(o); }; job = () => { const o = { a: 1 }; return [size(o), size(o)]; };",
  "a WeakMap with entries":
    "const names = new WeakMap(); const a = {}, b = {}; names.set(a, 'a').set(b, 'b'); job = () => [names.get(a), names.has({})];",
  "a WeakMap whose values lead to keys":
    "const next = new WeakMap(); const a = { n: 1 }, b = { n: 2 }, c = { n: 3 }; next.set(a, b).set(b, c); job = () => next.get(next.get(a)).n;",
  "a WeakMap of private data":
    "const data = new WeakMap(); class P { constructor(v) { data.set(this, v); } get v() { return data.get(this); } } const p = new P(5); job = () => [p.v, new P(6).v];",
  "a WeakMap with a key in plain data":
    "const w = new WeakMap(); const config = { a: { b: { c: 1 } } }; w.set(config.a.b, 'found'); job = () => w.get(config.a.b);",
  "a WeakSet":
    "const seen = new WeakSet(); const a = {}, b = {}; seen.add(a); job = () => [seen.has(a), seen.has(b), seen.add(b) === seen, seen.has(b)];",
  "a WeakSet of functions":
    "const ok = new WeakSet(); const f = () => 1, g = () => 2; ok.add(f); job = () => [ok.has(f), ok.has(g), f(), g()];",
  "a WeakRef": ["const r = new WeakRef({}); job = () => r.deref();", /WeakRef, which belongs to this thread/],
  "a promise": ["const p = Promise.resolve(1); job = () => p;", /Promise, which belongs to this thread/],
  "a Proxy": ["const p = new Proxy({}, {}); job = () => p.x;", /Proxy, which belongs to this thread/],
  "a Map with functions": "const m = new Map([['add', (a, b) => a + b]]); job = () => m.get('add')(1, 2);",
  "a Set of objects":
    "const a = { n: 1 }; const s = new Set([a, a, { n: 2 }]); job = () => [s.size, s.has(a)];",
  "a Map in a Map": "const m = new Map([[1, new Map([[2, 3]])]]); job = () => m.get(1).get(2);",
  "a Map that holds itself": "const m = new Map(); m.set('me', m); job = () => m.get('me') === m;",
  "a Date": "const d = new Date(86_400_000); job = () => d.toISOString();",
  "boxed primitives":
    "const n = new Number(5), s = Object('ab'), b = Object(10n); job = () => [n + 1, s.length, typeof s, b + 1n];",
  "an error with a cause":
    "const e = new TypeError('x', { cause: { code: 1 } }); e.extra = 2; job = () => [e.cause.code, e.extra, e instanceof TypeError, Object.keys(e)];",
  "an AggregateError":
    "const e = new AggregateError([new Error('a'), new RangeError('b')], 'all'); job = () => [e.errors.map((x) => x.name + x.message), e.message];",
  "an object without a prototype":
    "const o = Object.assign(Object.create(null), { a: 1 }); job = () => [o.a, Object.getPrototypeOf(o), 'toString' in o];",
  "a key called __proto__":
    'const o = JSON.parse(\'{"__proto__": 1, "a": 2}\'); const f = { o, g: () => 1 }; job = () => [Object.keys(f.o), f.g()];',
  "a registered symbol as a key":
    "const k = Symbol.for('threadloop.key'); const o = { [k]: 1 }; job = () => [o[k], Object.getOwnPropertySymbols(o).length];",
  "a well-known symbol as a key": "const o = { *[Symbol.iterator]() { yield 1; } }; job = () => [...o];",
  "a symbol of this thread": ["const k = Symbol('k'); job = () => k;", /a symbol of this thread/],
  "one object by two names":
    "const a = { n: 1 }; const b = a; job = () => { a.n = 2; return [b.n, a === b]; };",
  "one function by two names": "const f = () => 1; const g = f; job = () => f === g;",
  "a function with properties":
    "const f = Object.assign(() => f.n, { n: 5 }); job = () => [f(), Object.keys(f)];",
  "a function with a getter":
    "const f = () => 1; let n = 1; Object.defineProperty(f, 'n', { get: () => n++, enumerable: true }); job = () => [f.n, f.n, n];",
  "a function with hidden properties":
    "const f = () => 1; Object.defineProperty(f, 'secret', { value: 42 }); job = () => [f.secret, Object.keys(f)];",
  "a frozen function":
    "const f = Object.freeze(Object.assign(() => 1, { a: 1 })); job = () => { 'use strict'; try { f.a = 2; } catch (e) { return [f.a, e.name]; } return f.a; };",
  "the name and length of functions":
    "const f = (a, b) => a; const o = { m(a) {}, ['n' + 1]: () => 1 }; job = () => [f.name, f.length, o.m.name, o.n1.name];",
  "a renamed function":
    "const f = () => 1; Object.defineProperty(f, 'name', { value: 'other' }); job = () => f.name;",
  "a function that inherits":
    "const base = Object.assign(() => 1, { hi: () => 'hi' }); const f = () => 2; Object.setPrototypeOf(f, base); job = () => [f(), f.hi()];",
  "a bound function":
    "const o = { n: 2 }; function f(a, b) { return [this.n, a, b]; } const g = f.bind(o, 1); job = () => { o.n = 3; return g(2); };",
  "a bound native": "const push = Array.prototype.push.bind([1]); job = () => push(2);",
  "a generator function and its prototype":
    "function* g() { yield 1; } g.prototype.extra = 5; job = () => { const it = g(); return [it.extra, it.next().value, it instanceof g]; };",
  "undefined and null": "const a = undefined, b = null; const o = { a, b }; job = () => [a, b, 'a' in o, o];",
  "negative zero and NaN in an array":
    "const l = [-0, NaN, () => 1]; job = () => [Object.is(l[0], -0), Number.isNaN(l[1])];",
  "a bigint": "const b = 2n ** 70n; job = () => b + 1n;",
  "a typed array":
    "const f = new Float32Array([1.5, 2.5]); job = () => [f[1], f instanceof Float32Array, f.length];",
  "a URL": "const u = new URL('https://a.b/c?d=1'); job = () => [u.pathname, u.searchParams.get('d')];",
  "globals by other names":
    "const M = Math, log = console.log; job = () => [M.max(1, 2), log === console.log];",
  "process.env": "const { env } = process; job = () => env === process.env;",
  "deep nesting":
    "let o = { v: 1, f: () => 1 }; for (let i = 0; i < 100; i++) o = { o }; job = () => { let d = 0; for (let x = o; x.o; x = x.o) d++; return d; };",
  "a table of functions":
    "const ops = { '+': (a, b) => a + b, '-': (a, b) => a - b }; job = () => Object.entries(ops).map(([k, f]) => k + f(5, 3));",
  "a linked list":
    "const list = { v: 1, next: { v: 2, next: null }, sum() { let s = 0; for (let n = this; n; n = n.next) s += n.v; return s; } }; job = () => list.sum();",
  "null prototype with a function":
    "const o = { __proto__: null, f: () => 1 }; job = () => [o.f(), Object.getPrototypeOf(o)];",
  "a property with a symbol of this thread": [
    "const key = Symbol('key'); const o = { [key]: 1, a: 2 }; job = () => o.a;",
    /o is an object with a property whose key is Symbol\(key\), a symbol of this thread/,
  ],
  "a property with a symbol of this thread, on a function": [
    "const f = () => 1; f[Symbol('mark')] = 2; job = () => f();",
    /whose key is Symbol\(mark\)/,
  ],
  "a hidden property with a symbol of this thread":
    "const o = Object.defineProperty({ a: 2 }, Symbol('hidden'), { value: 1 }); job = () => o.a;",
  "an emitter of events":
    "const { EventEmitter } = process.getBuiltinModule('node:events'); class Bell extends EventEmitter { ring() { return this.emit('ring'); } } const bell = new Bell(); job = () => bell.ring();",
  "a function whose name is a symbol of this thread":
    "const f = () => 3; Object.defineProperty(f, 'name', { value: Symbol('f') }); job = () => f();",
  "a job whose name is a symbol of this thread":
    "job = () => 4; Object.defineProperty(job, 'name', { value: Symbol('job') });",
  "what was put on objects of the language's own classes":
    "const re = Object.assign(/x/y, { extra: { a: 1 } }); re.lastIndex = 2; const s = Object.assign(new String('abc'), { f: () => 1 }); const m = Object.assign(new Map([[1, 2]]), { label: 'm' }); const d = Object.assign(new Date(5), { zone: 'u' }); job = () => [re.test('..x'), re.extra, s.length, s.f(), m.get(1), m.label, d.getTime(), d.zone, m instanceof Map, new Set([m]).has(m)];",
};
