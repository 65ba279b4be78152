import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { command, Program, startFixture } from "../support/processes.ts";

describe("threadloop ps and pstree", () => {
  it("show the tasks of every thread of a running process, also of one that is stuck, and leave it as it was", async () => {
    const app = startFixture("observe/app.mjs");
    await app.said("ready");
    const tree = await command("pstree", String(app.pid));
    expect(tree).toMatchObject({ code: 0, errors: "" });
    expect(tree.output.replace(/ for [\d.]+ m?s/g, "").replace(/thread \d+/g, "thread N")).toContain(
      [
        "   └─ task site (both): waits on the tasks of its group",
        "      ├─ task fetching: waits on job awaitUntilOpen",
        "      │  └─ job awaitUntilOpen: running in thread N",
        "      │     └─ task awaitUntilOpen: waits on sleep",
        "      └─ task crunching: waits on job blockUntilOpen",
        "         └─ job blockUntilOpen: running in thread N",
      ].join("\n"),
    );
    expect(tree.output).toMatch(
      /thread \d "crew" of pool "app": busy with job blockUntilOpen for .*\n.*at .*\n.*at blockUntilOpen \(.*jobs\.mjs/,
    );

    const table = await command("ps", String(app.pid));
    expect(table.output).toMatch(/^THREAD +KIND +NAME/);
    expect(table.output).toMatch(/^0 +task +fetching +waiting +job awaitUntilOpen +\d+ ms +site/m);
    expect(table.output).toMatch(/^\d crew +job +blockUntilOpen +running +- +\d+ ms +crunching/m);

    app.say("go\n");
    expect(await app.ended).toBe(0);
    expect(app.output).toContain("done");
    expect(app.errors.match(/Debugger listening/g)).toHaveLength(2);
  });

  it("show where the main thread is that is in an endless loop, as often as one looks", async () => {
    const app = startFixture("observe/endless.mjs");
    await app.said("ready");
    for (let times = 0; times < 2; times++) {
      const { code, output } = await command("pstree", String(app.pid));
      expect(code).toBe(0);
      expect(output).toMatch(/^main thread: busy\n +at .*endless\.mjs/);
    }
  });

  it("show tasks that wait for each other in a circle", async () => {
    const app = startFixture("observe/circle.mjs");
    await app.said("ready");
    const { code, output } = await command("pstree", String(app.pid));
    expect(code).toBe(0);
    expect(output).toMatch(/└─ task alpha .*\n +└─ task beta .*\n +└─ task alpha .* \(see above\)/);
  });

  it("leave the process alive when one looks again and again", async () => {
    const app = startFixture("observe/stranger.mjs");
    await app.said("ready");
    for (let times = 0; times < 6; times++)
      expect((await command("ps", String(app.pid))).errors).toContain("does not use threadloop");
    app.say("go\n");
    expect(await app.ended).toBe(0);
  });

  it("name the processes that a script has started, of which one may be meant", async () => {
    const child = "console.log(process.pid); process.stdin.resume()";
    const line = JSON.stringify(`"${process.execPath}" -e "${child}"; :`);
    const script = new Program([
      "--inspect-port=0",
      "-e",
      `require("node:child_process").spawn(${line}, { shell: true, stdio: "inherit" })`,
    ]);
    await script.said("\n");
    const { errors } = await command("ps", String(script.pid));
    expect(errors).toContain(`It has started other Node processes: ${script.output.trim()}`);
    script.child.stdin?.end();
    expect(await script.ended).toBe(0);
  });

  it.runIf(process.platform === "linux")("say so when the main thread is in native code", async () => {
    const app = startFixture("observe/native.mjs");
    await app.said("ready");
    const { code, errors } = await command("ps", String(app.pid));
    expect(code).toBe(1);
    expect(errors).toContain(`The main thread of process ${app.pid} does not answer its inspector`);
    app.say("go\n");
    expect(await app.ended).toBe(0);
  });

  it("show a name on its own line, whatever it holds", async () => {
    const app = startFixture("observe/named.mjs");
    await app.said("ready");
    const table = await command("ps", String(app.pid));
    const tree = await command("pstree", String(app.pid));
    for (const { output } of [table, tree]) {
      expect(output).toContain("a\\x1b[2J\\x07\\nfake row");
      expect(output).not.toMatch(/^fake row/m);
    }
    expect(table.output.trim().split("\n")).toHaveLength(3); // the head, and two tasks
  });

  it("say so when the process does not use threadloop", async () => {
    const app = startFixture("observe/stranger.mjs");
    await app.said("ready");
    const { code, errors } = await command("ps", String(app.pid));
    expect(code).toBe(1);
    expect(errors).toContain(`Process ${app.pid} does not use threadloop`);
    app.say("go\n");
    expect(await app.ended).toBe(0);
  });

  it("refuse a process that is not there, and words they do not know", async () => {
    expect(await command("ps", "99999999")).toMatchObject({
      code: 1,
      errors: "threadloop: There is no process 99999999\n",
    });
    expect((await command("ps", "x")).errors).toContain("Expected PID to be a positive integer, got `x`");
    expect((await command("ps", "1", "2")).errors).toBe("threadloop: Expected one PID, got 1 2\n");
    expect((await command("peek", "1")).errors).toContain("There is no command `peek`");
    expect((await command("ps", "1", "--depth", "2")).errors).toContain("Unknown option '--depth'");
    expect((await command()).output).toContain("threadloop pstree PID");
  });

  it.runIf(process.platform === "linux")("refuse a process that is stopped", async () => {
    const app = startFixture("observe/stranger.mjs");
    await app.said("ready");
    app.child.kill("SIGSTOP");
    const isStopped = () => /^State:\s*T/m.test(readFileSync(`/proc/${app.pid}/status`, "utf8"));
    while (!isStopped()) await new Promise(setImmediate);
    const { errors } = await command("ps", String(app.pid));
    expect(errors).toContain(`Process ${app.pid} is stopped`);
    app.child.kill("SIGCONT");
    app.say("go\n");
    expect(await app.ended).toBe(0);
    expect(app.errors).toBe("");
  });

  it.runIf(process.platform === "linux")("never send the signal to a process that it would end", async () => {
    const other = spawn("sleep", ["60"]);
    const { errors } = await command("ps", String(other.pid));
    expect(errors).toContain("does not take SIGUSR1");
    expect(other.exitCode).toBeNull();
    other.kill();
  });

  it.runIf(process.platform === "linux")(
    "never send the signal to a shell, which would take it otherwise",
    async () => {
      const shell = spawn("sh", ["-c", "trap 'echo signalled' USR1; echo ready; read line"]);
      let output = "";
      shell.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
      await once(shell.stdout, "data");
      expect((await command("ps", String(shell.pid))).errors).toContain("is not a Node process");
      shell.stdin.end("done\n");
      await once(shell, "close");
      expect(output).toBe("ready\n");
    },
  );
});
