/** What the tests of the dashboard share: a browser of this machine, and an owner who is signed in. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { type Platform, root } from "../e2e/platform.ts";

export const executablePath = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));

/** What this machine lacks; nothing in CI, where everything has to be there. */
export const missing = [
  ...(executablePath === undefined ? ["Chromium"] : []),
  ...(existsSync(join(root, "web/dist/index.html")) ? [] : ["the built dashboard (sh scripts/build-web.sh)"]),
];

export const owner = { email: "ada@example.com", password: "correct horse battery staple", name: "Ada" };

/** Makes the owner's account; the browser has the session from then on. */
export async function becomeOwner(context: BrowserContext, platform: Platform): Promise<void> {
  const origin = `http://127.0.0.1:${platform.api}`;
  const code = readFileSync(join(platform.home, "setup-code"), "utf8").trim();
  const answer = await context.request.post(`${origin}/api/v1/setup`, {
    data: { code, ...owner },
    headers: { origin, "x-roadstead-request": "1" },
  });
  if (!answer.ok()) throw new Error(`set-up answered ${answer.status()}: ${await answer.text()}`);
}
