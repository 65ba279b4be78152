// This is what programs do every day: helpers of the kind of lodash, small libraries, classes of a domain, and the
// language's own objects as captured variables.
export default {
  "memoize with a resolver":
    "const memoize = (fn, key = (...a) => a.join()) => { const cache = new Map(); const memo = (...a) => { const k = key(...a); if (!cache.has(k)) cache.set(k, fn(...a)); return cache.get(k); }; memo.cache = cache; return memo; }; let calls = 0; const area = memoize((w, h) => { calls++; return w * h; }); area(2, 3); job = () => [area(2, 3), area(3, 4), area(3, 4), area.cache.size, calls];",
  "a recursive function that is memoized by its own name":
    "const memoize = (fn) => { const seen = {}; return (n) => (seen[n] ??= fn(n)); }; const fib = memoize((n) => (n < 2 ? BigInt(n) : fib(n - 1) + fib(n - 2))); job = () => fib(80);",
  once: "const once = (fn) => { let done = false, value; return (...a) => (done ? value : ((done = true), (value = fn(...a)))); }; let ran = 0; const init = once((x) => { ran++; return x * 2; }); job = () => [init(4), init(9), ran];",
  "once, that has run":
    "const once = (fn) => { let value; return (...a) => { if (fn) { value = fn(...a); fn = undefined; } return value; }; }; const init = once((x) => x * 2); init(3); job = () => init(9);",
  curry:
    "const curry = (fn, ...had) => (...more) => had.length + more.length >= fn.length ? fn(...had, ...more) : curry(fn, ...had, ...more); const add = curry((a, b, c) => a + b * 10 + c * 100); const two = add(2); job = () => [two(3)(4), two(3, 4), add(1)(1)(1)];",
  "compose and pipe":
    "const pipe = (...fs) => (x) => fs.reduce((v, f) => f(v), x); const trim = (s) => s.trim(), up = (s) => s.toUpperCase(), wrap = (l, r) => (s) => l + s + r; const shout = pipe(trim, up, wrap('<', '>')); job = () => shout('  hi ');",
  "partial application with bind":
    "function greet(greeting, mark, name) { return this.prefix + greeting + name + mark; } const hello = greet.bind({ prefix: '# ' }, 'hello ').bind(null, '!'); job = () => [hello('x'), hello.name, hello.length];",
  "groupBy, keyBy and sortBy":
    "const groupBy = (xs, f) => xs.reduce((m, x) => { (m[f(x)] ??= []).push(x); return m; }, Object.create(null)); const keyBy = (xs, k) => Object.fromEntries(xs.map((x) => [x[k], x])); const sortBy = (...ks) => (xs) => [...xs].sort((a, b) => ks.map((k) => (a[k] > b[k]) - (a[k] < b[k])).find(Boolean) ?? 0); const people = [{ n: 'b', a: 2 }, { n: 'a', a: 2 }, { n: 'c', a: 1 }]; job = () => [groupBy(people, (p) => p.a), keyBy(people, 'n').c, sortBy('a', 'n')(people).map((p) => p.n)];",
  "get and set by a path":
    "const steps = (p) => p.split(/[.[\\]]+/).filter(Boolean); const get = (o, p, d) => steps(p).reduce((x, k) => x?.[k], o) ?? d; const set = (o, p, v) => { const ks = steps(p), last = ks.pop(); let at = o; for (const k of ks) at = at[k] ??= {}; at[last] = v; return o; }; const config = { a: [{ b: 1 }] }; job = () => [get(config, 'a[0].b'), get(config, 'a[1].b', 'none'), set(config, 'x.y', 2)];",
  "a deep merge and a deep equality":
    "const isPlain = (x) => Object.prototype.toString.call(x) === '[object Object]'; const merge = (a, b) => { for (const [k, v] of Object.entries(b)) a[k] = isPlain(v) && isPlain(a[k]) ? merge({ ...a[k] }, v) : v; return a; }; const same = (a, b) => Object.is(a, b) || (isPlain(a) && isPlain(b) && Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((k) => same(a[k], b[k]))); const base = { a: { b: 1 }, c: 1 }; job = () => [merge({ ...base }, { a: { d: 2 } }), same(base, { a: { b: 1 }, c: 1 }), base.a];",
  "an LRU cache that was used":
    "class Lru { constructor(max) { this.max = max; this.map = new Map(); } get(k) { if (!this.map.has(k)) return; const v = this.map.get(k); this.map.delete(k); this.map.set(k, v); return v; } set(k, v) { this.map.delete(k); this.map.set(k, v); if (this.map.size > this.max) this.map.delete(this.map.keys().next().value); return this; } } const lru = new Lru(2).set('a', 1).set('b', 2); lru.get('a'); job = () => { lru.set('c', 3); return [...lru.map.keys()]; };",
  "an emitter of one's own with handlers that share a variable":
    "const mitt = (all = new Map()) => ({ all, on(t, h) { (all.get(t) ?? all.set(t, []).get(t)).push(h); }, off(t, h) { const hs = all.get(t); if (hs) hs.splice(hs.indexOf(h) >>> 0, 1); }, emit(t, e) { (all.get(t) ?? []).slice().forEach((h) => h(e)); } }); let sum = 0; const bus = mitt(); const add = (n) => { sum += n; }; bus.on('n', add); bus.on('n', (n) => { sum += n * 10; }); job = () => { bus.emit('n', 1); bus.off('n', add); bus.emit('n', 2); return sum; };",
  "an EventEmitter with listeners that was captured":
    "const { EventEmitter } = process.getBuiltinModule('node:events'); const bus = new EventEmitter(); const got = []; bus.on('x', (v) => got.push(v)); bus.on('x', function () { got.push(this === bus); }); job = () => { bus.emit('x', 1); bus.emit('x', 2); return [got, bus.listenerCount('x')]; };",
  "an EventEmitter with a listener for one event": [
    "const { EventEmitter } = process.getBuiltinModule('node:events'); const bus = new EventEmitter(); bus.once('x', () => {}); job = () => bus.emit('x');",
    /an internal function of Node/,
  ],
  "a store with subscribers":
    "const createStore = (reducer, state) => { const subs = new Set(); return { getState: () => state, dispatch(a) { state = reducer(state, a); subs.forEach((f) => f()); return a; }, subscribe(f) { subs.add(f); return () => subs.delete(f); } }; }; const store = createStore((n, a) => (a.type === 'inc' ? n + 1 : n), 5); const seen = []; const stop = store.subscribe(() => seen.push(store.getState())); store.dispatch({ type: 'inc' }); job = () => { store.dispatch({ type: 'inc' }); stop(); store.dispatch({ type: 'inc' }); return [store.getState(), seen]; };",
  "signals that depend on each other":
    "let running = null; const signal = (v) => { const subs = new Set(); return [() => { if (running) subs.add(running); return v; }, (n) => { v = n; for (const s of [...subs]) s(); }]; }; const effect = (fn) => { const run = () => { running = run; try { fn(); } finally { running = null; } }; run(); }; const [count, setCount] = signal(1); let log = []; effect(() => { log.push(count() * 2); }); job = () => { setCount(5); setCount(6); return log; };",
  "a chain of middlewares":
    "const compose = (ms) => (ctx) => { let last = -1; const go = async (i) => { if (i <= last) throw new Error('next() called twice'); last = i; const m = ms[i]; if (m) await m(ctx, () => go(i + 1)); }; return go(0); }; const app = compose([async (c, next) => { c.log.push('a'); await next(); c.log.push('z'); }, async (c, next) => { c.log.push('b'); await next(); await next(); }]); job = async () => { const ctx = { log: [] }; try { await app(ctx); } catch (e) { ctx.log.push(e.message); } return ctx.log; };",
  "a router of patterns":
    "const routes = []; const on = (p, h) => routes.push([new RegExp('^' + p.replace(/:(\\w+)/g, '(?<$1>[^/]+)') + '$'), h]); on('/users/:id', ({ id }) => 'user ' + id); on('/', () => 'home'); const route = (path) => { for (const [re, h] of routes) { const m = re.exec(path); if (m) return h({ ...m.groups }); } return 404; }; job = () => ['/', '/users/7', '/x/y'].map(route);",
  "a template engine that compiles":
    "const compile = (t) => { const parts = t.split(/\\{\\{\\s*(\\w+)\\s*\\}\\}/); return (data) => parts.map((p, i) => (i % 2 ? data[p] ?? '' : p)).join(''); }; const page = compile('<b>{{ name }}</b> {{missing}}!'); job = () => page({ name: 'x' });",
  "a dependency container":
    "class Container { #made; factories = new Map(); constructor() { this.#made = new Map(); } add(k, f) { this.factories.set(k, f); return this; } get(k) { if (!this.#made.has(k)) this.#made.set(k, this.factories.get(k)(this)); return this.#made.get(k); } } const make = () => new Container().add('url', () => 'u').add('client', (c) => ({ url: c.get('url') })); job = () => { const c = make(); return [c.get('client').url, c.get('client') === c.get('client')]; };",
  "a state machine with a table":
    "const machine = { state: 'idle', table: { idle: { start: 'busy' }, busy: { done: 'idle', fail: 'broken' } }, send(e) { const next = this.table[this.state]?.[e]; if (!next) throw new RangeError(`${e} in ${this.state}`); this.state = next; return this; } }; machine.send('start'); job = () => { machine.send('fail'); try { machine.send('x'); } catch (e) { return [machine.state, e.message]; } };",
  "parser combinators":
    "const lit = (c) => (s, i) => (s[i] === c ? [c, i + 1] : null), seq = (...ps) => (s, i) => { const out = []; for (const p of ps) { const r = p(s, i); if (!r) return null; out.push(r[0]); i = r[1]; } return [out, i]; }, many = (p) => (s, i) => { const out = []; for (let r; (r = p(s, i)); i = r[1]) out.push(r[0]); return [out, i]; }, lazy = (f) => (s, i) => f()(s, i), alt = (...ps) => (s, i) => { for (const p of ps) { const r = p(s, i); if (r) return r; } return null; }; const list = alt(lit('x'), seq(lit('('), many(lazy(() => list)), lit(')'))); job = () => [list('(x(xx)())', 0), list('(x', 0)];",
  "a scanner with one RegExp":
    "const token = /\\s*(?:(\\d+)|(.))/gy; const scan = (s) => { const out = []; token.lastIndex = 0; for (let m; token.lastIndex < s.length && (m = token.exec(s)); ) out.push(m[1] ?? m[2]); return out; }; token.exec('12 13'); job = () => [token.lastIndex, scan('1+ 23*4')];",
  "an interpreter that calls itself through a table":
    "const ops = { num: (n) => n.v, add: (n) => run(n.l) + run(n.r), mul: (n) => run(n.l) * run(n.r), let: (n) => { const old = env[n.name]; env = { ...env, [n.name]: run(n.v) }; const r = run(n.in); env = { ...env, [n.name]: old }; return r; }, var: (n) => env[n.name] }; let env = {}; const run = (n) => ops[n.op](n); const v = (name) => ({ op: 'var', name }); job = () => [run({ op: 'let', name: 'x', v: { op: 'num', v: 4 }, in: { op: 'mul', l: v('x'), r: v('x') } }), env];",
  "a trie with a class of nodes":
    "class Node { children = new Map(); end = false; child(c) { let n = this.children.get(c); if (!n) this.children.set(c, (n = new Node())); return n; } *words(p = '') { if (this.end) yield p; for (const [c, n] of this.children) yield* n.words(p + c); } } const root = new Node(); for (const w of ['to', 'tea', 'ten']) { let n = root; for (const c of w) n = n.child(c); n.end = true; } job = () => [[...root.words()], root.child('t') instanceof Node];",
  "a matrix class with operators as statics":
    "class M { constructor(rows) { this.rows = rows; } static identity(n) { return new this(Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => +(i === j)))); } static { this.zero = Object.freeze(new M([[0]])); } mul(o) { return new this.constructor(this.rows.map((r) => o.rows[0].map((_, j) => r.reduce((s, v, k) => s + v * o.rows[k][j], 0)))); } } const a = new M([[1, 2], [3, 4]]); job = () => [a.mul(M.identity(2)).rows, a.mul(a).rows, Object.isFrozen(M.zero), M.zero instanceof M];",
  "money with a private constructor key":
    "const KEY = {}; class Money { #cents; constructor(cents, key) { if (key !== KEY) throw new TypeError('use Money.of'); this.#cents = cents; } static of(x) { return new Money(Math.round(x * 100), KEY); } plus(o) { return new Money(this.#cents + o.#cents, KEY); } toString() { return (this.#cents / 100).toFixed(2); } [Symbol.toPrimitive](hint) { return hint === 'number' ? this.#cents / 100 : this.toString(); } } job = () => { try { new Money(1); } catch (e) { const m = Money.of(1.25).plus(Money.of(2)); return [e.message, `${m}`, +m, m + '']; } };",
  "a hierarchy with private fields on each level":
    "class A { #x = 1; static #made = 0; constructor() { A.#made++; } get x() { return this.#x; } static get made() { return A.#made; } } class B extends A { #x = 2; both() { return [super.x, this.#x]; } static #hidden() { return super.made; } static peek() { return B.#hidden(); } } class C extends B { #y = (() => this.both())(); get y() { return this.#y; } } new B(); job = () => { const c = new C(); return [c.y, A.made, B.peek(), C.peek()]; };",
  "a builder with methods that return this":
    "class Query { #parts = []; static from(t) { const q = new Query(); q.#parts.push('from ' + t); return q; } where(c) { this.#parts.push('where ' + c); return this; } limit = (n) => { this.#parts.push('limit ' + n); return this; }; toString() { return this.#parts.join(' '); } } job = () => String(Query.from('t').where('a').limit(3));",
  "an enumeration of instances":
    "class Color { static #all = []; static red = new Color('red', 0xff0000); static blue = new Color('blue', 0xff); constructor(name, hex) { this.name = name; this.hex = hex; Color.#all.push(this); } static of(name) { return Color.#all.find((c) => c.name === name); } static [Symbol.iterator]() { return Color.#all.values(); } } job = () => [Color.of('red') === Color.red, [...Color].map((c) => c.hex), Color.blue instanceof Color];",
  "a result type":
    "class Result { static ok = (v) => new Ok(v); static err = (e) => new Err(e); static all = (rs) => rs.reduce((acc, r) => acc.then((vs) => r.map((v) => [...vs, v])), Result.ok([])); } class Ok extends Result { constructor(v) { super(); this.v = v; } map(f) { return Result.ok(f(this.v)); } then(f) { return f(this.v); } } class Err extends Result { constructor(e) { super(); this.e = e; } map() { return this; } then() { return this; } } const half = (n) => (n % 2 ? Result.err(n + ' is odd') : Result.ok(n / 2)); job = () => { const [a, b] = [Result.all([half(2), half(4)]), Result.all([half(2), half(3)])]; return [a.v, b.e, b instanceof Err]; };",
  "a generator with return and throw":
    "const log = []; function* steps() { try { const x = yield 1; log.push(x); try { yield x * 2; } catch (e) { log.push(e); yield 'caught'; } return 'end'; } finally { log.push('finally'); } } job = () => { const a = steps(); const out = [a.next(), a.next(21), a.throw('bad'), a.next()]; const b = steps(); b.next(); return [out, b.return('early'), b.next(), log]; };",
  "lazy sequences of generators":
    "const seq = (make) => ({ [Symbol.iterator]: make, map: (f) => seq(function* () { for (const x of make()) yield f(x); }), take: (n) => seq(function* () { let i = 0; for (const x of make()) { if (i++ >= n) return; yield x; } }) }); let started = 0; const naturals = seq(function* () { started++; for (let i = 1; ; i++) yield i; }); const squares = naturals.map((x) => x * x); job = () => [[...squares.take(3)], [...squares.take(2)], started];",
  "delegating generators with a result":
    "function* inner() { const got = yield 'q'; return got + '!'; } function* outer() { const a = yield* inner(); const b = yield* [1, 2]; return [a, b]; } job = () => { const it = outer(); return [it.next(), it.next('x'), it.next(), it.next()]; };",
  "an async generator with a finally":
    "let closed = 0; async function* pages(n) { try { for (let i = 0; i < n; i++) yield Promise.resolve(i); } finally { await null; closed++; } } job = async () => { const out = []; for await (const p of pages(5)) { if (p === 2) break; out.push(p); } for await (const p of pages(1)) out.push(p); return [out, closed]; };",
  "an async queue with waiters":
    "const channel = () => { let items = [], waiters = []; return { put(v) { const w = waiters.shift(); if (w) w(v); else items.push(v); }, take: () => (items.length ? Promise.resolve(items.shift()) : new Promise((r) => waiters.push(r))) }; }; const ch = channel(); ch.put(1); job = async () => { const later = [ch.take(), ch.take(), ch.take()]; ch.put(2); ch.put(3); return Promise.all(later); };",
  "async with retries and a mutable counter":
    "let tries = 0; const flaky = async () => { if (++tries < 3) throw new Error('try ' + tries); return 'ok'; }; const retry = async (f, n) => { for (;;) try { return await f(); } catch (e) { if (--n < 0) throw e; } }; job = async () => [await retry(flaky, 5), tries];",
  "Symbol.asyncIterator on a class":
    "class Ticker { constructor(n) { this.n = n; } [Symbol.asyncIterator]() { let i = 0; const { n } = this; return { next: async () => ({ done: i >= n, value: i++ }), return: async () => ({ done: true, value: undefined }) }; } } const t = new Ticker(3); job = async () => { const out = []; for await (const x of t) out.push(x); return out; };",
  "Symbol.species of a class of promises":
    "class Lazy extends Promise { static get [Symbol.species]() { return Promise; } static make(v) { return new this((r) => r(v)); } } job = async () => { const p = Lazy.make(3); const q = p.then((x) => x + 1); return [p instanceof Lazy, q instanceof Lazy, await q]; };",
  "dispose methods":
    "const key = Symbol.dispose ?? Symbol.for('dispose'); const log = []; class Handle { constructor(n) { this.n = n; } [key]() { log.push('closed ' + this.n); } } const using = (h, f) => { try { return f(h); } finally { h[key](); } }; job = () => [using(new Handle(1), (h) => h.n), log];",
  "Symbol.toPrimitive, isConcatSpreadable and match":
    "const like = { length: 2, 0: 'a', 1: 'b', [Symbol.isConcatSpreadable]: true }; const five = { [Symbol.toPrimitive]: (hint) => (hint === 'string' ? 'five' : 5) }; const even = { [Symbol.match]: (s) => s.length % 2 === 0, [Symbol.split]: (s) => [...s].reverse() }; job = () => [[].concat(like, 'c'), five * 2, `${five}`, 'abcd'.match(even), 'abc'.split(even)];",
  "tagged templates with raw strings and values":
    "const html = (s, ...vs) => s.raw.reduce((out, part, i) => out + part + (i < vs.length ? escape(vs[i]) : ''), ''); const escape = (v) => (Array.isArray(v) ? v.map(escape).join('') : String(v).replace(/[<&]/g, (c) => entities[c])); const entities = { '<': '&lt;', '&': '&amp;' }; job = () => html`<p>${['a<b', '&']}\\n${1}</p>`;",
  "tagged templates that are cached by their strings":
    "const cache = new WeakMap(); let misses = 0; const tag = (s, ...v) => { let f = cache.get(s); if (!f) { misses++; cache.set(s, (f = (vs) => s.join('?') + vs)); } return f(v); }; const ask = (x) => tag`a${x}b`; job = () => [ask(1), ask(2), misses];",
  "a RegExp with all its state":
    "const re = /(?<y>\\d{4})-(?<m>\\d\\d)/dgu; re.test('2024-05 2025-06'); job = () => { const m = re.exec('2024-05 2025-06'); return [re.flags, re.lastIndex, m.groups.y, m.indices.groups.m]; };",
  "a class that extends RegExp":
    "class Words extends RegExp { constructor(w) { super(`\\\\b(?:${w.join('|')})\\\\b`, 'gi'); this.words = w; } count(s) { return [...s.matchAll(this)].length; } } const w = new Words(['a', 'the']); job = () => [w.count('The a b a'), w.words, w instanceof Words, w.source];",
  "a class that extends Date, Set and Uint8Array":
    "class Day extends Date { next() { return new Day(this.getTime() + 864e5); } } class Tags extends Set { add(x) { return super.add(String(x).toLowerCase()); } } class Bytes extends Uint8Array { hex() { return Buffer.from(this).toString('hex'); } } const d = new Day(0), t = new Tags(['A', 'a']), b = Bytes.of(1, 255); job = () => [d.next().toISOString(), d instanceof Day, t.add('B').size, b.hex(), b.subarray(1) instanceof Bytes];",
  "formats of Intl": [
    "const money = new Intl.NumberFormat('de-DE', { style: 'currency', currency: 'EUR' }); job = () => money.format(1234.5);",
    /NumberFormat|belongs to this thread/,
  ],
  "formats of Intl that are made where they are used":
    "const make = () => new Intl.NumberFormat('en', { minimumFractionDigits: 2 }); let f; const money = (n) => (f ??= make()).format(n); job = () => [money(1234.5), money(0.1)];",
  "a collator of Intl": [
    "const { compare } = new Intl.Collator('sv'); job = () => ['z', 'ö', 'a'].sort(compare);",
    /native function|belongs to this thread/,
  ],
  "labelled loops in a closure":
    "const grid = [[1, 2], [3, 4], [5, 6]]; const find = (want) => { rows: for (const [y, row] of grid.entries()) { for (const [x, v] of row.entries()) { if (v > want) break rows; if (v % 2) continue rows; if (v === want) return [x, y]; } } return null; }; job = () => [find(2), find(4), find(9)];",
  "new.target in a factory that may be called":
    "function Point(x, y) { if (!new.target) return new Point(x, y); this.x = x; this.y = y; } Point.prototype.len = function () { return Math.hypot(this.x, this.y); }; class Point3 extends Point { constructor(x, y, z) { super(x, y); this.z = z; this.made = new.target.name; } } job = () => [Point(3, 4).len(), new Point3(1, 2, 3).made, new Point3(1, 2, 3) instanceof Point, Reflect.construct(Point, [1, 2], Point3) instanceof Point3];",
  "default parameters with closures":
    "let calls = 0; const next = () => ++calls; const f = (a = next(), g = () => a++, b = g() + a) => [a, b, g()]; job = () => [f(), f(10), calls];",
  "default parameters that see each other":
    "const base = { x: 1 }; const f = ({ x, y = x + 1, ...rest } = base, [z = y] = [], g = () => ({ x, y, z, rest })) => { x = 50; return g(); }; job = () => [f(), f({ x: 5, q: 1 }, [9])];",
  "destructured captures":
    "const config = { db: { host: 'h', ports: [1, 2, 3] }, flags: new Map([['a', true]]) }; let { db: { host, ports: [first, ...others] }, missing = 'none' } = config; const move = () => { [first, host] = [others[0], host.toUpperCase()]; }; job = () => { move(); return [host, first, others, missing, config.db.host]; };",
  "captured arguments":
    "function make() { const f = () => arguments[0] + arguments.length; const all = () => Array.prototype.slice.call(arguments, 1); return () => [f(), all()]; } job = make(5, 6, 7);",
  "functions with call, apply and Reflect":
    "const max = Function.prototype.apply.bind(Math.max, null); const own = (o, k) => Object.prototype.hasOwnProperty.call(o, k); const slice = Function.prototype.call.bind(Array.prototype.slice); job = () => [own({ a: 1 }, 'a'), Reflect.apply(own, null, [{}, 'a']), Math.max.apply(null, [1, 4])];",
  "mutual recursion over a tree with depth":
    "let depth = 0, deepest = 0; const enter = (n) => { deepest = Math.max(deepest, ++depth); const r = n.kids ? kids(n.kids) : n.v; depth--; return r; }; function kids(ks) { return ks.map(enter).reduce((a, b) => a + b, 0); } const tree = { kids: [{ v: 1 }, { kids: [{ v: 2 }, { kids: [{ v: 3 }] }] }] }; job = () => [enter(tree), deepest, depth];",
  "mutual recursion of classes":
    "class Expr { static parse(s) { return /^\\d+$/.test(s) ? new Num(+s) : new Sum(s.split('+').map((p) => Expr.parse(p.trim()))); } } class Num extends Expr { constructor(v) { super(); this.v = v; } get value() { return this.v; } } class Sum extends Expr { constructor(ps) { super(); this.ps = ps; } get value() { return this.ps.reduce((s, p) => s + p.value, 0); } } const e = Expr.parse('1 + 2 + 3'); job = () => [e.value, e instanceof Sum, e.ps[0] instanceof Num, Expr.parse('4+5').value];",
  trampolines:
    "const trampoline = (f) => (...a) => { let r = f(...a); while (typeof r === 'function') r = r(); return r; }; const even = trampoline(function self(n) { return n === 0 ? true : () => odd(n - 1); }); const odd = (n) => (n === 0 ? false : () => evenStep(n - 1)); const evenStep = (n) => (n === 0 ? true : () => odd(n - 1)); job = () => even(1001);",
  "a function that replaces its own properties":
    "function counter() { return ++counter.n; } counter.n = 3; counter.reset = () => { counter.n = 0; }; job = () => { const a = counter(); counter.reset(); return [a, counter(), counter.n]; };",
  "a callable with methods, as chalk has them":
    "const styles = { bold: [1, 22], red: [31, 39] }; const make = (codes) => { const f = (s) => codes.reduceRight((t, [o, c]) => `[${o}]${t}[${c}]`, s); for (const name of Object.keys(styles)) Object.defineProperty(f, name, { get: () => make([...codes, styles[name]]) }); return f; }; const chalk = make([]); job = () => [chalk.red.bold('x'), chalk('y')];",
  "a plugin list with an order":
    "const plugins = []; const use = (p, opts = {}) => { plugins.push({ ...p, opts }); return use; }; use({ name: 'a', run: (x, o) => x + o.by }, { by: 1 })({ name: 'b', run: (x) => x * 2 }); job = () => plugins.reduce((x, p) => p.run(x, p.opts), 5);",
  "a schema builder":
    "const schema = (checks = []) => ({ checks, min: (n) => schema([...checks, [(v) => v >= n, `at least ${n}`]]), int: () => schema([...checks, [Number.isInteger, 'an integer']]), parse(v) { const bad = checks.filter(([f]) => !f(v)).map(([, m]) => m); if (bad.length) throw new TypeError(bad.join(' and ')); return v; } }); const Age = schema().int().min(18); job = () => { try { return [Age.parse(20), Age.parse(1.5)]; } catch (e) { return e.message; } };",
  "a schedule with a heap":
    "class Heap { items = []; constructor(cmp) { this.cmp = cmp; } push(x) { const h = this.items; h.push(x); for (let i = h.length - 1; i > 0; ) { const p = (i - 1) >> 1; if (this.cmp(h[i], h[p]) >= 0) break; [h[i], h[p]] = [h[p], h[i]]; i = p; } } pop() { const h = this.items, top = h[0], x = h.pop(); if (h.length) { h[0] = x; for (let i = 0; ; ) { let c = 2 * i + 1; if (c >= h.length) break; if (c + 1 < h.length && this.cmp(h[c + 1], h[c]) < 0) c++; if (this.cmp(h[i], h[c]) <= 0) break; [h[i], h[c]] = [h[c], h[i]]; i = c; } } return top; } } const heap = new Heap((a, b) => a - b); [5, 1, 4].forEach((x) => heap.push(x)); job = () => { heap.push(0); const out = []; while (heap.items.length) out.push(heap.pop()); return out; };",
  "an observable with operators":
    "const of = (...xs) => ({ subscribe(o) { xs.forEach((x) => o.next(x)); o.complete?.(); } }); const map = (f) => (s) => ({ subscribe: (o) => s.subscribe({ ...o, next: (x) => o.next(f(x)) }) }); const scan = (f, a) => (s) => ({ subscribe: (o) => { let acc = a; s.subscribe({ ...o, next: (x) => o.next((acc = f(acc, x))) }); } }); const total = [map((x) => x * 2), scan((a, x) => a + x, 0)].reduce((s, op) => op(s), of(1, 2, 3)); job = () => { const out = []; total.subscribe({ next: (x) => out.push(x), complete: () => out.push('done') }); return out; };",
  "an immutable record with copies":
    "class Rec { constructor(p) { Object.assign(this, p); Object.freeze(this); } with(p) { return new Rec({ ...this, ...p }); } } const r = new Rec({ a: 1, b: { c: 2 } }); job = () => { const s = r.with({ a: 5 }); return [r.a, s.a, s.b === r.b, Object.isFrozen(r), s instanceof Rec]; };",
  "linked objects with back references":
    "const tree = { name: 'root', children: [] }; const add = (parent, name) => { const n = { name, parent, children: [] }; parent.children.push(n); return n; }; const leaf = add(add(tree, 'a'), 'b'); const path = (n) => (n ? [...path(n.parent), n.name] : []); job = () => [path(leaf), leaf.parent.children[0] === leaf];",
  "getters on a captured class that are lazy":
    "class Conf { static get all() { const value = Object.freeze(['a', 'b']); Object.defineProperty(this, 'all', { value, enumerable: true }); return value; } get self() { Object.defineProperty(this, 'self', { value: this }); return this; } } const first = Conf.all; job = () => [Conf.all, Object.keys(Conf), new Conf().self instanceof Conf];",
  "optional chaining over functions and a call of null":
    "const api = { v1: { get: (x) => x + 1 }, v2: null }; const call = (v, ...a) => api[v]?.get?.(...a) ?? 'none'; job = () => [call('v1', 1), call('v2', 1), call('v3')];",
  "a typeof guard of what is not declared":
    "const host = typeof window === 'undefined' ? 'node' : 'browser'; const where = () => (typeof document === 'undefined' ? host : 'dom'); job = () => where();",
  "globalThis and a polyfill":
    "const has = (name) => name in globalThis; const clone = globalThis.structuredClone ?? ((x) => JSON.parse(JSON.stringify(x))); const data = { d: new Date(0) }; job = () => [has('Map'), has('nope$'), clone(data).d.getTime()];",
  "text codecs":
    "const dec = () => new TextDecoder(), enc = new TextEncoder(); const bytes = enc.encode('größe'); job = () => [dec().decode(bytes), bytes.length];",
  "a TextEncoder that is used there": "const enc = new TextEncoder(); job = () => enc.encode('a').length;",
  "numbers in all their forms":
    "const limits = [Number.MAX_SAFE_INTEGER, Number.MIN_VALUE, -0, NaN, -Infinity, 2n ** 64n, 0.1 + 0.2]; job = () => limits.map((n) => (Object.is(n, -0) ? '-0' : String(n)));",
  "strings that are odd":
    "const odd = ['\\u2028', '\\0', '\\ud800', '`${x}`', '</script>', '\\\\', 'a'.repeat(70_000)]; job = () => odd.map((s) => s.length + ':' + (s.codePointAt(0) ?? ''));",
  "sorting with a comparator that is chosen":
    "const by = { asc: (a, b) => a - b, desc: (a, b) => b - a }; let order = 'asc'; const flip = () => { order = order === 'asc' ? 'desc' : 'asc'; }; flip(); const sort = (xs) => xs.toSorted?.(by[order]) ?? [...xs].sort(by[order]); job = () => { const one = sort([2, 1, 3]); flip(); return [one, sort([2, 1, 3])]; };",
  "a date helper with a table of units":
    "const MS = { s: 1e3, m: 6e4, h: 36e5 }; const parse = (t) => [...t.matchAll(/(\\d+)([smh])/g)].reduce((sum, [, n, u]) => sum + n * MS[u], 0); const format = (ms) => Object.entries(MS).reverse().map(([u, v]) => { const n = Math.floor(ms / v); ms %= v; return n ? n + u : ''; }).join(''); job = () => [parse('1h30m5s'), format(parse('90m'))];",
  "a class whose prototype is a mixin of several":
    "const Eventful = { on(k, f) { (this.handlers ??= {})[k] = f; return this; }, fire(k, ...a) { return this.handlers?.[k]?.(...a); } }; const Named = (B) => class Named extends B { get title() { return `${this.constructor.name}:${this.id}`; } }; class Model extends Named(Object) { constructor(id) { super(); this.id = id; } } Object.defineProperties(Model.prototype, Object.getOwnPropertyDescriptors(Eventful)); const m = new Model(3).on('x', (v) => v * 2); job = () => [m.title, m.fire('x', 4), Object.keys(Model.prototype)];",
  "accessors that were inherited and overridden on one side":
    "class A { _v = 1; get v() { return this._v; } set v(x) { this._v = x; } } class B extends A { get v() { return super.v * 10; } set v(x) { super.v = x + 1; } } const b = new B(); b.v = 4; job = () => { const was = b.v; b.v = 9; return [was, b.v, b._v]; };",
  "a class with a static async factory":
    "class Conn { static #open = 0; static async open(url) { await null; Conn.#open++; return new Conn(url); } constructor(url) { this.url = url; } async close() { Conn.#open--; return Conn.#open; } static get open_() { return Conn.#open; } } job = async () => { const a = await Conn.open('a'), b = await Conn.open('b'); return [a.url, await b.close(), Conn.open_]; };",
  "a class in a class":
    "class Outer { static Inner = class { who() { return Outer.name + '.' + this.constructor.name; } }; make() { return new Outer.Inner(); } } const i = new Outer().make(); job = () => [i.who(), i instanceof Outer.Inner, new Outer().make().who()];",
  "objects with methods that call super": [
    "const base = { hi() { return 'base'; } }; const o = { __proto__: base, hi() { return super.hi() + '+'; } }; job = () => o.hi();",
    /uses super/,
  ],
  "closures in a Map by object keys":
    "const users = [{ id: 1 }, { id: 2 }]; const actions = new Map(users.map((u) => [u, () => { u.id *= 10; return u.id; }])); job = () => [users.map((u) => actions.get(u)()), users[1].id];",
  "functions in a Set, called in order":
    "const hooks = new Set(); let order = ''; const a = () => { order += 'a'; }, b = () => { order += 'b'; }; hooks.add(b).add(a).add(b); job = () => { hooks.forEach((h) => h()); hooks.delete(b); hooks.forEach((h) => h()); return order; };",
  "deferred initialisation with var and function":
    "job = () => [early(), late]; function early() { return typeof late; } var late = 5;",
  "an immediately invoked module with private state and a reset":
    "const counter = (function () { var count = 0; function change(by) { count += by; } return { up: function () { change(1); return this; }, reset: function () { count = 0; }, value: function () { return count; } }; })(); counter.up().up(); job = () => { counter.up(); const v = counter.value(); counter.reset(); return [v, counter.value()]; };",
  "a generator that keeps its place in an outer variable":
    "let page = 0; const fetchPage = () => (page < 3 ? [page * 2, page++ * 2 + 1] : null); function* all() { for (let p; (p = fetchPage()); ) yield* p; } job = () => [[...all()], page];",
  "comparison of functions, classes and instances that travel":
    "const f = () => 1; class A {} const a = new A(); const reg = { f, A, a, list: [f, A, a] }; job = () => [reg.f === f, reg.list[1] === A, reg.list[2] === a, a.constructor === A, reg.list.indexOf(f)];",
  "an error class with a cause and a code":
    "class AppError extends Error { static codes = new Map(); static define(code, text) { AppError.codes.set(code, text); return (o) => new AppError(code, o); } constructor(code, options) { super(AppError.codes.get(code), options); this.code = code; this.name = 'AppError'; } } const notFound = AppError.define('E404', 'not found'); job = () => { try { try { throw new RangeError('inner'); } catch (cause) { throw notFound({ cause }); } } catch (e) { return [e instanceof AppError, e.code, e.message, e.cause.message, String(e)]; } };",
  "sparse and nested defaults of a config":
    "const defaults = { retries: 3, hooks: { before: [() => 'b'], after: [] } }; const define = (c = {}) => ({ ...defaults, ...c, hooks: { ...defaults.hooks, ...c.hooks } }); const conf = define({ hooks: { after: [(x) => x + 1] } }); job = () => [conf.retries, conf.hooks.before[0](), conf.hooks.after[0](1), define().hooks.after.length];",
  "numbers that count in an array of closures":
    "const counters = Array.from({ length: 3 }, (_, i) => { let n = i; return { up: () => ++n, down: () => --n }; }); counters[0].up(); job = () => counters.map((c) => [c.up(), c.up(), c.down()]);",
  "a closure over a loop variable and one outside":
    "let total = 0; const adds = []; for (const k of [1, 10, 100]) { let own = 0; adds.push(() => { own += k; total += k; return [own, total]; }); } job = () => [adds[2](), adds[2](), adds[0]()];",
  "a late binding through an object of functions":
    "const impl = { step: (x) => x + 1 }; const run = (n) => Array.from({ length: n }).reduce((x) => impl.step(x), 0); const double = () => { impl.step = (x) => (x || 1) * 2; }; double(); job = () => { const a = run(3); impl.step = (x) => x - 1; return [a, run(2)]; };",
  "throwing what is no error":
    "const fail = (what) => { throw what; }; const tried = (f) => { try { return f(); } catch (e) { return typeof e + String(e); } finally { count++; } }; let count = 0; job = () => [tried(() => fail('s')), tried(() => fail(null)), tried(() => fail(undefined)), count];",
  "a finally that overrides":
    "let log = ''; const f = () => { try { log += 't'; return 1; } finally { log += 'f'; if (log.length > 3) return 2; } }; job = () => [f(), f(), log];",
  "comma, void and in":
    "let n = 0; const bump = () => (n++, void 0); const o = { a: 1 }; job = () => [bump(), (bump(), n), 'a' in o, 'b' in o, delete o.a && 'a' in o];",
};
