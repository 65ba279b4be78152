import {
  asCompleted,
  ContextVar,
  createTask,
  EventLoop,
  gather,
  getRunningLoop,
  newEventLoop,
  openConnection,
  Runner,
  run,
  StreamReader,
  sleep,
  startServer,
  taskGroup,
  wait,
} from "threadloop";
import { VirtualClock } from "threadloop/testing";
import { describe, expect, it } from "vitest";

/** Options with whatever name. */
// biome-ignore lint/suspicious/noExplicitAny: what no type allows is what is tried
const wrong = (options: object): any => options;
const nobody = async () => {};

describe("an option that is misspelt", () => {
  const takers: [string, (options: object) => unknown, string, string][] = [
    ["createTask", (o) => run(async () => createTask(nobody, wrong(o))), "nmae", "name"],
    ["createTask", (o) => run(async () => getRunningLoop().createTask(nobody, wrong(o))), "Name", "name"],
    ["createTask", (o) => run(() => taskGroup((g) => g.start(nobody, wrong(o)))), "contxt", "context"],
    ["run", (o) => run(nobody, wrong(o)), "debgu", "debug"],
    ["Runner", (o) => new Runner(wrong(o)), "loopfactory", "loopFactory"],
    ["Runner.run", (o) => new Runner().run(nobody, wrong(o)), "contex", "context"],
    ["EventLoop", (o) => new EventLoop(wrong(o)), "clcok", "clock"],
    ["EventLoop", (o) => newEventLoop(wrong(o)), "clocks", "clock"],
    ["gather", (o) => run(() => gather([nobody], wrong(o))), "returnexceptions", "returnExceptions"],
    ["wait", (o) => run(async () => wait([createTask(nobody)], wrong(o))), "return_when", "returnWhen"],
    ["asCompleted", (o) => run(async () => asCompleted([nobody], wrong(o))), "timeOut", "timeout"],
    ["ContextVar", (o) => new ContextVar("x", wrong(o)), "defalut", "default"],
    ["VirtualClock", (o) => new VirtualClock(wrong(o)), "onDeadLock", "onDeadlock"],
    ["StreamReader", (o) => new StreamReader(wrong(o)), "limits", "limit"],
    ["startServer", (o) => run(() => startServer(nobody, wrong({ port: 0, ...o }))), "limt", "limit"],
    ["openConnection", (o) => run(() => openConnection(wrong({ port: 1, ...o }))), "tlss", "tls"],
    ["getaddrinfo", (o) => run(() => getRunningLoop().getaddrinfo("::1", 1, wrong(o))), "famly", "family"],
  ];

  it.each(takers)("is refused by %s, with the name that was meant", async (taker, take, name, meant) => {
    const message = `Option \`${name}\` is unknown to ${taker}: did you mean \`${meant}\`?`;
    const failure = await (async () => take({ [name]: undefined }))().catch((error: unknown) => error);
    const [first = failure] = (failure as { errors?: unknown[] }).errors ?? [];
    expect(first).toBeInstanceOf(TypeError);
    expect((first as Error).message).toBe(message);
  });

  it("that resembles none is told with those there are", () => {
    expect(() => new EventLoop(wrong({ speed: 1 }))).toThrow(
      "Option `speed` is unknown to EventLoop: its options are clock",
    );
  });

  it("is shown without what a terminal would obey", () => {
    expect(() => new EventLoop(wrong({ "\x1b[2J": 1 }))).toThrow("Option `\\x1b[2J` is unknown");
  });
});

describe("an options object", () => {
  it("may be frozen, without a prototype, inherit what it likes and have symbols", async () => {
    class Mine {
      name = "mine";
      help() {}
    }
    const bare = Object.assign(Object.create(null), { name: "bare", [Symbol("mark")]: 1 });
    const inheriting = Object.assign(Object.create({ colour: "red" }), { name: "heir" });
    await run(async () => {
      const tasks = [Object.freeze(bare), new Mine(), inheriting].map((o) => createTask(nobody, wrong(o)));
      expect(tasks.map((task) => task.name)).toEqual(["bare", "mine", "heir"]);
      await gather(...tasks);
    });
  });

  it.each([null, 5, Symbol("options"), "debug"])("must be one: not %s", async (options) => {
    await expect(run(nobody, options as never)).rejects.toThrow("Expected `options` to be an object, got");
  });

  it("that throws when it is looked at throws to the caller, and nothing was begun", async () => {
    const trap = new Proxy(
      {},
      {
        ownKeys() {
          throw new RangeError("trap");
        },
      },
    );
    await run(async () => {
      let ran = false;
      const work = async () => {
        ran = true;
      };
      expect(() => createTask(work, trap)).toThrow(RangeError);
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      expect(() => createTask(work, proxy)).toThrow(TypeError);
      await sleep(0);
      expect(ran).toBe(false);
    });
  });

  it("may have more names where the program makes its tasks itself", async () => {
    await run(async () => {
      const loop = getRunningLoop();
      const seen: unknown[] = [];
      const { Task } = await import("threadloop");
      loop.setTaskFactory((on, startable, options) => {
        seen.push((options as { colour?: string }).colour);
        return new Task(on as never, startable, options);
      });
      await createTask(nobody, wrong({ colour: "red" }));
      expect(seen).toEqual(["red"]);
    });
  });
});
