// This runs an example of this checkout as it is, with the packages that are here: `node scripts/example.mjs NAME`.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [name, ...args] = process.argv.slice(2);
const folder = fileURLToPath(new URL(`../examples/${name}`, import.meta.url));
const own = join(folder, "node_modules/threadloop");
if (!existsSync(own)) {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync("../../..", own, "dir");
}
const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const [, ...start] = scripts.start.split(" ");
const child = spawn(process.execPath, [...start, ...args], { cwd: folder, stdio: "inherit" });
// Ctrl-C goes to both; the example says when it is over.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.once("close", (code, signal) => {
  process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
});
