import { Agent, get } from "node:http";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Platform, root } from "../e2e/platform.ts";
import { becomeOwner, executablePath, missing } from "./browser-support.ts";

const perSecond = 50;
const loadMs = 32_000;
/** The fixture's: each answer takes this long, and one in fifty is a 500. */
const delayMs = 450;
const failShare = 0.02;

if (missing.length > 0 && process.env["CI"] !== "true") {
  describe("the board's numbers", () => {
    it.skip(`needs ${missing.join(" and ")}, which this machine does not have`, () => undefined);
  });
} else {
  describe("the board's numbers against the load that was sent", suite);
}

function suite(): void {
  let platform: Platform;
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    expect(missing).toEqual([]);
    platform = await Platform.start({ runtime: "process", edge: "embedded" });
    await platform.ok(["deploy", "-f", join(root, "test/fixtures/apps/measured/compose.yaml")]);
    browser = await chromium.launch({ executablePath: executablePath ?? "", args: ["--no-sandbox"] });
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    await becomeOwner(context, platform);
  });

  afterAll(async () => {
    await browser?.close();
    await platform?.stop();
  });

  it("tiles: 50 req/s, 2 % errors, 450 ms (R-170, R-171, R-172)", async () => {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${platform.api}/`);
    await page.locator(".tile").first().waitFor();
    const load = send(platform.http);
    await load.until(loadMs - 1000);
    const asked = page.waitForResponse((response) => response.url().endsWith("/api/v1/overview"));
    await page.getByRole("button", { name: "Refresh Dashboard" }).click();
    await asked;
    const tile = async (name: string) => {
      const text = await page.locator(".tile", { hasText: name }).locator("b").innerText();
      return Number(text.replace(/[^\d.]/g, ""));
    };
    const shown = {
      rate: await tile("Request Rate"),
      errors: await tile("Error Rate"),
      latency: await tile("Avg Latency"),
    };
    const sent = await load.end();
    // The load itself was what it was to be; else the numbers below would say nothing.
    expect(sent.perSecond).toBeGreaterThan(perSecond * 0.98);
    expect(sent.failedShare).toBeCloseTo(failShare, 2);
    expect(shown.rate).toBeGreaterThanOrEqual(perSecond * 0.95);
    expect(shown.rate).toBeLessThanOrEqual(perSecond * 1.05);
    expect(shown.errors).toBeGreaterThanOrEqual(1.8);
    expect(shown.errors).toBeLessThanOrEqual(2.2);
    expect(Math.abs(shown.latency - delayMs)).toBeLessThanOrEqual(Math.max(20, sent.meanMs - delayMs + 5));
  }, 80_000);
}

type Sent = { perSecond: number; failedShare: number; meanMs: number };

/** Requests at a steady rate, due by the clock and not by the answer before. */
function send(port: number): { until: (ms: number) => Promise<void>; end: () => Promise<Sent> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const began = performance.now();
  const took: number[] = [];
  let failed = 0;
  let due = 0;
  const one = () => {
    const from = performance.now();
    const request = get(
      { host: "127.0.0.1", port, path: "/", headers: { host: "measured.localhost" }, agent },
      (response) => {
        if (response.statusCode === 500) failed += 1;
        response.resume().on("end", () => took.push(performance.now() - from));
      },
    );
    request.on("error", () => {
      failed += 1;
    });
  };
  const timer = setInterval(() => {
    for (; due < ((performance.now() - began) / 1000) * perSecond; due++) one();
  }, 5);
  const until = (ms: number) =>
    new Promise<void>((resolve) => setTimeout(resolve, began + ms - performance.now()));
  return {
    until,
    async end() {
      await until(loadMs);
      clearInterval(timer);
      const elapsed = (performance.now() - began) / 1000;
      await until(loadMs + 2000);
      agent.destroy();
      return {
        perSecond: took.length / elapsed,
        failedShare: failed / took.length,
        meanMs: took.reduce((sum, ms) => sum + ms, 0) / took.length,
      };
    },
  };
}
