// These tests read the site, built as `npm run docs` builds it, as its readers do: in a real browser, wide and narrow,
// in both colour schemes, without a network.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Contents, entries, reference } from "../../docs/.vitepress/entries.ts";
import { groups } from "../../docs/.vitepress/sidebar.ts";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { anchorsOf, hasTarget, pagesOfSite, readPage, root, serveSite, targetsOf } from "./site.ts";

const PHONE = { width: 400, height: 800 };
const DESKTOP = { width: 1280, height: 900 };

let pages: string[];
let contents: readonly Contents[];
beforeAll(() => {
  execFileSync("npm", ["run", "--silent", "--workspace", "docs", "build"], { cwd: root, stdio: "pipe" });
  pages = pagesOfSite();
  contents = JSON.parse(readFileSync(join(reference, "contents.json"), "utf8"));
}, 180_000);

describe("The reference", () => {
  it.each(entries)(
    "has a page for each public name of $name, which says what it is",
    ({ name, declarations }) => {
      const exported = [...readFileSync(declarations, "utf8").matchAll(/^export \{([^}]*)\}/gm)].flatMap(
        ([, list]) => list!.split(",").map((each) => each.replace(/^.* as |^\s*type /, "").trim()),
      );
      const names = contents.find((each) => each.name === name)!.groups.flatMap((group) => group.names);
      expect(names.map((each) => each.name).sort()).toEqual(exported.sort());
      expect(names.filter(({ summary }) => summary === "").map((each) => each.name)).toEqual([]);
      const missing = names.filter(
        ({ page }) => !pages.includes(`/reference/${page.replace(/\.md$/, ".html")}`),
      );
      expect(missing).toEqual([]);
    },
  );
});

describe("The pages of the site", () => {
  it("lead nowhere that does not exist, page or heading", () => {
    const texts = new Map(pages.map((page) => [page, readPage(page)]));
    const anchors = new Map([...texts].map(([page, html]) => [page, anchorsOf(html)]));
    const dead = [...texts].flatMap(([page, html]) => {
      const targets = new Set(targetsOf(page, html));
      return [...targets].filter((to) => !hasTarget(to, anchors)).map((to) => `${page}: ${to}`);
    });
    expect(dead).toEqual([]);
    expect(texts.size).toBeGreaterThan(100);
  });
});

const chromium = findChromium();

describe.runIf(chromium !== null)("In a browser", { concurrent: true }, () => {
  let browser: Browser;
  let site: Awaited<ReturnType<typeof serveSite>>;
  beforeAll(async () => {
    browser = await launchChromium(chromium!);
    site = await serveSite();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  /** Opens a page, and notes what goes wrong in it from then on: errors, and requests to others than the site. */
  async function open(path: string, viewport: { width: number; height: number }): Promise<[Page, string[]]> {
    const context = await browser.newContext({ viewport });
    const page = await context.newPage();
    const wrong: string[] = [];
    const note = (what: string): number => wrong.push(`${new URL(page.url()).pathname}: ${what}`);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) note(message.text());
    });
    page.on("pageerror", (error) => note(String(error)));
    page.on("requestfailed", (request) => {
      // What was to be fetched ahead is left when the page is.
      const { errorText } = request.failure()!;
      if (errorText !== "net::ERR_ABORTED") note(`${request.url()} ${errorText}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) note(`${response.url()} ${response.status()}`);
    });
    page.on("request", (request) => {
      if (!/^data:|^blob:/.test(request.url()) && !request.url().startsWith(site.address))
        note(request.url());
    });
    await page.goto(site.address + path);
    return [page, wrong];
  }

  it("each guide reads well on a telephone and on a desk, by day and by night", async () => {
    const guides = pages.filter((page) => !page.startsWith("/reference/") && page !== "/404.html");
    expect(guides.length).toBeGreaterThan(groups.flatMap((group) => group.pages).length);
    const [page, wrong] = await open("/index.html", PHONE);
    for (const path of guides) {
      const note = (faults: readonly string[]): number =>
        wrong.push(...faults.map((each) => `${path}: ${each}`));
      await page.goto(site.address + path);
      await page.addStyleTag({ content: "* { transition: none !important }" });
      for (const viewport of [PHONE, DESKTOP]) {
        await page.setViewportSize(viewport);
        note(await page.evaluate(faultsOfLayout));
      }
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.waitForFunction(isDark, colorScheme === "dark");
        note(await page.evaluate(faintTexts));
      }
    }
    expect(wrong).toEqual([]);
    await page.context().close();
  }, 120_000);

  it("each page of the reference does, reached from another one", async () => {
    const [page, wrong] = await open("/reference/index.html", PHONE);
    const names = contents.flatMap((each) => each.groups.flatMap((group) => group.names));
    for (const { name, page: file } of names) {
      await page.evaluate(clickLinkTo, `/reference/${file.replace(/\.md$/, ".html")}`);
      await page.waitForFunction(
        (title) => document.querySelector("h1")?.firstChild?.textContent?.trim() === title,
        name,
      );
      wrong.push(...(await page.evaluate(faultsOfLayout)).map((fault) => `${file}: ${fault}`));
    }
    expect(wrong).toEqual([]);
    await page.context().close();
  }, 120_000);

  it.each([PHONE, DESKTOP])("the search finds runInExecutor, $width pixels wide", async (viewport) => {
    const [page, wrong] = await open("/index.html", viewport);
    await page.click("button.DocSearch");
    await page.fill(".VPLocalSearchBox input", "runInExecutor");
    const first = page.locator(".VPLocalSearchBox .result").first();
    await first.waitFor();
    expect(await first.getAttribute("href")).toBe(
      "/reference/threadloop/functions/runInExecutor.html#runinexecutor",
    );
    await first.click();
    await page.waitForURL(/runInExecutor/);
    await page.locator("h1", { hasText: "runInExecutor" }).waitFor();
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  it("the switch for the colours wins over those of the system", async () => {
    const [page, wrong] = await open("/index.html", DESKTOP);
    const ink = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.querySelector(".drawing .ink")!).fill);
    const byDay = await ink();
    await page.click(".VPNavBarAppearance button");
    await page.waitForFunction(isDark, true);
    expect(await ink()).not.toBe(byDay);
    expect(wrong).toEqual([]);
    await page.context().close();
  });
});

/** Runs in the page: whether it shows the colours asked for. */
function isDark(dark: boolean): boolean {
  return document.documentElement.classList.contains("dark") === dark;
}

/** Runs in the page: goes to another page of the site as its links do, without loading all anew. */
function clickLinkTo(path: string): void {
  const link = document.createElement("a");
  link.href = path;
  document.body.append(link);
  link.click();
  link.remove();
}

/** Runs in the page: what of it is wider than the window, or is missing. */
async function faultsOfLayout(): Promise<string[]> {
  const faults: string[] = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) faults.push(`${scrollWidth} pixels wide in a window of ${clientWidth}`);
  for (const image of document.images) {
    await image.decode().catch(() => faults.push(`no picture at ${image.src}`));
  }
  return faults;
}

/** Runs in the page: its texts that hardly stand out from what they are on. */
function faintTexts(): string[] {
  const channels = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string): number => {
    const [r, g, b] = channels(colour).map((c) =>
      c <= 10.31475 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const background = (element: Element | null): string => {
    for (let at = element; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if ((channels(backgroundColor)[3] ?? 1) > 0.5) return backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = document.querySelectorAll(".VPContent :is(h1, h2, h3, p, li, td, th, a, code, .tagline)");
  const faint = new Set<string>();
  for (const element of texts) {
    const [one, other] = [luminance(getComputedStyle(element).color), luminance(background(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5)
      faint.add(`${element.localName}.${element.className} has a contrast of ${contrast.toFixed(1)}`);
  }
  return [...faint];
}
