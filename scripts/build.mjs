// Compiles the package into dist/, which it empties first so that no file of an older build is packed.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, "-p", root], {
  stdio: "inherit",
});
process.exitCode = status ?? 1;
