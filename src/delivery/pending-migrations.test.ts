import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { aStackService, World } from "../reconciler/world-support.ts";
import { BuiltinScanner } from "../scan/drivers/builtin.ts";
import { MemoryVulnerabilities } from "../scan/drivers/memory.ts";
import type { Service } from "../stack/stack.ts";
import { DeliveryWorld } from "./delivery-support.ts";
import { deployPhase } from "./phases/deploy.ts";
import { fetchPhase } from "./phases/fetch.ts";
import { scanPhase } from "./phases/scan.ts";
import { lastScan } from "./scan-book.ts";

const releaseJob = { argv: ["node", "migrate.js"], timeoutSeconds: 60, snapshot: false };
const api = (changes: Partial<Service> = {}) => aStackService("api", { releaseJob, ...changes });

async function start() {
  const world = new World();
  await world.engine.reconciler.start();
  const scanners = { content: new BuiltinScanner(), vulnerabilities: new MemoryVulnerabilities() };
  const d = new DeliveryWorld(world, { phases: [fetchPhase, scanPhase(async () => scanners), deployPhase] });
  /** A commit that changes these files. */
  const push = async (files: Record<string, string>, services: readonly Service[] = [api()]) => {
    const commit = d.commit({}, services);
    const folder = await d.sources.checkout("shop", commit);
    mkdirSync(join(folder, "db"));
    for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
    d.sources.put("shop", "main", commit, { folder, author: "Ada", paths: Object.keys(files) });
    return await d.over(d.push(commit));
  };
  return { world, d, push };
}

const drop = "ALTER TABLE users\n  DROP COLUMN name;\n";

it("stops a migration that the serving release would not survive, with file and line (R-132)", async () => {
  const { push, world } = await start();
  const first = await push({ "db/1.sql": drop });
  expect(first.state, "nothing serves yet").toBe("succeeded");
  const run = await push({ "db/2.sql": `SELECT 1;\n${drop}` });
  expect(run).toMatchObject({
    state: "failed",
    failure: { phase: "scan", code: "DELIVERY_SCAN_BLOCKED" },
  });
  expect(run.failure?.message).toBe(
    "db/2.sql:2: the release that serves may still use it: users: DROP COLUMN name",
  );
  expect(lastScan(world.store, run.scope)?.findings).toMatchObject([{ verdict: "blocked" }]);
});

it("passes what only adds, what is labelled, and what is excepted until a day", async () => {
  const { push, world, d } = await start();
  await push({});
  const day = new Date(world.clock.now()).toISOString().slice(0, 10);
  expect(await push({ "db/2.sql": "ALTER TABLE users ADD COLUMN age int;" })).toMatchObject({
    state: "succeeded",
  });
  const labelled = await push({ "db/3.sql": `-- roadstead: contract, unused since v2\n${drop}` });
  expect(labelled.state).toBe("succeeded");
  expect(d.output(labelled)).toContain("! db/3.sql:2:");
  const allow = `migration db/4.sql until ${day} # nobody reads it\n`;
  expect(await push({ "db/4.sql": drop, ".roadstead-allow": allow })).toMatchObject({ state: "succeeded" });
});

it("only warns where no two releases run side by side, and looks only where a release job does", async () => {
  const { push, d } = await start();
  const alone = [api({ strategy: "recreate", keepWarmSeconds: 0 })];
  await push({}, alone);
  const run = await push({ "db/2.sql": drop }, alone);
  expect(run.state).toBe("succeeded");
  expect(d.output(run)).toContain("! db/2.sql:1:");
  expect(await push({ "db/3.sql": drop }, [aStackService("api")])).toMatchObject({ state: "succeeded" });
});
