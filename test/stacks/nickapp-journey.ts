import type { Browser, Page } from "playwright-core";
import { arbiter, host, type Nickapp, passwordOf, png } from "./nickapp-support.ts";

/** One deal from request to release, and one that ends in a dispute: buyer, seller and arbiter in browsers of their own. */
export async function dealAndDispute(app: Nickapp, browser: Browser): Promise<void> {
  const [buyer, seller, judge] = await Promise.all([
    openPage(app, browser),
    openPage(app, browser),
    openPage(app, browser),
  ]);
  await register(buyer, "Bea");
  await register(seller, "Sam");

  const first = await strike(buyer, seller, "A brass sextant");
  await pay(app, buyer, first);
  await say(seller, buyer, "It is on its way");
  await buyer.getByRole("button", { name: "Release the money" }).click();
  await sees(seller, "state", "released");
  await seller.goto(`${base(app)}/`);
  await sees(seller, "balance", "$12.50");

  await buyer.goto(`${base(app)}/`);
  const second = await strike(buyer, seller, "A ship in a bottle");
  await pay(app, buyer, second);
  await buyer.getByLabel("Reason").fill("The bottle is broken");
  await buyer.getByRole("button", { name: "Dispute" }).click();
  await sees(buyer, "state", "disputed");
  await buyer.getByLabel("File").setInputFiles({ name: "broken.png", mimeType: "image/png", buffer: png() });
  await buyer.getByRole("button", { name: "Add evidence" }).click();
  await sees(seller, "files", "evidence image/png");
  await judge.getByLabel("Email").fill(arbiter.email);
  await judge.getByLabel("Password").fill(arbiter.password);
  await judge.getByRole("button", { name: "Sign in" }).click();
  await sees(judge, "person", "Arbiter");
  await judge.goto(`${base(app)}/deals/${second}`);
  await sees(judge, "files", "evidence image/png");
  await judge.getByRole("button", { name: "Refund the buyer" }).click();
  await sees(buyer, "state", "decided");
  await sees(seller, "state", "decided");
  await buyer.goto(`${base(app)}/`);
  await sees(buyer, "balance", "$12.50");
}

const base = (app: Nickapp) => `http://${host}:${app.platform.http}`;

async function openPage(app: Nickapp, browser: Browser): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${base(app)}/`);
  return page;
}

async function register(page: Page, name: string): Promise<void> {
  await page.getByLabel("Email").fill(`${name.toLowerCase()}-${Date.now()}@example.com`);
  await page.getByLabel("Password").fill(passwordOf(name));
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Register" }).click();
  await sees(page, "person", name);
}

/** From the request to the accepted offer; both then have the deal open. */
async function strike(buyer: Page, seller: Page, title: string): Promise<string> {
  await buyer.getByLabel("Title").fill(title);
  await buyer.getByLabel("Budget").fill("20");
  await buyer.getByRole("button", { name: "Ask for it" }).click();
  await buyer.waitForURL(/\/requests\//);
  await seller.goto(buyer.url());
  await seller.getByLabel("Price").fill("12.50");
  await seller.getByRole("button", { name: "Offer" }).click();
  await sees(seller, "offers", "$12.50");
  await buyer.reload();
  await buyer.getByRole("button", { name: "Accept" }).click();
  await buyer.waitForURL(/\/deals\//);
  await seller.goto(buyer.url());
  await sees(seller, "presence", "Bea");
  return new URL(buyer.url()).pathname.split("/").at(-1) ?? "";
}

async function pay(app: Nickapp, buyer: Page, deal: string): Promise<void> {
  await buyer.getByRole("button", { name: "Pay into escrow" }).click();
  await sees(buyer, "invoice", "Send");
  await app.control("payments", "pay", { externalId: deal, amount: "12.50" });
  await sees(buyer, "state", "funded");
}

async function say(from: Page, to: Page, text: string): Promise<void> {
  await from.getByRole("textbox", { name: "Message" }).fill(text);
  await from.getByRole("button", { name: "Send" }).click();
  await sees(to, "messages", text);
}

async function sees(page: Page, what: string, text: string): Promise<void> {
  await page.getByTestId(what).filter({ hasText: text }).first().waitFor();
}
