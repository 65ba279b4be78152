/** This is a real browser for tests: Debian's Chromium, or the one that CHROMIUM names, driven by playwright. */
import { type Browser, chromium } from "playwright-core";
import { findProgram } from "./programpath.ts";

/** The path of Chromium; null, and one line that says so, where there is none. Throws in CI, which installs one. */
export function findChromium(): string | null {
  const { CHROMIUM, CI } = process.env;
  const path = findProgram(CHROMIUM ? [CHROMIUM] : ["chromium", "chromium-browser", "google-chrome"]);
  if (path !== null) return path;
  const missing = `No Chromium at ${CHROMIUM ?? "the PATH"}: install the package chromium, or name one in CHROMIUM.`;
  if (CI) throw new Error(missing);
  console.warn(missing);
  return null;
}

/** Starts Chromium, with a new profile and without its calls home. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
