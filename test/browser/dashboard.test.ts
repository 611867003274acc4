import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Platform, root, trio } from "../e2e/platform.ts";
import { executablePath, missing, owner } from "./browser-support.ts";

const pages = [
  "/",
  "/stacks",
  "/stacks/trio/production",
  "/stacks/trio/production/releases",
  "/deployments",
  "/logs",
  "/runs",
  "/variables",
  "/backups",
  "/incidents",
  "/slow-queries",
  "/alerts",
  "/access",
  "/audit",
  "/settings",
];
const panels = [
  "System Health Overview",
  "Service Status (by Project)",
  "Response Time (p95 Latency)",
  "Resource Utilization",
  "Active Alerts",
  "Database Performance",
  "External Dependencies",
];
const buttons = ["Refresh Dashboard", "Export Data", "Configure Alerts", "View Logs"];

type Violation = { id: string; impact: string; nodes: { html: string }[] };

if (missing.length > 0 && process.env["CI"] !== "true") {
  describe("the dashboard", () => {
    it.skip(`needs ${missing.join(" and ")}, which this machine does not have`, () => undefined);
  });
} else {
  describe("the dashboard in a browser", suite);
}

function suite(): void {
  let platform: Platform;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const complaints: string[] = [];
  const address = (path: string) => `http://127.0.0.1:${platform.api}${path}`;

  beforeAll(async () => {
    expect(missing).toEqual([]);
    platform = await Platform.start({ runtime: "process", edge: "embedded" });
    await platform.ok(["deploy", "-f", join(trio, "compose.yaml")]);
    browser = await chromium.launch({ executablePath: executablePath ?? "", args: ["--no-sandbox"] });
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      // The first question who one is has the answer 401, which the browser reports by itself; and it breaks requests
      // off while networks of the machine (Docker's) come and go.
      if (message.type() === "error" && !/\b401\b|ERR_NETWORK_CHANGED/.test(message.text()))
        complaints.push(`${page.url()}: ${message.text()}`);
    });
  });

  afterAll(async () => {
    await browser?.close();
    await platform?.stop();
  });

  const open = async (path: string) => {
    await page.goto(address(path));
    await page.locator("main h1").first().waitFor();
    await page.locator(".waiting").first().waitFor({ state: "detached" });
  };

  it("sets the owner up with the code of the host, and nobody gets in without (R-201, R-224)", async () => {
    await page.goto(address("/audit"));
    await page.getByRole("heading", { name: "Set up Roadstead" }).waitFor();
    await page.getByLabel("Set-up code").fill(readFileSync(join(platform.home, "setup-code"), "utf8").trim());
    await page.getByLabel("Your name").fill(owner.name);
    await page.getByLabel("E-mail").fill(owner.email);
    await page.getByLabel("Password").fill(owner.password);
    await page.getByRole("button", { name: "Create the owner’s account" }).click();
    await page.getByRole("heading", { name: "Audit trail" }).waitFor();
  });

  it("shows the seven panels and four buttons of the board in their order (R-168)", async () => {
    await open("/");
    expect(await page.locator("main section.panel h2").allInnerTexts()).toEqual(
      panels.map((panel) => expect.stringMatching(new RegExp(panel.replace(/[()]/g, "\\$&"), "i"))),
    );
    expect((await page.locator(".board-actions .button").allInnerTexts()).map((text) => text.trim())).toEqual(
      buttons,
    );
    expect(await page.locator(".tile").allInnerTexts()).toEqual([
      expect.stringContaining("3 / 3"),
      expect.stringContaining("Request Rate"),
      expect.stringContaining("Error Rate"),
      expect.stringContaining("Avg Latency"),
    ]);
    expect(await page.locator("main .legend li").count()).toBe(7);
  });

  it("refreshes with one call, and exports what it shows (R-188, R-189)", async () => {
    await open("/");
    const asked = page.waitForRequest((request) => request.url().endsWith("/api/v1/overview"));
    await page.getByRole("button", { name: "Refresh Dashboard" }).click();
    await asked;
    await page.getByRole("button", { name: "Export Data" }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).click();
    const file = readFileSync((await (await download).path()) ?? "", "utf8");
    expect(file).toContain("Service Status,trio/production,backend,up");
    expect(file.split("\r\n")[0]).toBe("panel,subject,name,value");
  });

  it("goes to a page by keyboard alone", async () => {
    await open("/");
    await page.keyboard.press("Control+k");
    await page.getByPlaceholder("A page, a stack, a service…").fill("trio / production");
    await page.getByRole("option", { name: "trio / production" }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "trio", exact: true }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("d");
    await page.getByRole("heading", { name: "Deployments" }).waitFor();
    await page.locator("[data-row]").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /^Deploy / }).waitFor();
    expect(await page.getByLabel("Steps").locator("li").count()).toBeGreaterThan(5);
  });

  it("takes an incident from its report over the checklist to its end (R-208)", async () => {
    await open("/incidents");
    await page.getByRole("button", { name: "Report an incident" }).click();
    await page.getByLabel("Service", { exact: true }).selectOption("front");
    await page.getByLabel("What does not work").fill("orders fail");
    await page.getByRole("button", { name: "Report", exact: true }).click();
    await page.getByRole("heading", { name: "Service Downtime - front" }).waitFor();
    await page.getByLabel("Add a line").fill("looked at the logs");
    await page.getByRole("button", { name: "Add", exact: true }).first().click();
    await page.locator(".timeline").getByText("looked at the logs").waitFor();
    await page.getByLabel("Schedule post-mortem meeting").click();
    await page.locator(".checks li", { hasText: "post-mortem" }).getByText(owner.email).waitFor();
    await page.getByRole("button", { name: "Resolve" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resolve" }).click();
    await page.getByText("RESOLVED", { exact: true }).waitFor();
  });

  it("backs a stack up once there is somewhere to put it", async () => {
    await open("/backups");
    await page.getByText("Nothing is backed up").waitFor();
    await page.getByLabel("Name").fill("main");
    await page.getByLabel("Folder on the host").fill(join(platform.home, "kept"));
    await page.getByRole("button", { name: "Add repository" }).click();
    await page.getByText("Keep this key elsewhere").waitFor();
    await page.getByText("default", { exact: true }).waitFor();
  });

  it("has no serious finding of axe, light and dark, and no page scrolls sideways on a phone (R-201)", async () => {
    const axe = readFileSync(join(root, "web/node_modules/axe-core/axe.min.js"), "utf8");
    const found: string[] = [];
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const path of pages) {
        await open(path);
        await page.evaluate(axe);
        const { passed, violations } = await page.evaluate<{ passed: number; violations: Violation[] }>(
          "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}).then((result) => ({passed: result.passes.length, violations: result.violations.map(({id, impact, nodes}) => ({id, impact, nodes: nodes.map(({html}) => ({html}))}))}))",
        );
        expect(passed).toBeGreaterThan(10);
        for (const { id, impact, nodes } of violations)
          if (impact === "serious" || impact === "critical")
            found.push(`${colorScheme} ${path}: ${id}: ${nodes[0]?.html.slice(0, 200)}`);
      }
    }
    await page.setViewportSize({ width: 390, height: 844 });
    for (const path of pages) {
      await open(path);
      const over = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      if (Number(over) > 0) found.push(`${path} is ${over} px too wide for a phone`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
    expect(found).toEqual([]);
  });

  it("answers with the status page also to strangers, once it is turned on (R-198)", async () => {
    await open("/settings");
    await page.getByLabel("Show it to everybody").check();
    await page.getByLabel("trio/production").check();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The status page is public.").waitFor();
    const stranger = await (await browser.newContext()).newPage();
    await stranger.goto(address("/status"));
    await stranger.getByText("Everything works").waitFor();
    await stranger.goto(address("/"));
    await stranger.getByRole("heading", { name: "Sign in" }).waitFor();
  });

  it("nothing was refused by the page's policy, and nothing threw", () => {
    expect(complaints).toEqual([]);
  });
}
