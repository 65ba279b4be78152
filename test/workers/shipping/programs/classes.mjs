// These are classes, and what became of them after their bodies.
export default {
  "a static set afterwards": "class A {} A.config = { x: 1 }; job = () => A.config;",
  "a static field that was changed": "class A { static base = 1; } A.base = 5; job = () => A.base;",
  "a static field whose initializer would run again":
    "let n = 0; class A { static id = ++n; } job = () => [A.id, n];",
  "a static block that would run again":
    "const log = []; class A { static { log.push('made'); this.x = log.length; } } job = () => [A.x, log];",
  "a static block with a counter":
    "let n = 0; class A { static { n++; } static read() { return n; } } job = () => [A.read(), n];",
  "a static that was deleted":
    "class A { static a = 1; static b() {} } delete A.a; delete A.b; job = () => ['a' in A, 'b' in A];",
  "a method that was deleted": "class A { m() {} } delete A.prototype.m; job = () => typeof new A().m;",
  "a method that was added":
    "class A {} A.prototype.extra = function () { return 7; }; job = () => new A().extra();",
  "a method that was replaced":
    "class A { m() { return 100; } } A.prototype.m = function () { return 119; }; job = () => new A().m();",
  "a method that was wrapped":
    "class A { m(x) { return x + 1; } } const old = A.prototype.m; A.prototype.m = function (x) { return old.call(this, x) * 10; }; job = () => new A().m(2);",
  "a static method that was replaced":
    "class A { static m() { return 1; } } A.m = () => 2; job = () => A.m();",
  "a mixin":
    "const mixin = { hi() { return 'hi ' + this.name; } }; class A { name = 'x'; } Object.assign(A.prototype, mixin); job = () => new A().hi();",
  "a mixin class":
    "const Loud = (B) => class extends B { say() { return super.say().toUpperCase(); } }; class A { say() { return 'a'; } } class C extends Loud(A) {} job = () => [new C().say(), new C() instanceof A];",
  "two mixins of one factory":
    "const Add = (B, k) => class extends B { get() { return super.get() + k; } }; class A { get() { return 1; } } class C extends Add(Add(A, 10), 100) {} job = () => new C().get();",
  "an old decorator":
    "const times = (k) => (target, name, d) => { const m = d.value; d.value = function (...a) { return m.apply(this, a) * k; }; return d; }; class Calc { run(x) { return x * 2; } } Object.defineProperty(Calc.prototype, 'run', times(10)(Calc.prototype, 'run', Object.getOwnPropertyDescriptor(Calc.prototype, 'run'))); job = () => new Calc().run(3);",
  "an old class decorator":
    "const sealed = (C) => { C.sealed = 'decorator'; Object.seal(C); return C; }; let A = class A {}; A = sealed(A) || A; job = () => [A.sealed, Object.isSealed(A)];",
  "a class decorator that replaces it":
    "const named = (C) => class extends C { name() { return 'new ' + super.name(); } }; let A = class { name() { return 'old'; } }; A = named(A); job = () => new A().name();",
  "a decorator that makes a getter":
    "class A { _x = 2; } Object.defineProperty(A.prototype, 'x', { get() { return this._x * 2; }, set(v) { this._x = v; }, configurable: true }); job = () => { const a = new A(); a.x = 5; return a.x; };",
  "a decorator that makes a method enumerable":
    "class A { m() { return 1; } } Object.defineProperty(A.prototype, 'm', { enumerable: true }); job = () => { const keys = []; for (const k in new A()) keys.push(k); return keys; };",
  "initializers in an array":
    "const inits = []; const dec = (f) => { inits.push(f); }; class A { constructor() { for (const f of inits) f.call(this); } } dec(function () { this.a = 1; }); dec(function () { this.b = 2; }); job = () => ({ ...new A() });",
  "metadata in a Map by class":
    "const meta = new Map(); class A {} class B {} meta.set(A, 'a').set(B, 'b'); job = () => [meta.get(A), meta.get(B), meta.get(class {})];",
  "metadata in a WeakMap by class":
    "const meta = new WeakMap(); class A {} meta.set(A, { table: 'as' }); job = () => meta.get(A).table;",
  "a captured instance":
    "class P { constructor(x) { this.x = x; } twice() { return this.x * 2; } } const p = new P(4); job = () => [p.twice(), p instanceof P];",
  "a captured instance of a decorated class":
    "class P { x = 1; get() { return this.x; } } P.prototype.get = function () { return this.x + 100; }; const p = new P(); p.x = 5; job = () => p.get();",
  "an instance with a method of its own":
    "class P { v = 2; m() { return 1; } } const p = new P(); p.m = function () { return this.v; }; job = () => [p.m(), new P().m()];",
  "an instance of a subclass":
    "class A { a = 1; hi() { return 'A' + this.a; } } class B extends A { b = 2; hi() { return super.hi() + this.b; } } const b = new B(); job = () => [b.hi(), b instanceof A, b instanceof B, { ...b }];",
  "instances that know each other":
    "class N { constructor(v) { this.v = v; } } const a = new N(1), b = new N(2); a.next = b; b.next = a; job = () => [a.next.next === a, b.next.v];",
  "a static instance":
    "class S { static instance = new S(); v = 3; static get() { return S.instance; } } job = () => [S.get().v, S.get() instanceof S];",
  "a singleton that was used":
    "class S { static #one; static get() { return (S.#one ??= new S()); } n = 0; } S.get().n = 5; job = () => { S.get().n++; return S.get().n; };",
  "a static private counter":
    "class C { static #n = 0; static next() { return ++C.#n; } } C.next(); C.next(); job = () => [C.next(), C.next()];",
  "a static private method":
    "class C { static #sq(x) { return x * x; } static run(x) { return C.#sq(x); } } job = () => C.run(4);",
  "a static private set that holds the class":
    "class C { static #all = new Set(); static reg() { C.#all.add(C); return C.#all.size; } static has() { return C.#all.has(C); } } C.reg(); job = () => [C.has(), C.reg()];",
  "private fields of what is made there":
    "class C { #v = 1; add(n) { this.#v += n; return this; } get v() { return this.#v; } static is(o) { return #v in o; } } job = () => [new C().add(2).v, C.is(new C()), C.is({})];",
  "private methods and accessors":
    "class C { #a() { return 1; } get #b() { return 2; } set #b(v) { this.c = v; } run() { this.#b = 5; return [this.#a(), this.#b, this.c]; } } job = () => new C().run();",
  "an instance with private fields": [
    "class C { #v = 1; get v() { return this.#v; } } const c = new C(); job = () => c.v;",
    /instance of C, whose #private members \(#v\) cannot be copied/,
  ],
  accessors:
    "class T { c = 0; get f() { return this.c * 9 / 5 + 32; } set f(v) { this.c = (v - 32) * 5 / 9; } static get unit() { return 'C'; } } job = () => { const t = new T(); t.f = 212; return [t.c, t.f, T.unit]; };",
  "an accessor that was replaced":
    "class T { get x() { return 1; } } Object.defineProperty(T.prototype, 'x', { get: () => 2, configurable: true }); job = () => new T().x;",
  "a static accessor with state":
    "let v = 1; class T { static get x() { return v; } static set x(n) { v = n * 2; } } T.x = 4; job = () => { T.x = T.x + 1; return [T.x, v]; };",
  "a computed method":
    "const key = 'go'; class A { [key]() { return 1; } [key + '2']() { return 2; } } job = () => [new A().go(), new A().go2()];",
  "a computed method whose key would change":
    "let n = 0; class A { ['k' + ++n]() { return n; } } job = () => [Object.getOwnPropertyNames(A.prototype), n];",
  "a computed static method":
    "const key = 'make'; class A { static [key]() { return new A(); } } job = () => A.make() instanceof A;",
  "a computed accessor": "const key = 'v'; class A { get [key]() { return 3; } } job = () => new A().v;",
  "a computed symbol":
    "class A { *[Symbol.iterator]() { yield* [1, 2]; } get [Symbol.toStringTag]() { return 'AA'; } static [Symbol.hasInstance](x) { return x === 1; } } job = () => [[...new A()], String(new A()), 1 instanceof A];",
  "a registered symbol as a key":
    "const key = Symbol.for('threadloop.test'); class A { [key]() { return 1; } } job = () => new A()[key]();",
  "a computed literal":
    "class A { ['a-b']() { return 1; } [1]() { return 2; } 'c d'() { return 3; } } job = () => [new A()['a-b'](), new A()[1](), new A()['c d']()];",
  "a field with a computed literal": "class A { ['a-b'] = 1; [2] = 3; } job = () => ({ ...new A() });",
  "a field with a computed key": [
    "const key = 'k'; class A { [key] = 1; } job = () => new A().k;",
    /a field whose name is computed, \[key\]/,
  ],
  "a generator method":
    "class A { *ids() { yield 1; yield 2; } async *later() { yield 3; } async one() { return 4; } } job = async () => { const out = [...new A().ids()]; for await (const x of new A().later()) out.push(x); return [...out, await new A().one()]; };",
  "util.inherits":
    "function Base() { this.b = 1; } Base.prototype.hello = function () { return 'hello ' + this.b; }; function Sub() { Base.call(this); } util.inherits(Sub, Base); Sub.prototype.bye = function () { return 'bye'; }; job = () => { const s = new Sub(); return [s.hello(), s.bye(), s instanceof Base, s instanceof Sub, Sub.super_ === Base]; };",
  "Object.create as a prototype":
    "function Base() {} Base.prototype.hi = function () { return 'hi'; }; function Sub() {} Sub.prototype = Object.create(Base.prototype); Sub.prototype.constructor = Sub; job = () => [new Sub().hi(), new Sub() instanceof Base, new Sub().constructor === Sub];",
  "Object.create with a constructor":
    "function Base() {} Base.prototype.hi = function () { return 'hi'; }; function Sub() {} Sub.prototype = Object.create(Base.prototype, { constructor: { value: Sub, writable: true, configurable: true } }); job = () => [new Sub().hi(), new Sub() instanceof Base];",
  "Object.create without a constructor":
    "function Base() {} Base.prototype.hi = function () { return 'hi'; }; function Sub() {} Sub.prototype = Object.create(Base.prototype); job = () => [new Sub().hi(), new Sub() instanceof Sub, new Sub().constructor === Base];",
  "Object.setPrototypeOf of a prototype":
    "function Base() {} Base.prototype.hi = function () { return 'hi'; }; function Sub() {} Object.setPrototypeOf(Sub.prototype, Base.prototype); job = () => [new Sub().hi(), new Sub() instanceof Base];",
  "Object.setPrototypeOf of a class":
    "class A { static s() { return 's'; } m() { return 'm'; } } class B {} Object.setPrototypeOf(B, A); Object.setPrototypeOf(B.prototype, A.prototype); job = () => [B.s(), new B().m(), new B() instanceof A];",
  "only the constructor inherits":
    "class A { static s() { return 's'; } m() {} } class B {} Object.setPrototypeOf(B, A); job = () => [B.s(), typeof new B().m, new B() instanceof A];",
  "another parent than that of the text":
    "class A { m() { return 'a'; } } class C { m() { return 'c'; } } class B extends A { m() { return super.m() + 'b'; } } Object.setPrototypeOf(B.prototype, C.prototype); job = () => [new B().m(), new B() instanceof C];",
  "a prototype that is a literal":
    "function F(v) { this.v = v; } F.prototype = { get() { return this.v; }, kind: 'f' }; job = () => [new F(3).get(), new F(1).kind, new F(1) instanceof F];",
  "a literal with a constructor":
    "function F(v) { this.v = v; } F.prototype = { constructor: F, get() { return this.v; } }; job = () => [new F(3).get(), new F(1).constructor === F, Object.keys(F.prototype)];",
  "an instance of an old class":
    "function F(v) { this.v = v; } F.prototype.get = function () { return this.v; }; const f = new F(9); job = () => [f.get(), f instanceof F, new F(1).get()];",
  "an instance of an old subclass":
    "function A() { this.a = 1; } A.prototype.toString = function () { return 'A' + this.a; }; function B() { A.call(this); } util.inherits(B, A); const b = new B(); job = () => [String(b), b instanceof A, b instanceof B];",
  "a getter on an old prototype":
    "function F() { this.v = 2; } Object.defineProperty(F.prototype, 'twice', { get() { return this.v * 2; } }); const f = new F(); job = () => [f.twice, Object.keys(f)];",
  "statics of an old class":
    "function F() {} F.config = { a: 1 }; F.make = function () { return new F(); }; job = () => [F.config, F.make() instanceof F];",
  "a static that is not enumerable":
    "function F() {} Object.defineProperty(F, 'hidden', { value: 1 }); job = () => [F.hidden, Object.keys(F)];",
  "Object.create of an object":
    "const proto = { hi() { return 'hi ' + this.n; } }; const o = Object.create(proto, { n: { value: 5, enumerable: true } }); job = () => [o.hi(), Object.keys(o), Object.getPrototypeOf(o) === proto];",
  "a chain of objects":
    "const a = { x: 1 }; const b = Object.create(a); b.y = 2; const c = Object.create(b); job = () => { a.x = 7; return [c.x, c.y, Object.keys(c)]; };",
  "an object of a prototype":
    "class A { m() { return 1; } } const o = Object.create(A.prototype); job = () => [o.m(), o instanceof A];",
  "a captured prototype":
    "class A { m() { return 1; } } const proto = A.prototype; job = () => [proto === A.prototype, proto.m.call(null), Object.getPrototypeOf(new A()) === proto];",
  "new.target":
    "class A { constructor() { this.t = new.target.name; } } class B extends A {} function F() { return new.target === undefined; } job = () => [new A().t, new B().t, F()];",
  "an abstract class":
    "class Shape { constructor() { if (new.target === Shape) throw new TypeError('abstract'); } area() { throw new Error('no area'); } } class Sq extends Shape { constructor(s) { super(); this.s = s; } area() { return this.s ** 2; } } job = () => { try { new Shape(); } catch (e) { return [e.message, new Sq(3).area()]; } };",
  "a class that extends Error":
    "class E extends Error { constructor(m, code) { super(m); this.code = code; } get name() { return 'E'; } } job = () => { try { throw new E('x', 3); } catch (e) { return [e instanceof E, e instanceof Error, e.message, e.code, e.name]; } };",
  "a captured error of a class":
    "class E extends Error { constructor(m) { super(m); this.code = 7; } is() { return this.code; } } const e = new E('x'); job = () => [e.is(), e instanceof E, e.message];",
  "a class that extends Array":
    "class L extends Array { last() { return this.at(-1); } } const l = L.from([1, 2, 3]); job = () => [l.last(), l.length, l instanceof L, l.map((x) => x * 2) instanceof L];",
  "a class that extends Map":
    "class D extends Map { get(k) { return super.get(k) ?? 'none'; } } const d = new D([['a', 1]]); job = () => [d.get('a'), d.get('b'), d.size];",
  "a class that extends a function":
    "class Callable extends Function { constructor() { super('return 1'); } } job = () => new Callable()();",
  "a class that extends null":
    "class N extends null { static s() { return 1; } } job = () => [N.s(), Object.getPrototypeOf(N.prototype)];",
  "a class expression with a name":
    "const A = class Inner { static who() { return Inner.name; } }; job = () => [A.who(), A.name];",
  "an anonymous class": "const A = class {}; job = () => A.name;",
  "a static called name":
    "class A { static name = 'other'; } class B { static name() { return 'fn'; } } job = () => [A.name, B.name()];",
  "a renamed class": "class A {} Object.defineProperty(A, 'name', { value: 'Z' }); job = () => A.name;",
  "a class in an object": "const api = { V: class { v() { return 1; } } }; job = () => new api.V().v();",
  "a frozen class":
    "'use strict'; class A { static x = 1; } Object.freeze(A); job = () => { 'use strict'; try { A.x = 2; } catch (e) { return [A.x, e.name]; } return A.x; };",
  "a class whose methods share a variable":
    "const make = () => { let n = 0; return class { up() { return ++n; } static n() { return n; } }; }; const A = make(); job = () => { new A().up(); new A().up(); return A.n(); };",
  "fields that use a captured variable":
    "let base = 10; class A { x = base; y = this.x + 1; } base = 20; job = () => ({ ...new A() });",
  "an arrow in a field":
    "class B { n = 1; inc = () => ++this.n; } job = () => { const b = new B(); const { inc } = b; inc(); return b.n; };",
  "an arrow in a field of a captured instance":
    "class B { n = 1; inc = () => ++this.n; } const b = new B(); job = () => { const { inc } = b; inc(); return b.n; };",
  "an arrow in a field of a subclass":
    "class A { n = 1; inc = () => ++this.n; } class B extends A { m = 5; } const b = new B(); job = () => { b.inc(); return [b.n, b.m]; };",
  "arrows of two instances":
    "class B { n = 1; inc = () => ++this.n; } const a = new B(), b = new B(); job = () => { a.inc(); a.inc(); b.inc(); return [a.n, b.n]; };",
  "toString and toJSON":
    "class M { constructor(c) { this.c = c; } toString() { return '$' + this.c; } toJSON() { return { c: this.c }; } } const m = new M(5); job = () => [`${m}`, JSON.stringify([m])];",
  "Symbol.species and statics of Array":
    "class L extends Array { static get [Symbol.species]() { return Array; } } job = () => [L.of(1) instanceof L, L.of(1).map((x) => x) instanceof L];",
  "a static property whose value is a function that was written there":
    "class A { static f = () => 1; static g = function () { return this === A; }; } job = () => [A.f(), A.g()];",
  "an enum of TypeScript":
    "var E; (function (E) { E[E['A'] = 0] = 'A'; E[E['B'] = 1] = 'B'; })(E || (E = {})); job = () => [E.A, E[1]];",
  "a namespace of TypeScript":
    "class C { m() { return C.helper(2); } } (function (C) { C.helper = (x) => x * 3; })(C || (C = {})); job = () => new C().m();",
  "comments in a class":
    "class /* a */ A /* b */ { /* static x = 1 */ static /* c */ m /* d */ () { return 1; } // static { }\n n() { return 'static { }'; } } job = () => [A.m(), new A().n(), A.x];",
  "a class with strings that look like members":
    "class A { m() { return 'class { static x = 1; #y }'; } static s = '}'; n() { return /[{}]/.test('{'); } } job = () => [new A().m(), A.s, new A().n()];",
  "a method that uses super alone": [
    "class A { m() { return 1; } } class B extends A { m() { return super.m(); } } const { m } = B.prototype; job = () => m();",
    /uses super/,
  ],
  "an actor class with statics":
    "class A { static made = 0; constructor() { A.made++; } n() { return A.made; } } new A(); job = () => new A().n();",
  "a prototype that was sealed or frozen":
    "class A { m() { return 1; } } class B { m() { return 2; } } function C() {} Object.seal(A.prototype); Object.freeze(B.prototype); Object.preventExtensions(C.prototype); job = () => [A, B, C].map((X) => [Object.isSealed(X.prototype), Object.isFrozen(X.prototype), Object.isExtensible(X.prototype)]);",
  "a prototype that was replaced, with its constructor":
    "function A() {} A.prototype = { constructor: A, m() { return 'm'; } }; const a = new A(); job = () => [a instanceof A, a.m(), new A().m()];",
  "a prototype made of another, with its constructor assigned":
    "function A() {} A.prototype.hi = () => 'hi'; function B() {} B.prototype = Object.create(A.prototype); B.prototype.constructor = B; B.prototype.yo = () => 'yo'; const b = new B(); job = () => [b.hi(), b.yo(), b instanceof B, b instanceof A, new B().yo()];",
  "anonymous classes of a mixin":
    "const Mix = (B) => class extends B { who() { return this.constructor.name; } }; const X = Mix(Object); job = () => [X.name, new X().who()];",
  "a bound class":
    "class P { constructor(...a) { this.a = a; } } const B = P.bind(null, 1); job = () => { const b = new B(2); return [b.a, b instanceof P, B.name]; };",
};
