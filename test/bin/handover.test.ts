import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Finding } from "../../dist/bin/doctor/diagnosis.js";
import { handoverOf } from "../../dist/bin/doctor/handover.js";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "threadloop-handover-")));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const found = (file: string): Finding => ({ name: "rank", advice: "offload", file }) as unknown as Finding;

/** Whether the doctor gives the command for the file itself, or asks to move the function first. */
function told(file: string, main: string | null = null): "command" | "move" | "nothing" {
  const lines = handoverOf(found(file), main);
  if (lines.length === 0) return "nothing";
  if (lines.length === 1) {
    expect(lines[0]).toBe(`npx threadloop compare ${file}#rank --args '[...]'`);
    return "command";
  }
  expect(lines[0]).toMatch(/would start the program again .* move rank to a module of its own, then run$/);
  expect(lines[1]).toBe("npx threadloop compare MODULE#rank --args '[...]'");
  return "move";
}

const RANK = "export function rank(rows) { return rows.map(() => setInterval); }\n";

describe("the command for compare", () => {
  it.each([
    ["only defines", ""],
    [
      "makes what others start",
      'import express from "express";\nexport const app = express();\napp.get("/", rank);\n',
    ],
    ["starts something when it is called", "export function begin() { server.listen(0); }\n"],
    ["starts something in a method", "class App { start() { this.server.listen(0); } }\n"],
    ["configures what it imports", "marked.use({ gfm: true });\nObject.freeze(rank);\n"],
    ["starts as a main file only", "if (import.meta.url === pathToFileURL(process.argv[1]).href) main();\n"],
    ["has a name that looks like a start", "const listen = 1, setInterval = 2;\n"],
    ["throws things together", "export const rows = [1, 2].map((n) => n + 1);\n"],
    ["is a script with a shebang", ""],
  ])("is printed of a module that %s", (what, text) => {
    expect(
      told(fileWith("a.mjs", (what.includes("shebang") ? "#!/usr/bin/env node\n" : "") + RANK + text)),
    ).toBe("command");
  });

  it.each([
    ["listens", "createServer(handle).listen(8080);\n"],
    ["keeps the server", "const server = createServer(handle).listen(8080);\n"],
    ["exports the server", "export const server = serve({ fetch: app.fetch });\n"],
    ["waits for the server", "await app.listen({ port: 8080 });\n"],
    ["calls a function of its own", "main();\n"],
    ["calls one and waits", "await begin().then(() => {});\n"],
    ["calls one and ignores the result", "void begin();\n"],
    ["calls one that stands there", "(async () => { await app.listen(1); })();\n"],
    ["starts a timer", "const timer = setInterval(look, 1000);\n"],
    ["starts in a branch", "if (process.env.PORT) { server.listen(process.env.PORT); }\n"],
    ["starts in a try", "try { server.listen(1); } catch {}\n"],
  ])("is not printed of a module that %s", (_, text) => {
    expect(told(fileWith("b.mjs", RANK + text))).toBe("move");
    expect(
      told(fileWith("b.cjs", `exports.rank = (rows) => rows;\n${text.replace(/^export |^await /, "")}`)),
    ).toBe("move");
  });

  it("is not printed of the file that the thread began with, however that was named", () => {
    const text = `import "./elsewhere.js";\n${RANK}`;
    const main = fileWith("server.js", text);
    expect(told(main)).toBe("command");
    expect(told(main, main)).toBe("move");
    expect(told(main, join(folder, "server"))).toBe("move");
    mkdirSync(join(folder, "app"));
    const index = fileWith("app/index.js", text);
    expect(told(index, join(folder, "app"))).toBe("move");
    expect(told(index, main)).toBe("command");
    expect(told(index, join(folder, "gone"))).toBe("command");
    const guarded = fileWith(
      "c.cjs",
      "exports.rank = (rows) => rows;\nif (require.main === module) main();\n",
    );
    expect(told(guarded, guarded)).toBe("command");
  });

  it("goes by the lines of a text that is not JavaScript", () => {
    const typed = "export function rank(rows: readonly Row[]): Row[] { return [...rows]; }\n";
    expect(told(fileWith("d.ts", typed))).toBe("command");
    expect(told(fileWith("d.ts", `${typed}if (isReady) {\n  look();\n}\n`))).toBe("command");
    expect(told(fileWith("d.ts", `${typed}server.listen(0, () => {});\n`))).toBe("move");
    expect(told(fileWith("d.ts", `${typed}await begin();\n`))).toBe("move");
  });

  it("is not printed where there is nothing to measure", () => {
    expect(told(fileWith("e.mjs", "function rank() {}\n"))).toBe("nothing");
    expect(told(join(folder, "gone.mjs"))).toBe("nothing");
  });
});
