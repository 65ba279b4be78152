// These tests are about what Node calls and not the loop: handlers of servers and emitters, and timers. They run in the
// task that registered them.
import { EventEmitter, once } from "node:events";
import { createServer, get, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createSocketServer } from "node:net";
import { text } from "node:stream/consumers";
import {
  asTask,
  CancelledError,
  ContextVar,
  createTask,
  currentTask,
  Event,
  getRunningLoop,
  moveOnAfter,
  Queue,
  run,
  sleep,
  type Task,
  taskGroup,
  timeout,
  waitFor,
  wrapPromise,
} from "threadloop";
import { describe, expect, it } from "vitest";
import { reportsOf } from "../../support/recorder.ts";
import { failureOf } from "../../support/virtual.ts";

const boom = new Error("boom");

/** Runs a body with a server of node:http that was started in its task, and a function that asks it. */
function serving<T>(
  listener: RequestListener,
  body: (ask: (path: string) => Promise<string>, server: Server) => Promise<T>,
): Promise<T> {
  return run(async () => {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const ask = async (path: string) => {
      const [response] = (await once(get({ port, path, agent: false }), "response")) as [IncomingMessage];
      return `${response.statusCode} ${await text(response)}`;
    };
    try {
      return await body(ask, server);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
}

/** A listener that answers with what the work gives, or 504 and the name of its error. */
function answering(work: (path: string) => PromiseLike<unknown>): RequestListener {
  return async (request, response) => {
    try {
      response.end(String(await work(request.url!)));
    } catch (error) {
      response.statusCode = 504;
      response.end((error as Error).name);
    }
  };
}

const limits: [string, (limit: number, body: () => PromiseLike<unknown>) => PromiseLike<unknown>, string][] =
  [
    ["timeout", (limit, body) => timeout(limit, body), "504 TimeoutError"],
    ["moveOnAfter", (limit, body) => moveOnAfter(limit, body), "200 undefined"],
    ["waitFor", (limit, body) => waitFor(body, limit), "504 TimeoutError"],
    [
      "a group whose child fails",
      (limit, body) =>
        taskGroup(async (group) => {
          group.createTask(async () => {
            await sleep(limit);
            throw boom;
          });
          return await body();
        }),
      "504 ExceptionGroup",
    ],
    [
      "a group that is cancelled",
      (limit, body) =>
        taskGroup(async (group) => {
          const timer = getRunningLoop().callLater(limit, () => group.cancel());
          const value = await body();
          timer.cancel();
          return value;
        }),
      "200 undefined",
    ],
  ];

describe("A plain handler of node:http", () => {
  it.each(limits)(
    "that is ended by %s ends alone: other requests and main go on",
    async (_, limit, ended) => {
      const go = new Event();
      const listener = answering((path) =>
        path === "/slow" ? limit(10, () => sleep(1e9)) : timeout(1e9, () => go.wait().then(() => "ok")),
      );
      await serving(listener, async (ask) => {
        const stopped = new Event();
        const fast = ask("/fast");
        const slow = ask("/slow").then((answer) => {
          go.set();
          return answer;
        });
        void Promise.all([fast, slow]).then(() => stopped.set());
        await stopped.wait();
        expect([await slow, await fast, currentTask()!.cancelling()]).toEqual([ended, "200 ok", 0]);
      });
    },
  );

  it("that cancels the current task cancels main, as it is main's", async () => {
    const listener = answering(async () => String(currentTask()!.cancel()));
    await serving(listener, async (ask) => {
      const main = currentTask()!;
      void ask("/").catch(() => {});
      expect(await failureOf(new Event().wait())).toBeInstanceOf(CancelledError);
      expect(main.uncancel()).toBe(0);
    });
  });

  it("shares main's context variables; with asTask each request has its own", async () => {
    const user = new ContextVar("user", { default: "nobody" });
    const both = new Queue<null>();
    const remember = async (path: string) => {
      user.set(path);
      both.putNowait(null);
      while (both.qsize() < 2) await sleep(1);
      return user.get();
    };
    const answers = (listener: RequestListener) =>
      serving(listener, async (ask) => [...(await Promise.all([ask("/ada"), ask("/bob")])), user.get()]);
    const plain = await answers(answering(remember));
    expect(plain[0]).toBe(plain[1]);
    both.getNowait();
    both.getNowait();
    const own = await answers(asTask(answering(remember)));
    expect(own).toEqual(["200 /ada", "200 /bob", "nobody"]);
  });
});

describe("A handler of node:http in asTask", () => {
  it("reads what is sent, with a current task of its own", async () => {
    const tasks = new Set<Task | null>();
    const listener = asTask<unknown, Parameters<RequestListener>, void>(async (request, response) => {
      tasks.add(currentTask());
      await sleep(1);
      let length = 0;
      for await (const chunk of request) length += (chunk as Buffer).length;
      response.end(String(length));
    });
    await serving(listener, async (ask) => {
      expect([await ask("/"), await ask("/")]).toEqual(["200 0", "200 0"]);
      expect([tasks.size, tasks.has(currentTask()), tasks.has(null)]).toEqual([2, false, false]);
    });
  });

  it("that fails is told, and the server goes on", async () => {
    const listener = asTask<unknown, Parameters<RequestListener>, void>(async (request, response) => {
      await sleep(1);
      response.end("ok");
      if (request.url === "/bad") throw boom;
    });
    await serving(listener, async (ask) => {
      const told = new Event();
      getRunningLoop().setExceptionHandler((_loop, { exception }) => exception === boom && told.set());
      await wrapPromise(ask("/bad"));
      await told.wait();
      expect(await ask("/")).toBe("200 ok");
    });
  });

  it("with a group is waited for and cancelled with it", async () => {
    const cleanups: unknown[] = [];
    const begun = new Queue<string>();
    await run(async () => {
      await taskGroup(async (group) => {
        const work = async (path: string) => {
          begun.putNowait(path);
          const error = await failureOf(sleep(1e9));
          await sleep(1);
          cleanups.push(error);
          return "cancelled";
        };
        const server = createServer(asTask(answering(work), { group })).listen(0, "127.0.0.1");
        await once(server, "listening");
        const { port } = server.address() as AddressInfo;
        for (const path of ["/a", "/b"]) get({ port, path, agent: false }).on("error", () => {});
        expect(new Set([await begun.get(), await begun.get()])).toEqual(new Set(["/a", "/b"]));
        server.close();
        group.cancel();
      });
      expect(cleanups).toEqual([expect.any(CancelledError), expect.any(CancelledError)]);
    });
  });
});

describe("A handler of node:net", () => {
  it("that times out ends alone", () =>
    run(async () => {
      const answers = new Queue<unknown>();
      const server = createSocketServer(async (socket) => {
        answers.putNowait(await failureOf(timeout(10, () => sleep(1e9))));
        socket.destroy();
        server.close();
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      connect((server.address() as AddressInfo).port, "127.0.0.1").on("error", () => {});
      expect(((await answers.get()) as Error).name).toBe("TimeoutError");
      expect(currentTask()!.cancelling()).toBe(0);
    }));
});

describe("A timer of Node", () => {
  it("whose callback times out or has a failing group ends that alone", () =>
    run(async () => {
      const ends = new Queue<string>();
      const limit = async (_: string, body: () => PromiseLike<unknown>) => {
        ends.putNowait(((await failureOf(body)) as Error).name);
      };
      const failing = () => taskGroup((group) => void group.createTask(() => Promise.reject(boom)));
      setTimeout(limit, 1, "timeout", () => timeout(5, () => sleep(1e9)));
      setImmediate(limit, "group", failing);
      expect(new Set([await ends.get(), await ends.get()])).toEqual(
        new Set(["TimeoutError", "ExceptionGroup"]),
      );
      expect(currentTask()!.cancelling()).toBe(0);
    }));

  it("runs in the task that set it, with asTask in one of its own for each call", () =>
    run(async () => {
      const seen = new Queue<{ task: Task | null }>(); // a bare task would be awaited
      const note = () => seen.putNowait({ task: currentTask() });
      setTimeout(note, 1);
      expect((await seen.get()).task === currentTask()).toBe(true);
      const interval = setInterval(
        asTask(async () => {
          await sleep(1);
          note();
        }),
        1,
      );
      const [first, second] = [await seen.get(), await seen.get()];
      clearInterval(interval);
      expect(new Set([first.task, second.task, currentTask()]).size).toBe(3);
    }));

  it("in asTask that fails is told, each time", () =>
    run(async () => {
      const reported = reportsOf(getRunningLoop());
      const interval = setInterval(
        asTask(async () => {
          throw boom;
        }),
        1,
      );
      while (reported.length < 2) await sleep(1);
      clearInterval(interval);
      expect(reported[0]!.exception).toBe(boom);
    }));

  it("of a block keeps to it: the deadline ends what it awaits, and what it awaits later", () =>
    run(async () => {
      const ends = new Queue<unknown>();
      await moveOnAfter(20, async () => {
        setTimeout(async () => ends.putNowait(await failureOf(sleep(1e9))), 1);
        await sleep(1e9);
      });
      expect(await ends.get()).toBeInstanceOf(CancelledError);
    }));
});

describe("A listener of an emitter", () => {
  it("that times out ends alone: the emitting task and the registering one go on", () =>
    run(async () => {
      const bus = new EventEmitter();
      const ends = new Queue<string>();
      bus.on("job", async () => {
        ends.putNowait(((await failureOf(timeout(5, () => sleep(1e9)))) as Error).name);
      });
      const emitting = createTask(async () => {
        bus.emit("job");
        await ends.get().then((name) => ends.putNowait(name));
        return currentTask()!.cancelling();
      });
      expect(await emitting).toBe(0);
      expect([await ends.get(), currentTask()!.cancelling()]).toEqual(["TimeoutError", 0]);
    }));
});
