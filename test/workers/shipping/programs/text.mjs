// These programs show that what a source says is read as code: strings, comments, modes, `this`.
export default {
  "a spread of a namespace":
    "const limits = Object.assign(Object.create(null, { [Symbol.toStringTag]: { value: 'Module' } }), { low: 1, high: 2 }); job = () => ({ ...limits });",
  "a spread and a property":
    "const ns = { __esModule: true, low: 1, high: 2 }; job = () => [ns.low, Object.keys({ ...ns })];",
  "a spread of arguments":
    "const ns = { __esModule: true, list: [1, 2] }; job = () => Math.max(...ns.list, ...Object.values({ ...ns }).flat().filter(Number.isInteger));",
  "an object with a default getter":
    "let n = 0; const o = { get default() { return ++n; } }; job = () => [o.default, o.default];",
  "what a bundler makes of the exports of a file, of which one stays here":
    "const file = {}; const stream = new (process.getBuiltinModule('node:stream').PassThrough)(); let by = 2; const add = (n) => n + by; Object.defineProperty(file, 'stream', { enumerable: true, get: function () { return stream; } }); Object.defineProperty(file, 'add', { enumerable: true, get: function () { return add; } }); job = () => file.add(3);",
  "an object with getters only":
    "let n = 0; const o = { get next() { return ++n; } }; job = () => [o.next, o.next, n];",
  "a namespace that is assigned to":
    "const ns = { __esModule: true, count: 0, other: 5 }; const inc = () => { ns.count++; }; job = () => { inc(); inc(); return ns.count; };",
  "a namespace that is named in a string":
    "const ns = { __esModule: true, a: 1, b: 2 }; job = () => 'ns is ' + ns.a + `and ns` /* ns */;",
  "a namespace behind a comment":
    "const ns = { __esModule: true, a: 1, b: () => 2 }; job = () => ns/* a */.b();",
  "a namespace by index":
    "const ns = { __esModule: true, a: 1, b: 2 }; job = () => ['a', 'b'].map((k) => ns[k]);",
  "a namespace that is destructured":
    "const ns = { __esModule: true, a: 1, b: 2 }; job = () => { const { a, ...rest } = ns; return [a, rest.b]; };",
  "a namespace with optional chaining":
    "const ns = { __esModule: true, a: { b: 1 } }; job = () => [ns?.a?.b, ns.c?.d];",
  "typeof of a namespace": "const ns = { __esModule: true, a: 1 }; job = () => [typeof ns, ns.a];",
  "a property called like a namespace":
    "const ns = { __esModule: true, a: 1 }; job = () => ({ ns: 2 }).ns + ns.a;",
  "strings that assign":
    "let n = 1; const f = () => 'n = 2; n++' + `n = ${n}` + /n = 3/.source; job = () => [f(), n];",
  "super in a comment":
    "const o = { m() { /* super(1) super.x */ return 1; } }; const { m } = o; job = () => m();",
  "super in a string":
    "const o = { m() { return 'super(1)' + `super.x` + /super./.source; } }; const { m } = o; job = () => m();",
  "super in a class inside":
    "class A { v() { return 1; } } const o = { m() { class B extends A { v() { return super.v() + 1; } } return new B().v(); } }; const { m } = o; job = () => m();",
  "super in an object inside":
    "const o = { m() { return { __proto__: { v: () => 1 }, v() { return super.v() + 1; } }.v(); } }; const { m } = o; job = () => m();",
  "super of the object around": [
    "const o = { __proto__: { v: () => 1 }, v() { return super.v(); } }; const { v } = o; job = () => v();",
    /uses super/,
  ],
  "new.target in a function": "function F() { return [new.target === F]; } job = () => [new F()[0], F()[0]];",
  "new.target of the function around": [
    "function F() { this.f = () => new.target; } const { f } = new F(); job = () => typeof f();",
    /uses new.target/,
  ],
  "this of an arrow at the top": "job = () => (this ? 'has' : 'none');",
  "typeof this of an arrow": "job = () => [typeof this, this === undefined];",
  "this of an arrow in a method": "const o = { n: 3, make() { return () => this.n; } }; job = o.make();",
  "this of an arrow, asked about":
    "const o = { n: 3, make() { return () => (this ? typeof this : 'none'); } }; job = o.make();",
  "this of an async arrow": "const o = { n: 3, make() { return async () => this.n; } }; job = o.make();",
  "this of an arrow in an arrow":
    "const o = { n: 3, make() { return () => [1].map(() => this.n); } }; job = o.make();",
  "this of an arrow that changes it":
    "class C { n = 1; job() { return () => { this.n++; return this.n; }; } } job = new C().job();",
  "this of an arrow that is a primitive":
    "'use strict'; function make() { 'use strict'; return () => typeof this; } job = make.call(5);",
  "this of an arrow and the object":
    "const o = { make() { return () => this; } }; const f = o.make(); job = () => f() === o;",
  "this in a string of an arrow": "job = () => 'this';",
  "this of functions in an arrow":
    "job = () => { const o = { n: 1, f() { return this.n; } }; return o.f(); };",
  "this of a class in an arrow": "job = () => { class A { n = 1; m = () => this.n; } return new A().m(); };",
  "this of a method": "const o = { n: 1, m() { return this.n; } }; job = () => o.m();",
  "the mode of an arrow": "job = () => { function who() { return typeof this; } return who(); };",
  "the mode of an async arrow":
    "const frozen = Object.freeze({ a: 1 }); job = async () => { frozen.a = 2; return frozen.a; };",
  "the mode of a method":
    "const o = { m() { return (function () { return typeof this; })(); } }; job = () => o.m();",
  "the mode of a generator":
    "function* g() { yield (function () { return typeof this; })(); } job = () => [...g()];",
  "the mode of an async function":
    "async function f() { return (function () { return typeof this; })(); } job = () => f();",
  "the mode of a getter":
    "const o = { get m() { return (function () { return typeof this; })(); } }; job = () => o.m;",
  "the mode of a class method":
    "class A { m() { return (function () { return typeof this; })(); } } job = () => new A().m();",
  "the mode of an arrow in a class":
    "class A { make() { return () => (function () { return typeof this; })(); } } job = new A().make();",
  "the mode of an arrow in a strict function":
    "function make() { 'use strict'; return () => (function () { return typeof this; })(); } job = make();",
  "the mode of a strict arrow":
    "job = () => { 'use strict'; return (function () { return typeof this; })(); };",
  "a directive in a string":
    "const note = 'use strict'; job = () => (function () { return typeof this; })() + note;",
  "a write to a frozen object": "const o = Object.freeze({ a: 1 }); job = () => { o.a = 2; return o.a; };",
  "an undeclared assignment":
    "job = () => { try { undeclared$1 = 1; } catch (e) { return e.name; } const r = typeof undeclared$1; delete globalThis.undeclared$1; return r; };",
  "aliased arguments": "const o = { m(a) { arguments[0] = 9; return a; } }; job = () => o.m(1);",
  "a function in a block": "job = () => { { function f() { return 1; } } return typeof f; };",
  "delete of what is fixed":
    "const o = Object.freeze({ a: 1 }); job = () => { try { return delete o.a; } catch (e) { return e.name; } };",
  with: "job = () => { try { return new Function('o', 'with (o) { return a; }')({ a: 1 }); } catch (e) { return e.name; } };",
  "a computed key of a method":
    "const k = 'go'; const o = { [k + '!']() { return 1; } }; const m = o['go!']; job = () => m();",
  "a computed key with brackets":
    "const o = { ['a[0]'.replace(']', '')](x) { return x; } }; const m = Object.values(o)[0]; job = () => m(4);",
  "a getter called as a function":
    "const { get } = Object.getOwnPropertyDescriptor({ get v() { return 7; } }, 'v'); job = () => get();",
  "methods called like keywords":
    "const o = { get() { return 1; }, set() { return 2; }, async() { return 3; }, static() { return 4; }, function() { return 5; } }; const { get, set, async: a, static: s, function: f } = o; job = () => [get(), set(), a(), s(), f()];",
  "a method with a string for its name":
    "const o = { 'a b'(x) { return x * 2; }, 12() { return 3; } }; const m = o['a b'], n = o[12]; job = () => [m(2), n()];",
  "an arrow without parentheses": "const f = x => x + 1; job = () => f(1);",
  "an async arrow without parentheses": "const f = async x => x + 1; job = () => f(1);",
  "an arrow that gives an object": "const f = () => ({ a: 1 }); job = () => f();",
  "comments before the parameters":
    "const f = /* a */ async /* b */ (/* ( */ x /* ) */) => x; const g = function /* ( */ name /* { */ (y) { return y; }; job = async () => [await f(1), g(2)];",
  "templates in templates": "const n = 2; job = () => `a${`b${n}` + '}'}c`;",
  "a regular expression with a quote":
    "const f = (s) => s.replace(/['\"`]/g, '').split(/\\//); job = () => f(\"a'b/c\");",
  "division and regular expressions": "const a = 8, g = 2; job = () => a / g / 2 + '/g'.length;",
  "names of a label":
    "const outer = 5; job = () => { outer: for (let i = 0; ; i++) { if (i > 2) break outer; } return outer; };",
  "a name that is only a property": "const size = 3; job = () => ({ size: 1 }).size + [].length;",
  "a shorthand property": "const size = 3; job = () => ({ size });",
  "a shadowed parameter": "const n = 3; job = (n = 4) => n;",
  "a default parameter that uses a captured one": "const n = 3; job = (m = n * 2) => m;",
  "a destructured default": "const n = 3; job = ({ a = n, b: { c = n + 1 } = {} } = {}) => [a, c];",
  "eval of an expression": "const n = 3; job = () => eval('n + 1');",
  "new Function": "job = () => new Function('a', 'return a * 2')(4);",
  "exponents, optional calls and numeric separators": "const f = null; job = () => [2 ** 3, f?.(1), 1_000];",
  "async iteration":
    "async function* g() { yield 1; yield 2; } job = async () => { let s = 0; for await (const x of g()) s += x; return s; };",
  "a tagged template that keeps its strings":
    "const seen = new Set(); const tag = (s) => { seen.add(s); return s.raw[0]; }; job = () => { const f = () => tag`a\\n`; return [f(), f(), seen.size]; };",
  "unicode names": "const größe = 3, 数 = 4; job = () => größe + 数;",
  "escapes in names": "const \\u{61}b = 1; job = () => ab;",
  "arguments of the job": "args = [2, { a: 3 }]; job = (x, { a }) => x * a;",
  "the rest of the arguments": "args = [1, 2, 3]; job = (...all) => all.length;",
  "arguments in a function": "args = [1, 2, 3]; job = function () { return arguments.length; };",
};
