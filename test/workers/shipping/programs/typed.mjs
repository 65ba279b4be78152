// These are programs in TypeScript, with what is more than types: `both` as they are with either kind of decorators,
// the others with the decorators of the language, or with those of `experimentalDecorators`.
const both = {
  "an enum": "enum Color { Red, Green = 5, Blue } job = () => [Color.Blue, Color[5], Object.keys(Color)];",
  "an enum of strings":
    "enum Dir { Up = 'UP', Down = 'DOWN' } const flip = (d: Dir): Dir => (d === Dir.Up ? Dir.Down : Dir.Up); job = () => flip(Dir.Up);",
  "an enum with a computed member":
    "enum Flag { A = 1 << 0, B = 1 << 1, AB = A | B, Len = 'abc'.length } job = () => [Flag.AB, Flag.Len];",
  "an enum that was merged": "enum E { A = 1 } enum E { B = 2 } job = () => [E.A, E.B, E[2]];",
  "a constant enum": "const enum K { One = 1, Two } job = () => [K.One, K.Two];",
  "a namespace with state":
    "namespace Counter { let n = 0; export const next = () => ++n; export const peek = () => n; export namespace Inner { export const ten = () => 10 * n; } } Counter.next(); job = () => [Counter.next(), Counter.peek(), Counter.Inner.ten()];",
  "a namespace merged with a class":
    "class Box { constructor(readonly v: number) {} twice() { return Box.scale(this.v); } } namespace Box { export let by = 2; export const scale = (n: number) => n * by; } Box.by = 5; job = () => new Box(3).twice();",
  "a namespace merged with a function":
    "function greet(n: string) { return greet.prefix + n; } namespace greet { export let prefix = 'hi '; } greet.prefix = 'yo '; job = () => greet('x');",
  "parameter properties":
    "class P { constructor(public readonly x: number, private y = 2, protected z?: string) {} sum() { return this.x + this.y; } } const p = new P(1); job = () => [p.sum(), new P(5, 6).sum(), Object.keys(p), p instanceof P];",
  "parameter properties of a subclass":
    "class A { constructor(protected a: number) {} } class B extends A { n = this.a + 1; constructor(a: number, public b: string) { super(a * 2); } } job = () => ({ ...new B(3, 'x') });",
  "generics, overloads and abstract classes":
    "abstract class Shape<T extends string> { constructor(readonly kind: T) {} abstract area(): number; describe(): string; describe(unit: string): string; describe(unit = 'm') { return `${this.kind} ${this.area()}${unit}`; } } class Sq extends Shape<'sq'> { constructor(private s: number) { super('sq'); } area() { return this.s ** 2; } } const s: Shape<string> = new Sq(3); job = () => [s.describe(), s.describe('cm')];",
  "satisfies, as and non-null":
    "const table = { a: (n: number) => n + 1, b: (n: number) => n * 2 } satisfies Record<string, (n: number) => number>; const pick = (k: string) => table[k as keyof typeof table]!; job = () => [pick('a')(1), (pick as any)('b')(4)];",
  "private fields of both kinds":
    "class Acc { #secret = 1; private shown = 2; declare later: number; static #made = 0; static make() { Acc.#made++; return new Acc(); } total() { return this.#secret + this.shown + Acc.#made; } } job = () => [Acc.make().total(), 'later' in Acc.make()];",
  "an async generator with types":
    "async function* range(n: number): AsyncGenerator<number, void> { for (let i = 0; i < n; i++) yield i; } job = async (): Promise<number[]> => { const out: number[] = []; for await (const x of range(3)) out.push(x); return out; };",
  "accessors with the keyword":
    "class A { accessor n = 1; static accessor s = 'x'; } A.s = 'y'; job = () => { const a = new A(); a.n++; return [a.n, A.s]; };",
  using:
    "const log: string[] = []; const open = (n: string) => ({ n, [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() { log.push('closed ' + n); } }); job = () => { { using a = open('a'); using b = open('b'); log.push(a.n + b.n); } return log; };",
  "a mixin with types":
    "type Ctor<T = object> = new (...a: any[]) => T; const Stamped = <B extends Ctor>(Base: B) => class extends Base { at = 5; }; class User { constructor(public name: string) {} } const StampedUser = Stamped(User); const u = new StampedUser('n'); job = () => [{ ...u }, new StampedUser('m').name, u instanceof User];",
  "an object of functions with this":
    "const counter = { n: 0, up(this: { n: number }, by = 1) { this.n += by; return this; } }; job = () => counter.up().up(3).n;",
};

const modern = {
  "a decorator of a method":
    "const times = (k: number) => <T extends (...a: any[]) => number>(m: T, _: ClassMethodDecoratorContext) => function (this: any, ...a: any[]) { return m.apply(this, a) * k; } as unknown as T; class Calc { @times(10) run(x: number) { return x * 2; } } job = () => new Calc().run(3);",
  "a decorator of a class that adds statics":
    "const registry: string[] = []; const named = (n: string) => (C: any, c: ClassDecoratorContext) => { registry.push(String(c.name)); C.title = n; }; @named('it') class A { m() { return 1; } } job = () => [(A as any).title, registry, new A().m()];",
  "a decorator of a class that replaces it":
    "const loud = (C: any, _: ClassDecoratorContext): any => class extends C { say() { return super.say().toUpperCase(); } }; @loud class A { say() { return 'a'; } } const a = new A(); job = () => [a.say(), new A().say(), a instanceof A];",
  "a decorator of a field":
    "const doubled = (_: undefined, __: ClassFieldDecoratorContext) => (v: number) => v * 2; class A { @doubled n = 4; plain = 1; } job = () => ({ ...new A() });",
  "a decorator with an initializer":
    "const bound = (m: any, c: ClassMethodDecoratorContext) => { c.addInitializer(function (this: any) { this[c.name] = this[c.name].bind(this); }); }; class A { n = 7; @bound get() { return this.n; } } job = () => { const { get } = new A(); return get(); };",
  "a decorator of a getter":
    "const plus = (g: any, _: ClassGetterDecoratorContext) => function (this: any) { return g.call(this) + 1; }; class A { v = 1; @plus get n() { return this.v; } } job = () => new A().n;",
};

const legacy = {
  "an old decorator of a method":
    "function times(k: number) { return (_t: any, _n: string, d: PropertyDescriptor) => { const m = d.value; d.value = function (...a: any[]) { return m.apply(this, a) * k; }; }; } class Calc { @times(10) run(x: number) { return x * 2; } } const c = new Calc(); job = () => [c.run(3), new Calc().run(1)];",
  "an old decorator of a class":
    "function sealed(C: Function) { (C as any).sealed = 'yes'; Object.seal(C.prototype); } @sealed class A { m() { return 1; } } job = () => [(A as any).sealed, Object.isSealed(A.prototype)];",
  "an old decorator that replaces a class":
    "function counted<T extends new (...a: any[]) => object>(C: T) { return class extends C { made = true; }; } @counted class A { v = 1; } const a = new A(); job = () => [{ ...a }, { ...new A() }, a instanceof A];",
  "old decorators of properties with metadata":
    "const columns = new Map<Function, string[]>(); const column = (t: object, n: string) => { const list = columns.get(t.constructor) ?? []; columns.set(t.constructor, [...list, n]); }; class User { @column id = 1; @column name = 'x'; other = 0; } const row = (o: object) => Object.fromEntries((columns.get(o.constructor) ?? []).map((c) => [c, (o as any)[c]])); const u = new User(); job = () => [row(u), row(new User())];",
  "old decorators of parameters":
    "const injected: [string, number][] = []; const inject = (name: string) => (_t: any, _k: any, i: number) => { injected.push([name, i]); }; class S { constructor(@inject('db') public db: string, @inject('log') public log: string) {} } job = () => [injected, new S('a', 'b').db];",
  "an old decorator of a getter":
    "const memo = (_t: any, n: string, d: PropertyDescriptor) => { const g = d.get!; d.get = function () { const v = g.call(this); Object.defineProperty(this, n, { value: v }); return v; }; }; let runs = 0; class A { @memo get v() { return ++runs; } } job = () => { const a = new A(); return [a.v, a.v, runs]; };",
};

export default { both, modern, legacy };
