// These are functions that were written in one scope, and share its variables.
export default {
  "a helper assigns what the job reads":
    "let n = 0; const next = () => ++n; job = () => { next(); next(); return n; };",
  "a job assigns what a helper reads":
    "let n = 1; const read = () => n; job = () => { n = 5; return read(); };",
  "a lazily filled cache":
    "let cache; const fill = () => { cache ??= [1, 2, 3]; }; job = () => { fill(); return cache?.length; };",
  "two methods of one closure":
    "const f = (() => { let n = 0; return { inc() { n++; }, get() { return n; } }; })(); job = () => { f.inc(); f.inc(); return f.get(); };",
  "two closures made by one factory stay apart":
    "const make = () => { let n = 0; return { inc() { n++; }, get: () => n }; }; const a = make(), b = make(); job = () => { a.inc(); a.inc(); b.inc(); return [a.get(), b.get()]; };",
  "two closures of one factory that differ":
    "const make = (n) => ({ inc() { n++; }, get: () => n }); const a = make(1), b = make(5); job = () => { a.inc(); b.inc(); return [a.get(), b.get()]; };",
  "methods of two closures in one object":
    "const make = () => { let n = 0; return { inc() { n++; }, get: () => n }; }; const a = make(), b = make(); const mixed = { inc: a.inc, get: b.get }; job = () => { mixed.inc(); return [mixed.get(), a.get()]; };",
  "an assignment between making and sending":
    "let n = 0; const next = () => ++n; n = 10; next(); job = () => [next(), n];",
  "a counter that was used here first":
    "const make = () => { let n = 0; return () => ++n; }; const next = make(); next(); next(); job = () => [next(), next()];",
  "a parser with a position":
    "const text = '12+3*4'; let pos = 0; const next = () => text[pos++]; const number = () => { let v = ''; while (/\\d/.test(text[pos] ?? '')) v += next(); return Number(v); }; const product = () => { let v = number(); while (text[pos] === '*') { next(); v *= number(); } return v; }; job = () => { let v = product(); while (pos < text.length) { next(); v += product(); } return v; };",
  "a parser in a closure":
    "const parser = (text) => { let i = 0; const peek = () => text[i]; const eat = () => text[i++]; return () => { const out = []; while (i < text.length) { if (peek() === ' ') eat(); else out.push(eat()); } return out.join(''); }; }; job = parser('a b c');",
  "a generator and a reader":
    "let total = 0; function* steps() { while (total < 3) yield ++total; } job = () => [[...steps()], total];",
  "two generators":
    "let n = 0; function* a() { yield ++n; } function* b() { yield n * 10; } job = () => [...a(), ...b(), ...a(), n];",
  "two generators made twice":
    "const make = () => { let n = 0; return { *a() { yield ++n; }, *b() { yield n * 10; } }; }; const x = make(), y = make(); job = () => [...x.a(), ...x.b(), ...y.b(), ...x.a(), ...y.a()];",
  "an async helper assigns":
    "let n = 0; const add = async (k) => { await null; n += k; }; job = async () => { await add(2); await add(3); return n; };",
  "an async generator assigns":
    "let n = 0; async function* count() { while (n < 3) yield ++n; } job = async () => { const out = []; for await (const x of count()) out.push(x); return [out, n]; };",
  "a function declaration":
    "let n = 0; function next() { return ++n; } job = function () { next(); return n; };",
  "a var": "var n = 0; function next() { n += 2; } job = () => { next(); return n; };",
  "a reassigned function":
    "let f = () => 1; const swap = () => { f = () => 2; }; job = () => { const before = f(); swap(); return [before, f()]; };",
  "a reassigned function declaration":
    "function f() { return 1; } const swap = () => { f = () => 2; }; job = () => { swap(); return f(); };",
  "a self-replacing function":
    "let init = () => { init = () => 'again'; return 'first'; }; job = () => [init(), init()];",
  "a reassigned class":
    "let C = class { v() { return 1; } }; const swap = () => { C = class { v() { return 2; } }; }; job = () => { swap(); return new C().v(); };",
  "a parameter":
    "const make = (n) => { const inc = () => { n += 1; }; return () => { inc(); return n; }; }; job = make(4);",
  "a default parameter":
    "const make = (n = 4, inc = () => { n += 1; }) => () => { inc(); return n; }; job = make();",
  "a default parameter beside a var of its name":
    "const make = (n = 1, inc = () => ++n) => { var n; const own = () => { n = (n ?? 0) + 10; return n; }; return () => [inc(), own(), inc(), own()]; }; job = make();",
  "a destructured parameter":
    "const make = ({ a, b: [c] }) => { const inc = () => { a++; c--; }; return () => { inc(); return [a, c]; }; }; job = make({ a: 1, b: [2] });",
  "a rest parameter":
    "const make = (...items) => { const drop = () => { [, ...items] = items; }; return () => { drop(); return items; }; }; job = make(1, 2, 3);",
  "a catch binding":
    "const make = () => { try { throw 1; } catch (e) { const inc = () => ++e; return () => { inc(); return e; }; } }; job = make();",
  "a destructured catch binding":
    "const make = () => { try { throw { code: 1 }; } catch ({ code }) { const inc = () => ++code; return () => { inc(); return code; }; } }; job = make();",
  "a variable per iteration":
    "const fs = []; for (let i = 0; i < 3; i++) { fs.push({ inc: () => { i += 10; }, get: () => i }); } job = () => { fs[0].inc(); fs[2].inc(); return fs.map((f) => f.get()); };",
  "a var in a loop":
    "const fs = []; for (var i = 0; i < 3; i++) { fs.push({ inc: () => { i += 10; }, get: () => i }); } job = () => { fs[0].inc(); return fs.map((f) => f.get()); };",
  "a variable per item":
    "const fs = []; for (let x of [1, 2]) { fs.push([() => { x *= 2; }, () => x]); } job = () => { fs[0][0](); return fs.map((f) => f[1]()); };",
  "a variable per key":
    "const fs = []; for (let k in { a: 1, b: 2 }) { fs.push([() => { k += '!'; }, () => k]); } job = () => { fs[1][0](); return fs.map((f) => f[1]()); };",
  "a loop that assigns to what is outside":
    "let last = 0; const run = () => { for (last of [1, 2, 3]); }; job = () => { run(); return last; };",
  "a loop over keys that assigns":
    "let last = ''; const run = () => { for (last in { a: 1, b: 2 }); }; job = () => { run(); return last; };",
  "a block":
    "const fs = []; { let n = 1; fs.push(() => ++n, () => n); } job = () => { fs[0](); return fs[1](); };",
  "a switch":
    "const fs = []; switch (1) { case 1: let n = 1; fs.push(() => ++n, () => n); } job = () => { fs[0](); return fs[1](); };",
  "nested scopes":
    "let a = 1; const up = () => { a++; }; const inner = () => { let b = a; return { bump() { b += a; up(); }, show: () => [a, b] }; }; const p = inner(), q = inner(); job = () => { p.bump(); q.bump(); q.bump(); return [p.show(), q.show()]; };",
  "a shadowed name":
    "let n = 1; const outer = () => ++n; const make = () => { let n = 100; return [() => ++n, () => n]; }; const [inc, get] = make(); job = () => { outer(); inc(); return [n, get()]; };",
  "a name shadowed twice":
    "let n = 1; const f = [() => ++n, () => n]; { let n = 10; f.push(() => ++n, () => n); { let n = 100; f.push(() => ++n, () => n); } } job = () => { f[0](); f[2](); f[2](); f[4](); return [f[1](), f[3](), f[5]()]; };",
  "three scopes, each assigned":
    "const make = () => { let a = 0; const ia = () => ++a; return () => { let b = 0; const ib = () => (b += ia()); return () => { let c = 0; const ic = () => (c += ib()); return () => [ic(), a, b, c]; }; }; }; job = () => { const f = make()()(); return [f(), f()]; };",
  "three scopes, made here":
    "const make = () => { let a = 0; const ia = () => ++a; return () => { let b = 0; const ib = () => (b += ia()); return () => { let c = 0; const ic = () => (c += ib()); return () => [ic(), a, b, c]; }; }; }; const l1 = make(); const f = l1()(), g = l1()(); job = () => [f(), g(), f()];",
  "a destructuring assignment":
    "let a = 1, b = 2; const swap = () => { [a, b] = [b, a]; }; job = () => { swap(); return [a, b]; };",
  "an object pattern assigns":
    "let a = 1, b = 2; const set = () => { ({ x: a, y: { z: b } = { z: 9 } } = { x: 7 }); }; job = () => { set(); return [a, b]; };",
  "a pattern with a default that assigns":
    "let a, b = 0; const set = () => { [a = ++b] = []; }; job = () => { set(); return [a, b]; };",
  "logical assignments":
    "let a = null, b = 0, c = 1; const set = () => { a ??= 5; b ||= 6; c &&= 7; }; job = () => { set(); return [a, b, c]; };",
  "comments in an assignment":
    "let n = 0; const set = () => { n /* is */ = /* now */ 3; n /* and */ ++; }; job = () => { set(); return n; };",
  "an assignment on the next line":
    "let n = 0; const set = () => { n\n // so\n = 3; ++\nn; }; job = () => { set(); return n; };",
  "a name with a dollar":
    "let $n = 0, n$ = 10; const set = () => { $n++; n$ -= 1; }; job = () => { set(); return [$n, n$]; };",
  "an odd name": "let \\u0061b = 0; const set = () => { ab++; }; job = () => { set(); return ab; };",
  "direct eval": "let n = 0; const set = () => { eval('n = 5'); }; job = () => { set(); return n; };",
  "direct eval that sets a constant":
    "const fixed1 = 0; const set = () => { eval('fixed1 = 5'); }; job = () => { set(); return fixed1; };",
  "direct eval in the job that sets a constant":
    "const fixed2 = 0, held2 = { n: 1 }; job = () => { try { eval('fixed2 = 5'); } catch (e) { return [e.name, fixed2, held2.n, eval('held2.n + fixed2')]; } return fixed2; };",
  "direct eval that sets a constant and a variable":
    "const fixed3 = 0; let loose3 = 1; const set = () => { eval('loose3 = 2'); eval('fixed3 = 5'); }; job = () => { try { set(); } catch (e) { return [e.name, fixed3, loose3]; } return [fixed3, loose3]; };",
  "direct eval that sets the constant that it is in":
    "const fixed4 = { set() { eval('fixed4 = null'); } }; job = () => { try { fixed4.set(); } catch (e) { return [e.name, typeof fixed4.set]; } return fixed4; };",
  "direct eval in a method of a class that sets a constant":
    "const fixed5 = 0; class C { m() { eval('fixed5 = 5'); } } job = () => { try { new C().m(); } catch (e) { return [e.name, fixed5]; } return fixed5; };",
  "direct eval that sets a constant of a function, as a variable of that name is set elsewhere":
    "let name6 = 0; const make = () => { const name6 = 1; return () => { eval('name6 = 3'); return name6; }; }; const f = make(); job = () => { name6++; try { return f(); } catch (e) { return [e.name, name6]; } };",
  "direct eval in a generator that sets a constant":
    "const fixed7 = 0; const items = function* () { try { eval('fixed7 = 5'); } catch (e) { yield [e.name, fixed7]; } yield fixed7; }; job = () => [...items()];",
  "direct eval in an async function that sets a constant":
    "const fixed8 = 0; const set = async (x) => { await eval('fixed8 = x'); }; job = () => set(5).catch((e) => [e.name, fixed8]);",
  // The names of what is imported are up to a bundler.
  "direct eval that assigns to a constant, as an import is one":
    "job = () => { try { eval('util = 5'); } catch (e) { return e.name; } return typeof util; };",
  "an object that both hold":
    "const memo = {}; const put = (k, v) => { memo[k] = v; }; job = () => { put('a', 1); return memo; };",
  "an array that both hold":
    "let list = []; const add = (x) => { list = [...list, x]; }; job = () => { add(1); add(2); return list; };",
  "a class that counts":
    "let made = 0; class C { constructor() { made++; } } job = () => { new C(); new C(); return made; };",
  "two classes that count":
    "let n = 0; class A { tick() { return ++n; } } class B { tick() { return (n += 10); } } job = () => [new A().tick(), new B().tick(), new A().tick(), n];",
  "classes made twice":
    "const make = () => { let n = 0; return [class { tick() { return ++n; } }, () => n]; }; const [A, a] = make(), [B, b] = make(); job = () => { new A().tick(); new A().tick(); new B().tick(); return [a(), b()]; };",
  "a bound function assigns":
    "let v = 1; function set(n) { v = n; } const five = set.bind(null, 5); job = () => { five(); return v; };",
  "a recursive function counts":
    "let calls = 0; const fib = (k) => { calls++; return k < 2 ? k : fib(k - 1) + fib(k - 2); }; job = () => [fib(8), calls];",
  "mutual recursion counts":
    "let calls = 0; const even = (k) => { calls++; return k === 0 || odd(k - 1); }; const odd = (k) => { calls++; return k !== 0 && even(k - 1); }; job = () => [even(5), calls];",
  "a memoized function":
    "const memoize = (fn) => { let hits = 0; const seen = new Map(); const get = (k) => { if (seen.has(k)) hits++; else seen.set(k, fn(k)); return seen.get(k); }; return { get, hits: () => hits }; }; const m = memoize((x) => x * x); job = () => { m.get(3); m.get(3); return [m.get(4), m.hits()]; };",
  "a seeded random":
    "let state = 42; const random = () => { state = (state * 1664525 + 1013904223) % 4294967296; return state; }; const dice = () => random() % 6; job = () => [dice(), dice(), dice(), state];",
  "a pool of ids":
    "let pool, offset; const fill = (bytes) => { if (!pool || pool.length < bytes) { pool = Buffer.alloc(bytes * 4, 7); offset = 0; } else if (offset + bytes > pool.length) { offset = 0; } offset += bytes; }; const id = (size = 5) => { fill(size); let s = ''; for (let i = offset - size; i < offset; i++) s += pool[i].toString(36); return s; }; job = () => [id(), id(3)];",
  "an event list":
    "let handlers = []; const on = (f) => { handlers = handlers.concat(f); }; let seen = ''; on((x) => { seen += x; }); job = () => { on((x) => { seen += x + x; }); for (const h of handlers) h('a'); return seen; };",
  "a lazy singleton":
    "let instance = null; const get = () => { if (!instance) instance = { id: 1 }; return instance; }; job = () => get() === get();",
  "a flag that a callback sets":
    "let done = false; const finish = () => { done = true; }; job = () => { let k = 0; while (!done) if (++k === 3) finish(); return k; };",
  "a stack machine":
    "let stack = [], sp = 0; const push = (v) => { stack[sp++] = v; }; const pop = () => stack[--sp]; const ops = { add: () => push(pop() + pop()), dup: () => { const v = pop(); push(v); push(v); } }; job = () => { push(2); ops.dup(); ops.add(); return [pop(), sp]; };",
  "state of a function that was bound twice":
    "let n = 0; const add = function (k) { n += k; return n; }; const one = add.bind(null, 1), two = add.bind(null, 2); job = () => [one(), two(), n];",
  "a variable that holds its own function":
    "let f = () => (f = null, 'done'); job = () => { const r = f(); return [r, f]; };",
  "a const that nobody assigns": "const base = 5; const add = (x) => x + base; job = () => add(base);",
  "NaN and -0 and undefined":
    "let a = NaN, b = -0, c; const set = () => { c = 1; }; job = () => { set(); return [a, b, c]; };",
  "bigint and symbols":
    "let a = 1n, b = Symbol.for('x'); const set = () => { a *= 2n; b = Symbol.for('y'); }; job = () => { set(); return [a, b.description]; };",
  "strict and sloppy code":
    "let n = 0; function strict() { 'use strict'; return ++n; } function loose() { n += 10; return n; } job = () => [strict(), loose(), n];",
  "closures made before and after":
    "let n = 0; const before = () => ++n; n = 5; const after = () => n; job = () => [before(), after()];",
  "a closure made by the job":
    "let n = 0; const make = () => () => ++n; job = () => { const f = make(), g = make(); f(); g(); return n; };",
  "what is not assigned, of scopes alike":
    "const make = (k) => ({ get: () => k }); const a = make({ v: 1 }), b = make({ v: 1 }); job = () => { a.get().v = 2; return b.get().v; };",
  "a tagged template counts":
    "let n = 0; const tag = (s, ...v) => { n++; return s.join('|') + v.join(','); }; job = () => [tag`a${1}b`, n];",
  "an immediately called arrow":
    "const api = (() => { let on = false; const toggle = () => { on = !on; }; return { toggle, state: () => on }; })(); job = () => { api.toggle(); return api.state(); };",
  "an assignment in a default value": "let n = 0; const f = (a = ++n) => a; job = () => [f(), f(), f(9), n];",
  "an assignment in a computed key": "let n = 0; const f = () => ({ [++n]: 1 }); job = () => [f(), f(), n];",
  "an assignment in a class field":
    "let n = 0; class C { id = ++n; } job = () => [new C().id, new C().id, n];",
  "an assignment in a template": "let n = 0; const f = () => `${++n}`; job = () => [f(), f(), n];",
  "an assignment to a constant": [
    "const n = 1; job = () => { n = 2; return n; };",
    /assigns to a constant: n in job/,
  ],
  "an assignment to a constant by a helper": [
    "const [a, b] = [1, 2]; const set = () => { b = 5; }; job = () => { set(); return a; };",
    /assigns to a constant: b in set/,
  ],
  "an assignment to a variable, and a constant of that name elsewhere":
    "let n = 1; { const n = 7; args = [n]; } job = (x) => { n += x; return n; };",
  "an assignment to a constant by a method of a class": [
    "const seen = 0; class C { m() { seen++; } } job = () => { new C().m(); return seen; };",
    /assigns to a constant: seen in C/,
  ],
  "a variable of a catch clause":
    "let fs; try { throw 1; } catch (e) { fs = [() => ++e, () => e]; } job = () => [fs[0](), fs[1]()];",
  "a variable of a static block":
    "let fs; class C { static { let n = 1; fs = [() => ++n, () => n]; } } job = () => [fs[0](), fs[1]()];",
  "a loop that assigns a variable outside":
    "let x = 0, k; const last = (xs, o) => { for (x of xs); for (k in o); }; job = () => { last([1, 2, 9], { p: 1, q: 2 }); return [x, k]; };",
};
